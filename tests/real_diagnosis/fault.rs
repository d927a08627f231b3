//! Faults as data: objects applied one stage after the other, and the diagnosis that must come of it.

use super::world::World;
use serde_json::{Value, json};

/// One fault.
pub struct Fault {
    pub name: &'static str,
    pub about: &'static str,
    /// Each applied once the one before has settled; `NAMESPACE` in them is replaced.
    pub stages: Vec<Vec<Value>>,
    /// `kubectl` commands after the stages; `NAMESPACE` in them is replaced.
    pub then: Vec<Vec<&'static str>>,
    /// Seconds from the last stage until its evidence is there.
    pub ripe_s: u64,
    /// Objects named by the alert instead of a failing pod.
    pub labels: Vec<(&'static str, &'static str)>,
    /// pattern, cause, disposition, `Kind/name` of the target.
    pub expected: [&'static str; 4],
    /// Facts that must be there.
    pub facts: Vec<&'static str>,
    /// Kind and name of cluster-wide objects that go afterwards; `NAMESPACE` in them is replaced.
    pub leaves: Vec<[&'static str; 2]>,
    /// `kubectl` commands when all is over, also after a panic; `NAMESPACE` in them is replaced.
    pub at_last: Vec<Vec<&'static str>>,
    /// Whether the alert begins only at the look.
    pub began_while_well: bool,
}

impl Fault {
    pub fn new(
        name: &'static str,
        about: &'static str,
        stages: Vec<Vec<Value>>,
        ripe_s: u64,
        expected: [&'static str; 4],
    ) -> Self {
        let (then, labels, facts, leaves) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let at_last = Vec::new();
        Self {
            name,
            about,
            stages,
            then,
            ripe_s,
            labels,
            expected,
            facts,
            leaves,
            at_last,
            began_while_well: false,
        }
    }

    pub fn alert_names(mut self, label: &'static str, object: &'static str) -> Self {
        self.labels.push((label, object));
        self
    }

    /// The alert begins at the look, and not before its objects may have got well: that would be a recovery.
    pub fn began_while_well(mut self) -> Self {
        self.began_while_well = true;
        self
    }

    pub fn with_facts(mut self, facts: &[&'static str]) -> Self {
        self.facts.extend(facts);
        self
    }

    pub fn then(mut self, command: &[&'static str]) -> Self {
        self.then.push(command.to_vec());
        self
    }

    pub fn at_last(mut self, command: &[&'static str]) -> Self {
        self.at_last.push(command.to_vec());
        self
    }

    pub fn leaves(mut self, kind: &'static str, name: &'static str) -> Self {
        self.leaves.push([kind, name]);
        self
    }
}

pub fn app(world: &World, command: &str) -> Value {
    container(world, "app", command)
}

/// A pod spec with one container.
pub fn pod(one: Value) -> Value {
    json!({"containers": [one]})
}

pub fn deploy(name: &str, replicas: u32, one: Value) -> Value {
    workload("Deployment", name, replicas, pod(one))
}

/// Environment variable, as a difference between revisions that changes nothing.
pub fn variable(name: &str, value: &str) -> Value {
    json!({"env": [{"name": name, "value": value}]})
}

/// A Service that selects the pods of the workload of its name.
pub fn service(name: &str, port: u16) -> Value {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
        "spec": {"selector": {"app": name}, "ports": [{"port": port}]}})
}

pub const OK: &str = "trap 'exit 0' TERM; while true; do sleep 1; done";

pub fn container(world: &World, name: &str, command: &str) -> Value {
    json!({"name": name, "image": world.image, "command": ["sh", "-c", command]})
}

pub fn with(mut object: Value, more: Value) -> Value {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
    object
}

pub fn workload(kind: &str, name: &str, replicas: u32, pod: Value) -> Value {
    let mut spec = json!({
        "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec":
            with(json!({"terminationGracePeriodSeconds": 1}), pod)},
    });
    if kind != "DaemonSet" {
        spec["replicas"] = json!(replicas);
    }
    if kind == "StatefulSet" {
        spec["serviceName"] = json!(name);
    }
    json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec})
}

pub fn memory(limit: &str) -> Value {
    json!({"resources": {"limits": {"memory": limit}, "requests": {"memory": limit}}})
}

pub fn hold(bytes: u64) -> String {
    format!("x=$(head -c {bytes} /dev/zero | tr '\\0' x); {OK}")
}

pub fn secret_variable(name: &str, key: &str) -> Value {
    json!({"env": [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": name, "key": key}}}]})
}

/// As `kubectl rollout restart` does it.
pub fn restarted(mut object: Value) -> Value {
    let stamp = json!({"kubectl.kubernetes.io/restartedAt": "2026-11-23T23:00:00Z"});
    object["spec"]["template"]["metadata"]["annotations"] = stamp;
    object
}
