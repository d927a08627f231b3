//! Certificates, budgets, objects that can't go.

use crate::place::{OK, Place};
use serde_json::json;

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
fn a_certificate_that_nobody_keeps() {
    let Some(place) = Place::new("tls") else { return };
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str| directory.path().join(name).display().to_string();
    let (key, certificate) = (file("key"), file("certificate"));
    let made = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"])
        .args([
            "-days",
            "5",
            "-subj",
            "/CN=shop.example.com",
            "-keyout",
            &key,
            "-out",
            &certificate,
        ])
        .output()
        .expect("openssl, which the environment is made with");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let (key, certificate) = (format!("--key={key}"), format!("--cert={certificate}"));
    place.kubectl(&["create", "secret", "tls", "shop-tls", &key, &certificate]);
    place.apply(&[
        place.deployment("shop", 1, OK),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "shop"},
            "spec": {"selector": {"app": "shop"}, "ports": [{"port": 80}]}}),
        json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "shop"},
            "spec": {"tls": [{"hosts": ["shop.example.com"], "secretName": "shop-tls"}],
                "rules": [{"host": "shop.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix",
                    "backend": {"service": {"name": "shop", "port": {"number": 80}}}}]}}]}}),
    ]);
    place.rolled_out("shop");
    place.alert("SslCertificateExpiresSoon", json!({"ingress": "shop"}));
    let words = ["shop-tls", "Ingress shop", "who put it there", "kubectl-create"];
    let case = place.told("certificate-expiring", "Secret/shop-tls", &words);
    let kept = std::fs::read_to_string(directory.path().join("key")).expect("the key");
    let line = kept.lines().nth(1).expect("its first line");
    assert!(!case.to_string().contains(line), "the key is nowhere");
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
