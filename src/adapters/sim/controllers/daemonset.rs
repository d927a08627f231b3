//! DaemonSets: one pod on each node that it tolerates; rolling update one node after the other.

use super::podmaker::pod_of;
use crate::adapters::sim::json::{
    at, deleting, int, is_true, items, key, name, set, set_count, share, text,
};
use crate::adapters::sim::store::Door;
use crate::adapters::sim::world::World;
use crate::domain::resource::ObjectKey;
use serde_json::{Value, json};

const COMPONENT: &str = "daemonset-controller";
const LABEL: &str = "controller-revision-hash";

/// Taints that DaemonSet pods always tolerate.
const TOLERATED: [(&str, &str); 4] = [
    ("node.kubernetes.io/not-ready", "NoExecute"),
    ("node.kubernetes.io/unreachable", "NoExecute"),
    ("node.kubernetes.io/memory-pressure", "NoSchedule"),
    ("node.kubernetes.io/unschedulable", "NoSchedule"),
];

impl World {
    /// Takes one step.
    pub(in crate::adapters::sim) fn reconcile_daemon_set(&mut self, place: &ObjectKey) {
        let Some(object) = self.object(place).cloned() else { return };
        if deleting(&object) {
            return;
        }
        let template = object.pointer("/spec/template").cloned().unwrap_or(Value::Null);
        let update = self.controller_revision(&object, &template);
        let hash = update.rsplit_once('-').map_or("", |(_, hash)| hash).to_string();
        let nodes =
            self.list("v1", "Node", "").map(|node| name(node).to_string()).collect::<Vec<_>>();
        let pods = self.owned("v1", "Pod", &object);
        for node in &nodes {
            if !pods.iter().any(|pod| node_of(pod) == *node) {
                self.create_daemon(&object, &template, node, &hash);
            }
        }
        for pod in pods
            .iter()
            .filter(|pod| !deleting(pod) && !nodes.iter().any(|node| node_of(pod) == node))
        {
            self.delete_pod(pod, &object, COMPONENT);
        }
        self.roll_daemon_set(&object, &pods, &hash, nodes.len());
        self.count_daemon_set(place, &nodes, &hash);
    }

    fn roll_daemon_set(&mut self, object: &Value, pods: &[Value], hash: &str, nodes: usize) {
        if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
            return;
        }
        let total = i64::try_from(nodes).unwrap_or(0);
        let rule = at(object, &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]);
        let most = share(rule, total, true).unwrap_or(1).max(1);
        let old =
            |pod: &&Value| text(pod, &["metadata", "labels", LABEL]) != hash && !deleting(pod);
        let broken = |pod: &&Value| deleting(pod) || !is_true(pod, "Ready");
        // Old pods that are broken anyway cost nothing.
        for pod in pods.iter().filter(old).filter(broken) {
            self.delete_pod(pod, object, COMPONENT);
        }
        let ready = pods.iter().filter(|pod| !broken(pod)).count();
        let missing = total - i64::try_from(ready).unwrap_or(0);
        let spare = usize::try_from(most - missing).unwrap_or(0);
        for pod in pods.iter().filter(old).filter(|pod| is_true(pod, "Ready")).take(spare) {
            self.delete_pod(pod, object, COMPONENT);
        }
    }

    fn create_daemon(&mut self, object: &Value, template: &Value, node: &str, hash: &str) {
        let suffix = self.random.suffix();
        let prefix = format!("{}-", name(object));
        let namespace = text(object, &["metadata", "namespace"]);
        let mut pod = pod_of(template, namespace, &format!("{prefix}{suffix}"), object);
        set(&mut pod, &["metadata", "generateName"], Value::from(prefix));
        set(&mut pod, &["metadata", "labels", LABEL], Value::from(hash));
        let here =
            json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]});
        set(
            &mut pod,
            &["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"],
            json!({ "nodeSelectorTerms": [here] }),
        );
        let mut tolerations = items(&pod, &["spec", "tolerations"]).to_vec();
        tolerations.retain(|one| !TOLERATED.iter().any(|(key, _)| text(one, &["key"]) == *key));
        for (taint, effect) in TOLERATED {
            tolerations.push(json!({"effect": effect, "key": taint, "operator": "Exists"}));
        }
        set(&mut pod, &["spec", "tolerations"], Value::Array(tolerations));
        if self.create_pod(pod, object, COMPONENT).is_err() {
            self.in_seconds(30, super::super::queue::Happening::Reconcile(key(object)));
        }
    }

    fn count_daemon_set(&mut self, place: &ObjectKey, nodes: &[String], hash: &str) {
        let Some(object) = self.object(place).cloned() else { return };
        let pods = self.live_pods(&object);
        let seconds = int(&object, &["spec", "minReadySeconds"]);
        let (ready, available) = self.count_ready(&pods, seconds, place);
        let wanted = i64::try_from(nodes.len()).unwrap_or(0);
        let bound = pods.iter().filter(|pod| !text(pod, &["spec", "nodeName"]).is_empty());
        let scheduled = i64::try_from(bound.count()).unwrap_or(0);
        let updated = pods.iter().filter(|pod| text(pod, &["metadata", "labels", LABEL]) == hash);
        let updated = i64::try_from(updated.count()).unwrap_or(0);
        self.modify(place, "kube-controller-manager", Door::Status, |object| {
            let generation = int(object, &["metadata", "generation"]);
            set(object, &["status", "observedGeneration"], Value::from(generation));
            set(object, &["status", "currentNumberScheduled"], Value::from(scheduled));
            set(object, &["status", "desiredNumberScheduled"], Value::from(wanted));
            set(object, &["status", "numberMisscheduled"], Value::from(0));
            set(object, &["status", "numberReady"], Value::from(ready));
            set_count(object, &["status", "numberAvailable"], available);
            set_count(object, &["status", "numberUnavailable"], wanted - available);
            set_count(object, &["status", "updatedNumberScheduled"], updated);
        });
    }
}

/// The node that a daemon's pod is bound to, or meant for.
fn node_of(pod: &Value) -> &str {
    let bound = text(pod, &["spec", "nodeName"]);
    if bound.is_empty() { meant_for(pod).unwrap_or_default() } else { bound }
}

/// The only node that a pod's affinity allows, if it names one.
pub(super) fn meant_for(pod: &Value) -> Option<&str> {
    pod.pointer(
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0/matchFields/0/values/0",
    )
    .and_then(Value::as_str)
}
