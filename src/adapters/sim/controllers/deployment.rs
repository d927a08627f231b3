//! Deployments: ReplicaSets by template, rolling updates, revisions, conditions.
//!
//! Follows the real controller step by step: one look changes the size of one side, and the status after it.
//! Simplified: scaling in the middle of a rollout goes to the newest ReplicaSet instead of proportionally to all.

use super::rollout::{Bounds, Part, grow, shrink};
use super::status::set_progress;
use crate::adapters::sim::json::{
    condition, deleting, int, items, key, name, owner_reference, remove, set, set_count, stamp,
    text, time, uid,
};
use crate::adapters::sim::queue::Happening;
use crate::adapters::sim::seeded::safe_hash;
use crate::adapters::sim::store::Door;
use crate::adapters::sim::world::World;
use crate::domain::resource::ObjectKey;
use crate::domain::time::plus;
use serde_json::{Value, json};

const MANAGER: &str = "kube-controller-manager";
const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MOST: &str = "deployment.kubernetes.io/max-replicas";

impl World {
    /// Takes one step of a rollout.
    pub(in crate::adapters::sim) fn reconcile_deployment(&mut self, place: &ObjectKey) {
        let Some(deployment) = self.object(place).cloned() else { return };
        if deleting(&deployment) {
            return;
        }
        let paused = deployment.pointer("/spec/paused").and_then(Value::as_bool) == Some(true);
        let mut sets = self.owned("apps/v1", "ReplicaSet", &deployment);
        sets.sort_by_key(|set| {
            (text(set, &["metadata", "creationTimestamp"]).to_string(), name(set).to_string())
        });
        let newest = self.newest_set(place, &deployment, &sets, paused);
        // The owner may have got an annotation just now.
        let Some(deployment) = self.object(place).cloned() else { return };
        let Some(newest) = newest else {
            self.deployment_status(place, None, &sets);
            return;
        };
        let old = sets.iter().filter(|set| uid(set) != uid(&newest)).cloned().collect::<Vec<_>>();
        if paused {
            self.resize_in_place(&deployment, &newest, &old);
        } else if text(&deployment, &["spec", "strategy", "type"]) == "Recreate" {
            self.recreate(&deployment, &newest, &old);
        } else {
            self.roll(&deployment, &newest, &old);
        }
        self.deployment_status(place, Some(key(&newest)), &old);
        self.prune_history(&deployment, &old);
    }

    fn newest_set(
        &mut self,
        place: &ObjectKey,
        deployment: &Value,
        sets: &[Value],
        paused: bool,
    ) -> Option<Value> {
        let template = deployment.pointer("/spec/template").cloned().unwrap_or(Value::Null);
        let revision_of = |set: &Value| {
            text(set, &["metadata", "annotations", REVISION]).parse::<i64>().unwrap_or(0)
        };
        let found = sets.iter().find(|set| bare_template(set) == template).cloned();
        let others = sets
            .iter()
            .filter(|set| found.as_ref().is_none_or(|found| uid(found) != uid(set)))
            .map(revision_of)
            .max()
            .unwrap_or(0);
        let revision = match &found {
            Some(set) => revision_of(set).max(others + 1),
            None => others + 1,
        };
        let set_key = match found {
            Some(found) => {
                self.renumber(&found, revision);
                key(&found)
            }
            None if paused => return None,
            None => self.new_set(place, deployment, &template, revision)?,
        };
        let number = revision.to_string();
        self.modify(place, MANAGER, Door::Status, |deployment| {
            set(deployment, &["metadata", "annotations", REVISION], Value::from(number));
        });
        self.object(&set_key).cloned()
    }

    fn renumber(&mut self, found: &Value, revision: i64) {
        let old = text(found, &["metadata", "annotations", REVISION]).to_string();
        if old == revision.to_string() {
            return;
        }
        self.modify(&key(found), MANAGER, Door::Main, |set_object| {
            let past = text(set_object, &["metadata", "annotations", HISTORY]).to_string();
            let past = if past.is_empty() { old } else { format!("{past},{old}") };
            set(set_object, &["metadata", "annotations", HISTORY], Value::from(past));
            let number = revision.to_string();
            set(set_object, &["metadata", "annotations", REVISION], Value::from(number));
        });
    }

    fn new_set(
        &mut self,
        place: &ObjectKey,
        deployment: &Value,
        template: &Value,
        revision: i64,
    ) -> Option<ObjectKey> {
        let hash = safe_hash(&template.to_string());
        let set_name = format!("{}-{hash}", name(deployment));
        let mut template = template.clone();
        set(&mut template, &["metadata", "labels", "pod-template-hash"], Value::from(hash.clone()));
        let mut selector = deployment.pointer("/spec/selector").cloned().unwrap_or(Value::Null);
        set(&mut selector, &["matchLabels", "pod-template-hash"], Value::from(hash));
        let mut set_object = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": set_name, "namespace": place.namespace,
                "annotations": {REVISION: revision.to_string()},
                "labels": template.pointer("/metadata/labels").cloned(),
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": {"replicas": 0, "selector": selector, "template": template},
            "status": {"replicas": 0},
        });
        if let Some(seconds) = deployment.pointer("/spec/minReadySeconds") {
            set(&mut set_object, &["spec", "minReadySeconds"], seconds.clone());
        }
        note_size(&mut set_object, Bounds::of(deployment));
        let set_key = key(&set_object);
        if !self.create(set_object, MANAGER) {
            return None;
        }
        let now = stamp(self.now);
        let message = format!("Created new replica set \"{set_name}\"");
        self.modify(place, MANAGER, Door::Status, |deployment| {
            let reason = "NewReplicaSetCreated";
            set_progress(deployment, "Progressing", "True", reason, &message, &now, true);
        });
        Some(set_key)
    }

    fn roll(&mut self, deployment: &Value, newest: &Value, old: &[Value]) {
        let bounds = Bounds::of(deployment);
        let part = Part::of(newest);
        let parts = old.iter().map(Part::of).collect::<Vec<_>>();
        let size = grow(bounds, &part, &parts);
        if self.resize(deployment, newest, size) {
            return;
        }
        for (set_name, size) in shrink(bounds, &part, &parts) {
            if let Some(set_object) = old.iter().find(|set| name(set) == set_name) {
                self.resize(deployment, set_object, size);
            }
        }
    }

    fn recreate(&mut self, deployment: &Value, newest: &Value, old: &[Value]) {
        let mut waiting = false;
        for set_object in old {
            self.resize(deployment, set_object, 0);
            // Terminating pods count too: the new ones start when the old ones are gone.
            waiting |= !self.owned("v1", "Pod", set_object).is_empty();
        }
        if waiting {
            self.in_seconds(1, Happening::Reconcile(key(deployment)));
        } else {
            self.resize(deployment, newest, int(deployment, &["spec", "replicas"]));
        }
    }

    /// While paused only the number of replicas is followed, in the largest set.
    fn resize_in_place(&mut self, deployment: &Value, newest: &Value, old: &[Value]) {
        let largest = old
            .iter()
            .chain(std::iter::once(newest))
            .max_by_key(|set| int(set, &["spec", "replicas"]))
            .unwrap_or(newest);
        let total: i64 = old
            .iter()
            .chain(std::iter::once(newest))
            .map(|set| int(set, &["spec", "replicas"]))
            .sum();
        let missing = int(deployment, &["spec", "replicas"]) - total;
        let size = (int(largest, &["spec", "replicas"]) + missing).max(0);
        self.resize(deployment, largest, size);
    }

    fn resize(&mut self, deployment: &Value, set_object: &Value, size: i64) -> bool {
        let bounds = Bounds::of(deployment);
        let from = int(set_object, &["spec", "replicas"]);
        self.modify(&key(set_object), MANAGER, Door::Main, |set_object| {
            set(set_object, &["spec", "replicas"], Value::from(size));
            note_size(set_object, bounds);
        });
        if from == size {
            return false;
        }
        let way = if size > from { "up" } else { "down" };
        let message =
            format!("Scaled {way} replica set {} from {from} to {size}", name(set_object));
        self.event(
            deployment,
            "Normal",
            "ScalingReplicaSet",
            &message,
            ("deployment-controller", ""),
        );
        true
    }

    fn prune_history(&mut self, deployment: &Value, old: &[Value]) {
        let limit = deployment.pointer("/spec/revisionHistoryLimit").and_then(Value::as_u64);
        let limit = usize::try_from(limit.unwrap_or(10)).unwrap_or(10);
        let idle = old
            .iter()
            .filter(|set| {
                int(set, &["spec", "replicas"]) == 0 && int(set, &["status", "replicas"]) == 0
            })
            .map(key)
            .collect::<Vec<_>>();
        for place in idle.iter().take(idle.len().saturating_sub(limit)) {
            self.delete(place);
        }
    }

    fn deployment_status(&mut self, place: &ObjectKey, newest: Option<ObjectKey>, old: &[Value]) {
        let Some(before) = self.object(place).cloned() else { return };
        let newest = newest.and_then(|key| self.object(&key).cloned());
        let fresh =
            old.iter().filter_map(|set| self.object(&key(set))).cloned().collect::<Vec<_>>();
        let all = fresh.iter().chain(newest.iter()).collect::<Vec<_>>();
        let sum = |field: &str| all.iter().map(|set| int(set, &["status", field])).sum::<i64>();
        let (total, ready, available) =
            (sum("replicas"), sum("readyReplicas"), sum("availableReplicas"));
        let updated = newest.as_ref().map_or(0, |set| int(set, &["status", "replicas"]));
        let mut after = before.clone();
        let generation = int(&before, &["metadata", "generation"]);
        set(&mut after, &["status", "observedGeneration"], Value::from(generation));
        set_count(&mut after, &["status", "replicas"], total);
        set_count(&mut after, &["status", "updatedReplicas"], updated);
        set_count(&mut after, &["status", "readyReplicas"], ready);
        set_count(&mut after, &["status", "availableReplicas"], available);
        set_count(&mut after, &["status", "unavailableReplicas"], (total - available).max(0));
        self.availability(&mut after, available);
        self.progress(&before, &mut after, newest.as_ref());
        self.replica_failure(&mut after, &all);
        self.write_status(after);
    }

    fn availability(&self, after: &mut Value, available: i64) {
        let enough = available >= Bounds::of(after).least();
        let (status, reason, message) = if enough {
            ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
        } else {
            (
                "False",
                "MinimumReplicasUnavailable",
                "Deployment does not have minimum availability.",
            )
        };
        set_progress(after, "Available", status, reason, message, &stamp(self.now), false);
    }

    fn progress(&mut self, before: &Value, after: &mut Value, newest: Option<&Value>) {
        let now = stamp(self.now);
        let place = key(after);
        let deadline = after.pointer("/spec/progressDeadlineSeconds").and_then(Value::as_u64);
        let deadline = deadline.unwrap_or(600);
        if after.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
            let words = "Deployment is paused";
            set_progress(after, "Progressing", "Unknown", "DeploymentPaused", words, &now, false);
            return;
        }
        let reason =
            condition(after, "Progressing").map_or("", |one| text(one, &["reason"])).to_string();
        if reason == "DeploymentPaused" {
            let words = "Deployment is resumed";
            set_progress(after, "Progressing", "Unknown", "DeploymentResumed", words, &now, false);
        }
        let subject = newest.map_or_else(
            || format!("Deployment \"{}\"", place.name),
            |set| format!("ReplicaSet \"{}\"", name(set)),
        );
        let status = |object: &Value, field: &str| int(object, &["status", field]);
        let wanted = int(after, &["spec", "replicas"]);
        let complete = ["updatedReplicas", "replicas", "availableReplicas"]
            .iter()
            .all(|field| status(after, field) == wanted);
        let old_of =
            |object: &Value| status(object, "replicas") - status(object, "updatedReplicas");
        let moved = status(after, "updatedReplicas") > status(before, "updatedReplicas")
            || old_of(after) < old_of(before)
            || status(after, "readyReplicas") > status(before, "readyReplicas")
            || status(after, "availableReplicas") > status(before, "availableReplicas");
        if complete {
            let words = format!("{subject} has successfully progressed.");
            set_progress(
                after,
                "Progressing",
                "True",
                "NewReplicaSetAvailable",
                &words,
                &now,
                false,
            );
            return;
        }
        if reason == "NewReplicaSetAvailable" && !moved {
            // Complete once: later losses of pods are no rollout.
            return;
        }
        if moved {
            let words = format!("{subject} is progressing.");
            set_progress(after, "Progressing", "True", "ReplicaSetUpdated", &words, &now, true);
        }
        let since = condition(after, "Progressing").and_then(|one| time(one, &["lastUpdateTime"]));
        let due = plus(since.unwrap_or(self.now), deadline);
        if due < self.now {
            let words = format!("{subject} has timed out progressing.");
            let why = "ProgressDeadlineExceeded";
            set_progress(after, "Progressing", "False", why, &words, &now, false);
        } else {
            self.queue.put(plus(due, 1), Happening::Reconcile(place));
        }
    }

    fn replica_failure(&self, after: &mut Value, sets: &[&Value]) {
        let failing = sets.iter().find_map(|set| condition(set, "ReplicaFailure"));
        match failing {
            Some(one) => {
                let (reason, words) = (text(one, &["reason"]), text(one, &["message"]));
                set_progress(
                    after,
                    "ReplicaFailure",
                    "True",
                    reason,
                    words,
                    &stamp(self.now),
                    false,
                );
            }
            None => super::status::clear(after, "ReplicaFailure"),
        }
    }
}

fn note_size(set_object: &mut Value, bounds: Bounds) {
    let most = (bounds.replicas + bounds.surge).to_string();
    set(
        set_object,
        &["metadata", "annotations", DESIRED],
        Value::from(bounds.replicas.to_string()),
    );
    set(set_object, &["metadata", "annotations", MOST], Value::from(most));
}

/// A ReplicaSet's template without the hash label.
fn bare_template(set_object: &Value) -> Value {
    let mut template = set_object.pointer("/spec/template").cloned().unwrap_or(Value::Null);
    remove(&mut template, &["metadata", "labels", "pod-template-hash"]);
    debug_assert!(!items(&template, &["spec", "containers"]).is_empty());
    template
}
