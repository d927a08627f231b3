//! What looks like one thing and is another.

use crate::place::{OK, Place};
use serde_json::{Value, json};

#[test]
fn a_text_about_memory_does_not_win_over_a_missing_secret() {
    let Some(place) = Place::new("twin-text") else { return };
    let mut it = place.deployment("web", 1, OK);
    it["spec"]["template"]["spec"]["containers"][0]["envFrom"] =
        json!([{"secretRef": {"name": "api-keys"}}]);
    place.apply(&[it]);
    place.until("it can't start", 60, || {
        place.kubectl(&["get", "pods", "-o", "json"]).contains("CreateContainerConfigError")
    });
    let pod = place.pods("app=web").remove(0);
    let labels = json!({"pod": pod, "container": "app"});
    place.alert_saying("ContainerOutOfMemory", labels, "OOMKilled: raise the memory limit at once");
    place.told("missing-config", "Deployment/web", &["api-keys"]);
    assert_eq!(place.get("deploy", "web")["metadata"]["generation"], 1);
}

#[test]
fn a_kill_that_was_not_for_memory_raises_no_limit() {
    let Some(place) = Place::new("twin-137") else { return };
    let mut it = place.deployment("web", 1, "sleep 3; kill -9 $$");
    it["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"limits": {"memory": "64Mi"}});
    place.apply(&[it]);
    place.until("it crashes", 90, || {
        place.kubectl(&["get", "pods", "-o", "json"]).contains("CrashLoopBackOff")
    });
    let pod = place.pods("app=web").remove(0);
    place.alert("KubePodCrashLooping", json!({"pod": pod, "container": "app"}));
    let settled = |case: &Value| case["state"] == "closed" || case["state"] == "awaiting_approval";
    let case = place.case("a hand-over", 90, settled);
    assert_eq!(case["verdict"]["outcome"], "handed_over", "{}", place.picture());
    assert_ne!(case["cause"], "limit-too-small", "{}", place.picture());
}

#[test]
fn a_service_of_a_workload_that_a_person_scaled_to_zero_is_on_purpose() {
    let Some(place) = Place::new("twin-zero") else { return };
    place.apply(&[
        place.deployment("web", 1, OK),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    ]);
    place.rolled_out("web");
    place.kubectl(&["scale", "deploy/web", "--replicas=0"]);
    place.until("its pods are gone", 60, || place.pods("app=web").is_empty());
    place.alert("ServiceWithoutEndpoints", json!({"service": "web"}));
    let case = place.case("the end", 90, |case| case["state"] == "closed");
    assert_eq!(place.get("deploy", "web")["spec"]["replicas"], 0, "{}", place.picture());
    assert_ne!(case["cause"], "selector-mismatch", "{}", place.picture());
}

#[test]
fn what_is_well_again_is_recorded_and_closed() {
    let Some(place) = Place::new("twin-well") else { return };
    place.apply(&[place.deployment("web", 1, OK)]);
    place.rolled_out("web");
    std::thread::sleep(std::time::Duration::from_secs(20));
    place.alert("KubeDeploymentReplicasMismatch", json!({"deployment": "web"}));
    let case = place.case("the end", 120, |case| {
        case["state"] == "closed" || case["state"] == "awaiting_approval"
    });
    assert_eq!(case["state"], "closed", "{}", place.picture());
    assert_eq!(place.get("deploy", "web")["metadata"]["generation"], 1);
}

#[test]
fn an_alert_about_what_is_gone_is_recorded_and_closed() {
    let Some(place) = Place::new("twin-gone") else { return };
    place.alert("KubePodCrashLooping", json!({"pod": "web-7d9f-2kx8p", "container": "app"}));
    let case = place.case("the end", 60, |case| case["state"] == "closed");
    let words = case.to_string();
    assert!(words.contains("gone") || words.contains("does not exist"), "{}", place.picture());
}

#[test]
fn a_claim_that_waits_for_its_first_pod_is_no_fault() {
    let Some(place) = Place::new("twin-first") else { return };
    let class = place.namespace.clone();
    place.apply(&[
        json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": class},
            "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer"}),
        json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"},
            "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class,
                "resources": {"requests": {"storage": "1Gi"}}}}),
    ]);
    place.alert("KubePersistentVolumeClaimPending", json!({"persistentvolumeclaim": "data"}));
    let case = place.case("the end", 60, |case| case["state"] == "closed");
    place.try_kubectl(&["delete", "storageclass", &class]);
    assert_ne!(case["cause"], "claim-pending", "{}", place.picture());
}
