//! StatefulSets: ordered pods with stable names, revisions as ControllerRevisions.
//!
//! Like the real controller with `OrderedReady`: it waits for each pod to be ready before it goes on, also before it
//! replaces a broken pod of an older revision. A rollback is therefore stuck until somebody deletes the broken pod.

use super::podmaker::pod_of;
use crate::adapters::sim::json::{
    deleting, int, is_true, key, name, owner_reference, set, set_count, text,
};
use crate::adapters::sim::seeded::safe_hash;
use crate::adapters::sim::world::World;
use crate::domain::resource::ObjectKey;
use serde_json::{Value, json};

const MANAGER: &str = "kube-controller-manager";
const COMPONENT: &str = "statefulset-controller";
const LABEL: &str = "controller-revision-hash";

impl World {
    /// Takes one step.
    pub(in crate::adapters::sim) fn reconcile_stateful_set(&mut self, place: &ObjectKey) {
        let Some(object) = self.object(place).cloned() else { return };
        if deleting(&object) {
            return;
        }
        let template = object.pointer("/spec/template").cloned().unwrap_or(Value::Null);
        let update = self.controller_revision(&object, &template);
        self.step_stateful_set(&object, &template, &update);
        self.count_stateful_set(place, &update);
    }

    /// The ControllerRevision of a template, made when there is none; a template that returns gets a new number.
    pub(super) fn controller_revision(&mut self, owner: &Value, template: &Value) -> String {
        let hash = safe_hash(&template.to_string());
        let revision_name = format!("{}-{hash}", name(owner));
        let namespace = text(owner, &["metadata", "namespace"]);
        let known = self.owned("apps/v1", "ControllerRevision", owner);
        let newest = known.iter().map(|one| int(one, &["revision"])).max().unwrap_or(0);
        let label = if text(owner, &["kind"]) == "StatefulSet" {
            "controller.kubernetes.io/hash"
        } else {
            LABEL
        };
        if let Some(mine) = known.iter().find(|one| name(one) == revision_name) {
            if int(mine, &["revision"]) < newest {
                self.modify(&key(mine), MANAGER, super::super::store::Door::Main, |mine| {
                    set(mine, &["revision"], Value::from(newest + 1));
                });
            }
            return revision_name;
        }
        let mut data = template.clone();
        set(&mut data, &["$patch"], Value::from("replace"));
        let mut labels = template.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
        set(&mut labels, &[label], Value::from(hash));
        let revision = json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision",
            "metadata": {
                "name": revision_name, "namespace": namespace, "labels": labels,
                "ownerReferences": [owner_reference(owner)],
            },
            "data": {"spec": {"template": data}},
            "revision": newest + 1,
        });
        self.create(revision, MANAGER);
        revision_name
    }

    fn step_stateful_set(&mut self, object: &Value, template: &Value, update: &str) {
        let wanted = int(object, &["spec", "replicas"]);
        let parallel = text(object, &["spec", "podManagementPolicy"]) == "Parallel";
        let current = text(object, &["status", "currentRevision"]).to_string();
        let partition = int(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]);
        for ordinal in 0..wanted {
            let Some(pod) = self.ordinal(object, ordinal) else {
                let old = ordinal < partition && !current.is_empty() && current != update;
                let (template, revision) = if old {
                    (self.template_of_revision(object, &current), current.clone())
                } else {
                    (template.clone(), update.to_string())
                };
                self.create_ordinal(object, &template, ordinal, &revision);
                if parallel {
                    continue;
                }
                return;
            };
            if !parallel && (deleting(&pod) || !is_true(&pod, "Ready")) {
                return;
            }
        }
        let mut surplus = self.owned("v1", "Pod", object);
        surplus.retain(|pod| ordinal_of(pod) >= wanted);
        surplus.sort_by_key(ordinal_of);
        if let Some(last) = surplus.pop() {
            if !deleting(&last) {
                self.delete_pod(&last, object, COMPONENT);
            }
            return;
        }
        if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
            return;
        }
        for ordinal in (partition..wanted).rev() {
            let Some(pod) = self.ordinal(object, ordinal) else { return };
            if deleting(&pod) {
                return;
            }
            if text(&pod, &["metadata", "labels", LABEL]) != update {
                self.delete_pod(&pod, object, COMPONENT);
                return;
            }
            if !is_true(&pod, "Ready") {
                return;
            }
        }
    }

    fn template_of_revision(&self, owner: &Value, revision: &str) -> Value {
        let namespace = text(owner, &["metadata", "namespace"]);
        let mut template = self
            .get("apps/v1", "ControllerRevision", namespace, revision)
            .and_then(|one| one.pointer("/data/spec/template").cloned())
            .unwrap_or(Value::Null);
        crate::adapters::sim::json::remove(&mut template, &["$patch"]);
        template
    }

    fn ordinal(&self, owner: &Value, ordinal: i64) -> Option<Value> {
        let namespace = text(owner, &["metadata", "namespace"]);
        self.get("v1", "Pod", namespace, &format!("{}-{ordinal}", name(owner)))
    }

    fn create_ordinal(&mut self, owner: &Value, template: &Value, ordinal: i64, revision: &str) {
        let namespace = text(owner, &["metadata", "namespace"]);
        let pod_name = format!("{}-{ordinal}", name(owner));
        let mut pod = pod_of(template, namespace, &pod_name, owner);
        let labels = ["metadata", "labels"];
        set(&mut pod, &[labels[0], labels[1], LABEL], Value::from(revision));
        set(
            &mut pod,
            &[labels[0], labels[1], "statefulset.kubernetes.io/pod-name"],
            Value::from(pod_name.clone()),
        );
        set(
            &mut pod,
            &[labels[0], labels[1], "apps.kubernetes.io/pod-index"],
            Value::from(ordinal.to_string()),
        );
        set(&mut pod, &["spec", "hostname"], Value::from(pod_name));
        if self.create_pod(pod, owner, COMPONENT).is_err() {
            self.in_seconds(30, super::super::queue::Happening::Reconcile(key(owner)));
        }
    }

    fn count_stateful_set(&mut self, place: &ObjectKey, update: &str) {
        let Some(mut object) = self.object(place).cloned() else { return };
        let pods = self.live_pods(&object);
        let seconds = int(&object, &["spec", "minReadySeconds"]);
        let (ready, available) = self.count_ready(&pods, seconds, place);
        let on = |revision: &str| {
            let count = pods
                .iter()
                .filter(|pod| text(pod, &["metadata", "labels", LABEL]) == revision)
                .count();
            i64::try_from(count).unwrap_or(0)
        };
        let wanted = int(&object, &["spec", "replicas"]);
        let mut current = text(&object, &["status", "currentRevision"]).to_string();
        let updated = on(update);
        if current.is_empty() || (updated == wanted && ready == wanted) {
            current = update.to_string();
        }
        let generation = int(&object, &["metadata", "generation"]);
        let total = i64::try_from(pods.len()).unwrap_or(0);
        set(&mut object, &["status", "observedGeneration"], Value::from(generation));
        set(&mut object, &["status", "collisionCount"], Value::from(0));
        set(&mut object, &["status", "replicas"], Value::from(total));
        set_count(&mut object, &["status", "readyReplicas"], ready);
        set(&mut object, &["status", "availableReplicas"], Value::from(available));
        set_count(&mut object, &["status", "currentReplicas"], on(&current));
        set_count(&mut object, &["status", "updatedReplicas"], updated);
        set(&mut object, &["status", "currentRevision"], Value::from(current));
        set(&mut object, &["status", "updateRevision"], Value::from(update));
        self.write_status(object);
    }
}

fn ordinal_of(pod: &Value) -> i64 {
    name(pod).rsplit_once('-').and_then(|(_, number)| number.parse().ok()).unwrap_or(-1)
}
