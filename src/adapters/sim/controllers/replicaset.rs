//! ReplicaSets: as many pods as asked for.

use super::podmaker::pod_of;
use super::status::{clear, set_plain};
use crate::adapters::sim::json::{
    condition, deleting, int, is_true, items, name, set, set_count, stamp, text, time,
};
use crate::adapters::sim::queue::Happening;
use crate::adapters::sim::world::World;
use crate::domain::resource::ObjectKey;
use crate::domain::time::plus;
use serde_json::{Value, json};

const COMPONENT: &str = "replicaset-controller";

impl World {
    /// Creates or deletes pods, and counts them.
    pub(in crate::adapters::sim) fn reconcile_replica_set(&mut self, key: &ObjectKey) {
        let Some(set) = self.object(key).cloned() else { return };
        if deleting(&set) {
            return;
        }
        let pods = self.live_pods(&set);
        let wanted = int(&set, &["spec", "replicas"]);
        let have = i64::try_from(pods.len()).unwrap_or(i64::MAX);
        let mut failure = None;
        if have < wanted {
            for _ in have..wanted {
                if let Err(words) = self.create_replica(&set) {
                    failure = Some(words);
                    break;
                }
            }
        } else if have > wanted {
            let surplus = usize::try_from(have - wanted).unwrap_or(0);
            let mut ranked = pods;
            ranked.sort_by_key(rank);
            for pod in ranked.iter().take(surplus) {
                self.delete_pod(pod, &set, COMPONENT);
            }
        }
        self.count_replicas(key, failure.as_deref());
        if failure.is_some() {
            self.in_seconds(30, Happening::Reconcile(key.clone()));
        }
    }

    /// A controller's pods that are not being deleted.
    pub(in crate::adapters::sim) fn live_pods(&self, owner: &Value) -> Vec<Value> {
        let mut pods = self.owned("v1", "Pod", owner);
        pods.retain(|pod| {
            !deleting(pod) && !matches!(text(pod, &["status", "phase"]), "Failed" | "Succeeded")
        });
        pods
    }

    fn create_replica(&mut self, set_object: &Value) -> Result<(), String> {
        let suffix = self.random.suffix();
        let prefix = format!("{}-", name(set_object));
        let namespace = text(set_object, &["metadata", "namespace"]);
        let template = set_object.pointer("/spec/template").cloned().unwrap_or(Value::Null);
        let mut pod = pod_of(&template, namespace, &format!("{prefix}{suffix}"), set_object);
        set(&mut pod, &["metadata", "generateName"], Value::from(prefix));
        self.create_pod(pod, set_object, COMPONENT)
    }

    fn count_replicas(&mut self, key: &ObjectKey, failure: Option<&str>) {
        let Some(mut object) = self.object(key).cloned() else { return };
        let pods = self.live_pods(&object);
        let seconds = int(&object, &["spec", "minReadySeconds"]);
        let (ready, available) = self.count_ready(&pods, seconds, key);
        let count = i64::try_from(pods.len()).unwrap_or(0);
        let generation = int(&object, &["metadata", "generation"]);
        set(&mut object, &["status", "observedGeneration"], Value::from(generation));
        set(&mut object, &["status", "replicas"], Value::from(count));
        set_count(&mut object, &["status", "fullyLabeledReplicas"], count);
        set_count(&mut object, &["status", "readyReplicas"], ready);
        set_count(&mut object, &["status", "availableReplicas"], available);
        match failure {
            Some(words) => {
                let new = json!({
                    "message": words, "reason": "FailedCreate", "status": "True", "type": "ReplicaFailure"
                });
                set_plain(&mut object, &new, &stamp(self.now));
            }
            None => clear(&mut object, "ReplicaFailure"),
        }
        self.write_status(object);
    }

    /// (ready, available) of pods; looks again when one will become available by time alone.
    pub(in crate::adapters::sim) fn count_ready(
        &mut self,
        pods: &[Value],
        min_ready_s: i64,
        key: &ObjectKey,
    ) -> (i64, i64) {
        let (mut ready, mut available) = (0, 0);
        let seconds = u64::try_from(min_ready_s).unwrap_or(0);
        for pod in pods.iter().filter(|pod| is_true(pod, "Ready")) {
            ready += 1;
            let since = condition(pod, "Ready").and_then(|one| time(one, &["lastTransitionTime"]));
            let from = plus(since.unwrap_or(self.now), seconds);
            if from <= self.now {
                available += 1;
            } else {
                self.queue.put(from, Happening::Reconcile(key.clone()));
            }
        }
        (ready, available)
    }
}

/// Which pod goes first: without a node, pending, not ready, restarted most, newest.
fn rank(pod: &Value) -> (bool, bool, bool, i64, std::cmp::Reverse<String>, String) {
    let restarts: i64 = items(pod, &["status", "containerStatuses"])
        .iter()
        .map(|one| int(one, &["restartCount"]))
        .sum();
    (
        !text(pod, &["spec", "nodeName"]).is_empty(),
        text(pod, &["status", "phase"]) != "Pending",
        is_true(pod, "Ready"),
        -restarts,
        std::cmp::Reverse(text(pod, &["metadata", "creationTimestamp"]).to_string()),
        name(pod).to_string(),
    )
}
