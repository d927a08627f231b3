//! From a pod template to a pod, as controllers make them.

use crate::adapters::sim::json::{items, key, owner_reference, set, text};
use crate::adapters::sim::store::Door;
use crate::adapters::sim::world::World;
use serde_json::{Value, json};

/// A pod of a template: not created yet.
pub(in crate::adapters::sim) fn pod_of(
    template: &Value,
    namespace: &str,
    name: &str,
    owner: &Value,
) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": template.get("metadata").cloned().unwrap_or_else(|| json!({})),
        "spec": template.get("spec").cloned().unwrap_or_else(|| json!({})),
        "status": {"phase": "Pending", "qosClass": quality(template)},
    });
    set(&mut pod, &["metadata", "name"], Value::from(name));
    set(&mut pod, &["metadata", "namespace"], Value::from(namespace));
    set(&mut pod, &["metadata", "ownerReferences"], json!([owner_reference(owner)]));
    for (field, value) in [
        ("enableServiceLinks", json!(true)),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
        ("priority", json!(0)),
        ("serviceAccount", json!("default")),
        ("serviceAccountName", json!("default")),
    ] {
        if pod.pointer(&format!("/spec/{field}")).is_none() {
            set(&mut pod, &["spec", field], value);
        }
    }
    let mut tolerations = items(&pod, &["spec", "tolerations"]).to_vec();
    for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        if !tolerations.iter().any(|one| text(one, &["key"]) == taint) {
            tolerations.push(json!({
                "effect": "NoExecute", "key": taint, "operator": "Exists", "tolerationSeconds": 300
            }));
        }
    }
    set(&mut pod, &["spec", "tolerations"], Value::Array(tolerations));
    pod
}

/// The quality-of-service class of a template.
fn quality(template: &Value) -> &'static str {
    let containers = items(template, &["spec", "containers"]);
    let none = |one: &Value, part: &str| {
        one.pointer(&format!("/resources/{part}"))
            .and_then(Value::as_object)
            .is_none_or(serde_json::Map::is_empty)
    };
    let exact = |one: &Value| {
        ["cpu", "memory"].iter().all(|what| {
            let of = |part: &str| one.pointer(&format!("/resources/{part}/{what}"));
            of("limits").is_some() && of("limits") == of("requests")
        })
    };
    if containers.iter().all(|one| none(one, "requests") && none(one, "limits")) {
        "BestEffort"
    } else if containers.iter().all(exact) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

impl World {
    /// Creates a controller's pod, unless a quota forbids it; then an Event says so and `Err` holds the words.
    pub(in crate::adapters::sim) fn create_pod(
        &mut self,
        pod: Value,
        owner: &Value,
        component: &str,
    ) -> Result<(), String> {
        let name = text(&pod, &["metadata", "name"]).to_string();
        if let Err(words) = self.admit_pod(&pod) {
            let message = format!("Error creating: {words}");
            self.event(owner, "Warning", "FailedCreate", &message, (component, ""));
            return Err(words);
        }
        if !self.create(pod, "kube-controller-manager") {
            return Err(format!("pods {name:?} already exists"));
        }
        let message = if component == "statefulset-controller" {
            format!(
                "create Pod {name} in StatefulSet {} successful",
                text(owner, &["metadata", "name"])
            )
        } else {
            format!("Created pod: {name}")
        };
        self.event(owner, "Normal", "SuccessfulCreate", &message, (component, ""));
        Ok(())
    }

    /// Deletes a controller's pod, with its Event.
    pub(in crate::adapters::sim) fn delete_pod(
        &mut self,
        pod: &Value,
        owner: &Value,
        component: &str,
    ) {
        let name = text(pod, &["metadata", "name"]);
        let message = if component == "statefulset-controller" {
            format!(
                "delete Pod {name} in StatefulSet {} successful",
                text(owner, &["metadata", "name"])
            )
        } else {
            format!("Deleted pod: {name}")
        };
        self.delete(&key(pod));
        self.event(owner, "Normal", "SuccessfulDelete", &message, (component, ""));
    }

    /// Writes a controller's view into an object's status.
    pub(in crate::adapters::sim) fn write_status(&mut self, object: Value) {
        self.update(object, "kube-controller-manager", Door::Status);
    }
}
