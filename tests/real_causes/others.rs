//! Autoscalers, budgets, objects that can't go.

use crate::place::{OK, Place};
use serde_json::json;

#[test]
fn an_autoscaler_without_metrics() {
    let Some(place) = Place::new("hpa") else { return };
    let mut web = place.deployment("web", 1, OK);
    web["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "10m"}});
    place.apply(&[
        web,
        json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web"}, "spec": {"minReplicas": 1, "maxReplicas": 3,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
            "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 50}}}]}}),
    ]);
    place.until("it says that it has no metrics", 90, || {
        place.kubectl(&["get", "hpa", "web", "-o", "json"]).contains("FailedGetResourceMetric")
    });
    place.alert("KubeHpaReplicasMismatch", json!({"horizontalpodautoscaler": "web"}));
    place.told("hpa-without-metrics", "HorizontalPodAutoscaler/web", &["metrics"]);
}

#[test]
fn a_certificate_that_was_not_renewed() {
    let Some(place) = Place::new("certificate") else { return };
    // cert-manager is played: its resource is there, and the status that it would write.
    place.apply(&[json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "certificates.cert-manager.io"}, "spec": {"group": "cert-manager.io", "scope": "Namespaced",
        "names": {"kind": "Certificate", "plural": "certificates", "singular": "certificate"},
        "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {
            "type": "object", "x-kubernetes-preserve-unknown-fields": true}}}]}})]);
    let crd = "crd/certificates.cert-manager.io";
    place.kubectl(&["wait", crd, "--for=condition=Established", "--timeout=30s"]);
    let in_hours = |hours| (chrono::Utc::now() + chrono::TimeDelta::hours(hours)).to_rfc3339();
    let ready = json!({"type": "Ready", "status": "True", "reason": "Ready",
        "message": "Certificate is up to date", "lastTransitionTime": in_hours(-2_000)});
    let certificate = json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate",
        "metadata": {"name": "shop"}, "spec": {"secretName": "shop-tls", "issuerRef": {"name": "letsencrypt"}},
        "status": {"notAfter": in_hours(30), "renewalTime": in_hours(-690), "conditions": [ready]}});
    place.until("it can be made", 30, || place.try_apply(&certificate));
    place.alert_saying(
        "CertManagerCertExpirySoon",
        json!({"name": "shop", "exported_namespace": place.namespace}),
        "The domain that this certificate covers will be unavailable: memory is used up",
    );
    place.told("certificate-expiring", "Certificate/shop", &["cmctl renew"]);
}

#[test]
fn a_budget_that_allows_nothing() {
    let Some(place) = Place::new("budget") else { return };
    place.apply(&[
        place.deployment("web", 2, OK),
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "web"},
            "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}}}),
    ]);
    place.rolled_out("web");
    place.until("it was counted", 30, || place.get("pdb", "web")["status"]["expectedPods"] == 2);
    place.alert("KubePdbNotEnoughHealthyPods", json!({"poddisruptionbudget": "web"}));
    place.told("budget-never-met", "PodDisruptionBudget/web", &["maxUnavailable"]);
    assert_eq!(place.get("pdb", "web")["spec"]["maxUnavailable"], 0, "nothing was changed");
}

#[test]
fn an_object_that_a_finalizer_holds() {
    let Some(place) = Place::new("finalizer") else { return };
    place.apply(&[json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "finalizers": ["example.com/archive"]},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "none",
            "resources": {"requests": {"storage": "1Gi"}}}})]);
    place.kubectl(&["delete", "pvc", "data", "--wait=false"]);
    // It counts as stuck only after a while.
    std::thread::sleep(std::time::Duration::from_secs(150));
    place.alert("KubePersistentVolumeClaimTerminating", json!({"persistentvolumeclaim": "data"}));
    place.told("stuck-terminating", "PersistentVolumeClaim/data", &["example.com/archive"]);
    let live = place.get("pvc", "data");
    assert_eq!(live["metadata"]["finalizers"], json!(["example.com/archive"]), "it is still held");
    let free = r#"[{"op":"remove","path":"/metadata/finalizers"}]"#;
    place.kubectl(&["patch", "pvc", "data", "--type=json", "-p", free]);
}
