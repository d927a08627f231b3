//! Objects as a cluster gives them, for tests of actions and plans.

use crate::domain::diagnosis::{Cause, Diagnosis, Disposition, MadeBy, Pattern};
use crate::domain::evidence::{Answer, Gathered, Read};
use crate::domain::resource::{ObjectKey, ObjectRef};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "ledger-api", "namespace": "payments", "uid": "uid-ledger-api",
            "resourceVersion": "812", "generation": 7,
            "annotations": {"deployment.kubernetes.io/revision": "3"}},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "ledger-api"}},
            "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate",
                "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
            "template": template("ledger:2.4.1", "512Mi")},
        "status": {"observedGeneration": 7, "replicas": 3, "updatedReplicas": 3, "readyReplicas": 1}
    })
}

pub(crate) fn template(image: &str, limit: &str) -> Value {
    json!({"metadata": {"labels": {"app": "ledger-api"}},
        "spec": {"containers": [
            {"name": "proxy", "image": "proxy:1"},
            {"name": "app", "image": image, "resources": {
                "limits": {"memory": limit, "cpu": "1"},
                "requests": {"memory": "256Mi", "cpu": "250m"}}}]}})
}

pub(crate) fn replica_set(number: u32, template: Value) -> Value {
    let mut template = template;
    template["metadata"]["labels"]["pod-template-hash"] = json!(format!("hash{number}"));
    template["metadata"]["creationTimestamp"] = Value::Null;
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": format!("ledger-api-hash{number}"), "namespace": "payments",
            "uid": format!("uid-rs-{number}"),
            "labels": {"app": "ledger-api", "pod-template-hash": format!("hash{number}")},
            "annotations": {"deployment.kubernetes.io/revision": number.to_string()},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "Deployment", "name": "ledger-api",
                "uid": "uid-ledger-api", "controller": true}]},
        "spec": {"replicas": 0, "template": template}
    })
}

pub(crate) fn pod(name: &str, set: u32) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "payments", "uid": format!("uid-{name}"),
            "labels": {"app": "ledger-api", "pod-template-hash": format!("hash{set}")},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet",
                "name": format!("ledger-api-hash{set}"), "uid": format!("uid-rs-{set}"),
                "controller": true}]},
        "spec": {"nodeName": "node1", "containers": [
            {"name": "proxy"},
            {"name": "app", "resources": {"requests": {"memory": "256Mi", "cpu": "250m"}}}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}],
            "containerStatuses": [
                {"name": "proxy", "restartCount": 0, "state": {"running": {}}},
                {"name": "app", "restartCount": 4,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137,
                        "startedAt": "2026-11-23T03:08:00Z", "finishedAt": "2026-11-23T03:09:00Z"}}}]}
    })
}

pub(crate) fn stateful_set() -> Value {
    let mut set = deployment();
    set["kind"] = json!("StatefulSet");
    set["spec"]["strategy"].take();
    set["spec"]["updateStrategy"] = json!({"type": "RollingUpdate"});
    set["spec"]["podManagementPolicy"] = json!("OrderedReady");
    set
}

pub(crate) fn daemon_set() -> Value {
    let mut set = stateful_set();
    set["kind"] = json!("DaemonSet");
    if let Some(spec) = set["spec"].as_object_mut() {
        spec.remove("replicas");
        spec.remove("podManagementPolicy");
    }
    set
}

pub(crate) fn controller_revision(number: u32, template: Value) -> Value {
    let mut template = template;
    template["$patch"] = json!("replace");
    json!({
        "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": number,
        "metadata": {"name": format!("ledger-api-rev{number}"), "namespace": "payments",
            "uid": format!("uid-rev-{number}"),
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "ledger-api",
                "uid": "uid-ledger-api", "controller": true}]},
        "data": {"spec": {"template": template}}
    })
}

pub(crate) fn own_node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "uid": format!("uid-{name}")},
        "spec": {}, "status": {"allocatable": {"memory": "8Gi", "cpu": "4", "pods": "110"},
            "conditions": [{"type": "Ready", "status": "True"}]}})
}

pub(crate) fn reference(object: &Value) -> ObjectRef {
    ObjectRef::of(object).unwrap()
}

pub(crate) fn key_of(object: &Value) -> ObjectKey {
    reference(object).key
}

/// What was read: these objects by themselves, and every list that is asked for made of them.
pub(crate) fn gathered(objects: &[Value]) -> Gathered {
    let mut gathered = Gathered::default();
    for object in objects {
        let read = Read::Object(key_of(object));
        gathered.answers.insert(read, Answer::Object(object.clone()));
    }
    gathered
}

/// Answers a read from objects; labels of lists are not looked at.
pub(crate) fn answer(read: &Read, objects: &[Value]) -> Answer {
    match read {
        Read::Object(key) => objects
            .iter()
            .find(|object| key_of(object) == *key)
            .map_or(Answer::NotFound, |object| Answer::Object(object.clone())),
        Read::List { kind, namespace, .. } => Answer::Items {
            items: objects
                .iter()
                .filter(|object| object["kind"] == kind.as_str())
                .filter(|object| {
                    namespace.is_empty() || object["metadata"]["namespace"] == namespace.as_str()
                })
                .cloned()
                .collect(),
            complete: true,
        },
        Read::PodsOn { node } => Answer::Items {
            items: objects
                .iter()
                .filter(|object| {
                    object["kind"] == "Pod" && object["spec"]["nodeName"] == node.as_str()
                })
                .cloned()
                .collect(),
            complete: true,
        },
        Read::Events { .. } => Answer::Items { items: Vec::new(), complete: true },
        Read::Logs { .. } => Answer::Text(String::new()),
        Read::Query { .. } | Read::Range { .. } => Answer::Series(Vec::new()),
        Read::Alerts { .. } => Answer::Alerts(Vec::new()),
    }
}

#[allow(clippy::needless_pass_by_value)] // `json!` at the call
pub(crate) fn diagnosis(
    target: &Value,
    pattern: Pattern,
    cause: Cause,
    values: Value,
) -> Diagnosis {
    let values = values.as_object().cloned().unwrap_or_default();
    Diagnosis {
        pattern,
        cause,
        target: Some(reference(target)),
        container: Some("app".into()),
        confidence: 0.9,
        made_by: MadeBy::Rules,
        evidence: Vec::new(),
        weighed: Vec::new(),
        values: values.into_iter().collect::<BTreeMap<_, _>>(),
        disposition: Disposition::Remediate,
        summary: "a container is in trouble".into(),
        at: "2026-11-23T03:14:00Z".parse().unwrap(),
        reads: None,
    }
}
