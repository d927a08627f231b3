//! Pods that can't be placed or are not admitted.

use crate::place::{OK, Place};
use serde_json::{Value, json};

/// Makes a Deployment whose pods don't come, alerts about it, and wants it told with these words.
fn told(
    name: &str,
    spoil: impl Fn(&Place, &mut Value),
    shows: &str,
    cause: &str,
    target: &str,
    words: &[&str],
) {
    let Some(place) = Place::new(name) else { return };
    let mut it = place.deployment("web", 1, OK);
    spoil(&place, &mut it);
    place.apply(&[it]);
    place.until("the fault shows", 60, || {
        place.kubectl(&["get", "pods,rs,events", "-o", "json"]).contains(shows)
    });
    place.alert("KubeDeploymentReplicasMismatch", json!({"deployment": "web"}));
    place.told(cause, target, words);
    assert_eq!(place.get("deploy", "web")["metadata"]["generation"], 1, "nothing was changed");
}

fn pod(it: &mut Value) -> &mut Value {
    &mut it["spec"]["template"]["spec"]
}

#[test]
fn no_node_has_room() {
    let spoil = |_: &Place, it: &mut Value| {
        pod(it)["containers"][0]["resources"] = json!({"requests": {"memory": "900Gi"}});
    };
    let cause = "unschedulable-resources";
    told("no-room", spoil, "Insufficient memory", cause, "Deployment/web", &["memory"]);
}

#[test]
fn no_node_has_the_label() {
    let spoil = |_: &Place, it: &mut Value| pod(it)["nodeSelector"] = json!({"disk": "ssd"});
    let cause = "unschedulable-affinity";
    told("no-label", spoil, "FailedScheduling", cause, "Deployment/web", &["disk"]);
}

#[test]
fn a_quota_refuses_the_pods() {
    let spoil = |place: &Place, _: &mut Value| {
        place.apply(&[json!({"apiVersion": "v1", "kind": "ResourceQuota",
            "metadata": {"name": "small"}, "spec": {"hard": {"pods": "0"}}})]);
    };
    told("quota", spoil, "exceeded quota", "quota-exceeded", "ResourceQuota/small", &["small"]);
}

#[test]
fn pod_security_refuses_the_pods() {
    let spoil = |place: &Place, it: &mut Value| {
        let label = "pod-security.kubernetes.io/enforce=restricted";
        place.kubectl(&["label", "namespace", &place.namespace, label]);
        pod(it)["containers"][0]["securityContext"] = json!({"privileged": true});
    };
    let cause = "admission-denied";
    told("denied", spoil, "violates PodSecurity", cause, "Deployment/web", &["PodSecurity"]);
}

#[test]
fn a_claim_whose_class_does_not_exist_is_the_culprit() {
    let spoil = |place: &Place, it: &mut Value| {
        place.apply(&[json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": {"name": "data"}, "spec": {"storageClassName": "fast-ssd",
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})]);
        pod(it)["volumes"] =
            json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    };
    let (cause, target) = ("claim-pending", "PersistentVolumeClaim/data");
    told("no-class", spoil, "FailedScheduling", cause, target, &["fast-ssd"]);
}
