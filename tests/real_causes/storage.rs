//! Claims and volumes.

use crate::place::{OK, Place};
use serde_json::{Value, json};

fn claim(name: &str, more: Value) -> Value {
    let mut it = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    for (key, value) in more.as_object().into_iter().flatten() {
        it["spec"][key] = value.clone();
    }
    it
}

#[test]
fn an_alert_about_a_claim_without_a_class() {
    let Some(place) = Place::new("claim") else { return };
    place.apply(&[claim("data", json!({"storageClassName": "gone"}))]);
    place.until("it waits", 30, || place.get("pvc", "data")["status"]["phase"] == "Pending");
    place.alert("KubePersistentVolumeClaimPending", json!({"persistentvolumeclaim": "data"}));
    place.told("claim-pending", "PersistentVolumeClaim/data", &["gone"]);
}

#[test]
fn a_volume_that_no_node_can_use() {
    let Some(place) = Place::new("volume-zone") else { return };
    let volume = place.namespace.clone();
    place.apply(&[
        json!({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": volume}, "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "",
            "persistentVolumeReclaimPolicy": "Delete", "local": {"path": "/tmp/none"},
            "claimRef": {"namespace": place.namespace, "name": "data"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-z"]}]}]}}}}),
        claim("data", json!({"storageClassName": "", "volumeName": volume})),
    ]);
    let mut web = place.deployment("web", 1, OK);
    web["spec"]["template"]["spec"]["volumes"] =
        json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    place.apply(&[web]);
    place.until("it can't be placed", 60, || {
        place.kubectl(&["get", "events"]).contains("FailedScheduling")
            && place.get("pvc", "data")["status"]["phase"] == "Bound"
    });
    let pod = place.pods("app=web").remove(0);
    place.alert("KubePodNotReady", json!({"pod": pod}));
    let settled = |case: &Value| case["state"] == "closed" || case["state"] == "awaiting_approval";
    let case = place.case("a hand-over", 180, settled);
    place.try_kubectl(&["delete", "pv", &volume, "--wait=false"]);
    assert_eq!(case["cause"], "unschedulable-volume-zone", "{}", place.picture());
    assert_eq!(case["verdict"]["outcome"], "handed_over", "{}", place.picture());
}

#[test]
fn pods_that_their_node_evicts() {
    let Some(place) = Place::new("evicted") else { return };
    let script = "trap 'exit 0' TERM; head -c 30000000 /dev/zero > /scratch/big; while true; do sleep 1; done";
    let mut web = place.deployment("web", 1, script);
    let pod = &mut web["spec"]["template"]["spec"];
    pod["volumes"] = json!([{"name": "scratch", "emptyDir": {"sizeLimit": "1Mi"}}]);
    pod["containers"][0]["volumeMounts"] = json!([{"name": "scratch", "mountPath": "/scratch"}]);
    place.apply(&[web]);
    // Its program ends in order: then the pod's status says nothing of it, and only the event does.
    place.until("it is evicted", 180, || {
        place.kubectl(&["get", "events", "-o", "json"]).contains("\"Evicted\"")
            && place.kubectl(&["get", "pods", "-o", "json"]).contains("\"phase\": \"Succeeded\"")
    });
    place.alert("KubeDeploymentReplicasMismatch", json!({"deployment": "web"}));
    let settled = |case: &Value| case["state"] == "closed" || case["state"] == "awaiting_approval";
    let case = place.case("a hand-over", 180, settled);
    assert_eq!(case["cause"], "eviction", "{}", place.picture());
    assert_eq!(place.get("deploy", "web")["metadata"]["generation"], 1);
}
