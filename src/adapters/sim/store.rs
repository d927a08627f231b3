//! The API server's part: creating, updating and deleting objects, and telling the controllers.

use super::fields;
use super::json::{controller, deleting, items, key, set, stamp, text, uid};
use super::queue::Happening;
use super::selector;
use super::world::World;
use crate::domain::resource::ObjectKey;
use serde_json::{Value, json};

/// Through which door an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// The object itself.
    Main,
    /// Its status subresource.
    Status,
}

/// Milliseconds until a controller looks at what changed.
const LATENCY_MS: i64 = 100;

impl World {
    /// Objects of a kind in a namespace (empty: all namespaces).
    pub(super) fn list<'a>(
        &'a self,
        api_version: &'a str,
        kind: &'a str,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a Value> {
        self.objects
            .range(ObjectKey::new(api_version, kind, namespace, "")..)
            .take_while(move |(key, _)| {
                key.api_version == api_version
                    && key.kind == kind
                    && (namespace.is_empty() || key.namespace == namespace)
            })
            .map(|(_, object)| object)
    }

    /// A copy of an object.
    pub(super) fn get(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Option<Value> {
        self.objects.get(&ObjectKey::new(api_version, kind, namespace, name)).cloned()
    }

    /// Objects of a kind whose controller is this one, by name.
    pub(super) fn owned(&self, api_version: &str, kind: &str, owner: &Value) -> Vec<Value> {
        let namespace = text(owner, &["metadata", "namespace"]);
        self.list(api_version, kind, namespace)
            .filter(|object| controller(object).is_some_and(|by| text(by, &["uid"]) == uid(owner)))
            .cloned()
            .collect()
    }

    /// Creates an object; `false` when one of that name exists.
    pub(super) fn create(&mut self, mut object: Value, manager: &str) -> bool {
        let place = key(&object);
        if self.objects.contains_key(&place) {
            return false;
        }
        let fresh = self.random.uid();
        set(&mut object, &["metadata", "uid"], Value::from(fresh));
        set(&mut object, &["metadata", "creationTimestamp"], Value::from(stamp(self.now)));
        if has_generation(&place.kind) {
            set(&mut object, &["metadata", "generation"], Value::from(1));
        }
        if place.kind != "Event" {
            fields::record(None, &mut object, manager, false, &stamp(self.now));
        }
        self.bump(&mut object);
        self.changed(None, &object);
        self.objects.insert(place, object);
        true
    }

    /// Replaces an object; `false` when nothing differs or it does not exist.
    pub(super) fn update(&mut self, mut object: Value, manager: &str, door: Door) -> bool {
        let place = key(&object);
        // Out and in again instead of copied: worlds spend their time here.
        let Some(old) = self.objects.remove(&place) else { return false };
        if old == object {
            self.objects.insert(place, old);
            return false;
        }
        if door == Door::Main
            && has_generation(&place.kind)
            && old.get("spec") != object.get("spec")
        {
            let generation = super::json::int(&old, &["metadata", "generation"]) + 1;
            set(&mut object, &["metadata", "generation"], Value::from(generation));
        }
        if place.kind != "Event" {
            let status = door == Door::Status;
            fields::record(Some(&old), &mut object, manager, status, &stamp(self.now));
        }
        self.bump(&mut object);
        self.changed(Some(&old), &object);
        self.objects.insert(place, object);
        true
    }

    /// Changes an object in place.
    pub(super) fn modify(
        &mut self,
        place: &ObjectKey,
        manager: &str,
        door: Door,
        change: impl FnOnce(&mut Value),
    ) -> bool {
        let Some(mut object) = self.objects.get(place).cloned() else { return false };
        change(&mut object);
        self.update(object, manager, door)
    }

    /// Deletes an object, and in the background what it controls. Pods with a node go when their kubelet says so.
    pub(super) fn delete(&mut self, place: &ObjectKey) -> bool {
        self.delete_within(place, None)
    }

    /// As [`World::delete`], with seconds of grace that replace a pod's own.
    pub(super) fn delete_within(&mut self, place: &ObjectKey, grace: Option<u64>) -> bool {
        let Some(object) = self.objects.get(place).cloned() else { return false };
        let bound = !text(&object, &["spec", "nodeName"]).is_empty();
        if place.kind == "Pod" && bound && grace != Some(0) {
            self.delete_gracefully(place, &object, grace);
            return true;
        }
        self.forget(place);
        true
    }

    fn delete_gracefully(&mut self, place: &ObjectKey, pod: &Value, within: Option<u64>) {
        if deleting(pod) {
            return;
        }
        let grace = pod.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_u64);
        let grace = within.or(grace).unwrap_or(30);
        let at = stamp(crate::domain::time::plus(self.now, grace));
        self.modify(place, "kube-apiserver", Door::Main, |pod| {
            set(pod, &["metadata", "deletionTimestamp"], Value::from(at));
            set(pod, &["metadata", "deletionGracePeriodSeconds"], Value::from(grace));
        });
        self.after(LATENCY_MS, Happening::Pod(uid(pod).to_string()));
    }

    /// Takes an object out for good, and deletes what it controlled.
    pub(super) fn forget(&mut self, place: &ObjectKey) {
        let Some(object) = self.objects.remove(place) else { return };
        self.version += 1;
        self.tell(&object);
        let owner = uid(&object).to_string();
        if place.kind == "Pod" {
            self.records.end_pod(&owner, self.now);
            self.pods.remove(&owner);
            self.after(LATENCY_MS, Happening::Schedule);
            return;
        }
        if place.kind == "Event" {
            return;
        }
        let dependents = self
            .objects
            .iter()
            .filter(|(key, _)| key.namespace == place.namespace)
            .filter(|(_, object)| controller(object).is_some_and(|by| text(by, &["uid"]) == owner))
            .map(|(key, _)| key.clone())
            .collect::<Vec<_>>();
        for dependent in dependents {
            self.delete(&dependent);
        }
    }

    fn bump(&mut self, object: &mut Value) {
        self.version += 1;
        let version = self.version.to_string();
        set(object, &["metadata", "resourceVersion"], Value::from(version));
    }

    fn changed(&mut self, old: Option<&Value>, object: &Value) {
        // Restarts alone interest no controller: without this, crash loops would keep all of them busy.
        let idle = text(object, &["kind"]) == "Pod"
            && old.is_some_and(|old| outward(old) == outward(object));
        if !idle {
            self.tell(object);
        }
        match text(object, &["kind"]) {
            "Pod" if text(object, &["spec", "nodeName"]).is_empty() => {
                self.after(LATENCY_MS, Happening::Schedule);
            }
            "Pod" if old.is_some_and(|old| text(old, &["spec", "nodeName"]).is_empty()) => {
                self.after(LATENCY_MS * 3, Happening::Pod(uid(object).to_string()));
            }
            "Node" => {
                let moved = old.is_none_or(|old| {
                    old.get("spec") != object.get("spec")
                        || super::json::is_true(old, "Ready")
                            != super::json::is_true(object, "Ready")
                });
                if moved {
                    self.after(LATENCY_MS, Happening::Schedule);
                    self.wake_all("apps/v1", "DaemonSet", "");
                }
            }
            _ => {}
        }
    }

    /// Wakes the controllers that watch this object.
    fn tell(&mut self, object: &Value) {
        let place = key(object);
        match place.kind.as_str() {
            "Event" | "Lease" | "Node" | "Secret" | "ConfigMap" | "Namespace" | "Endpoints"
            | "EndpointSlice" | "ControllerRevision" => return,
            _ => {}
        }
        if let Some(by) = controller(object) {
            let owner = ObjectKey::new(
                text(by, &["apiVersion"]),
                text(by, &["kind"]),
                &place.namespace,
                text(by, &["name"]),
            );
            self.after(LATENCY_MS, Happening::Reconcile(owner));
        }
        if place.kind == "Pod" {
            self.tell_selecting(object, &place.namespace);
        } else {
            self.after(LATENCY_MS, Happening::Reconcile(place));
        }
    }

    fn tell_selecting(&mut self, pod: &Value, namespace: &str) {
        let labels = pod.pointer("/metadata/labels");
        let services = self.list("v1", "Service", namespace).filter(|service| {
            service.pointer("/spec/selector").and_then(Value::as_object).is_some_and(|wanted| {
                !wanted.is_empty() && selector::fits_map(labels, Some(wanted))
            })
        });
        let budgets = self.list("policy/v1", "PodDisruptionBudget", namespace).filter(|budget| {
            selector::fits(labels, budget.pointer("/spec/selector").unwrap_or(&Value::Null))
        });
        let quotas = self.list("v1", "ResourceQuota", namespace);
        let woken = services.chain(budgets).chain(quotas).map(key).collect::<Vec<_>>();
        for place in woken {
            self.after(LATENCY_MS * 2, Happening::Reconcile(place));
        }
    }

    /// Has the controllers look at all objects of a kind.
    pub(super) fn wake_all(&mut self, api_version: &str, kind: &str, namespace: &str) {
        let places = self.list(api_version, kind, namespace).map(key).collect::<Vec<_>>();
        for place in places {
            self.after(LATENCY_MS, Happening::Reconcile(place));
        }
    }

    /// Writes an Event object, or counts one that says the same up.
    pub(super) fn event(
        &mut self,
        about: &Value,
        kind: &str,
        reason: &str,
        message: &str,
        source: (&str, &str),
    ) {
        let index = (uid(about).to_string(), reason.to_string(), message.to_string());
        let now = stamp(self.now);
        if let Some(place) = self.event_index.get(&index).cloned()
            && self.modify(&place, source.0, Door::Main, |event| {
                let count = super::json::int(event, &["count"]) + 1;
                set(event, &["count"], Value::from(count));
                set(event, &["lastTimestamp"], Value::from(now.clone()));
            })
        {
            return;
        }
        let place = key(about);
        let namespace = if place.namespace.is_empty() { "default" } else { &place.namespace };
        let name = format!("{}.{:016x}", place.name, self.random.next());
        let mut origin = json!({ "component": source.0 });
        if !source.1.is_empty() {
            set(&mut origin, &["host"], Value::from(source.1));
        }
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": {
                "apiVersion": place.api_version, "kind": place.kind, "name": place.name,
                "namespace": place.namespace, "uid": uid(about),
                "resourceVersion": text(about, &["metadata", "resourceVersion"]),
            },
            "type": kind, "reason": reason, "message": message, "count": 1, "eventTime": null,
            "firstTimestamp": now, "lastTimestamp": now, "source": origin,
            "reportingComponent": source.0, "reportingInstance": source.1,
        });
        self.event_index.insert(index, key(&event));
        self.create(event, source.0);
    }

    /// Throws away Events older than an hour and records of pods that are long gone.
    pub(super) fn sweep(&mut self) {
        let limit = self.now - chrono::TimeDelta::hours(1);
        let old = self
            .list("v1", "Event", "")
            .filter(|event| {
                super::json::time(event, &["lastTimestamp"]).is_none_or(|at| at < limit)
            })
            .map(key)
            .collect::<Vec<_>>();
        for place in &old {
            self.objects.remove(place);
        }
        let objects = &self.objects;
        self.event_index.retain(|_, place| objects.contains_key(place));
        self.records.sweep(self.now);
        self.in_seconds(600, Happening::Sweep);
    }

    /// Taints of a node.
    pub(super) fn taints(node: &Value) -> &[Value] {
        items(node, &["spec", "taints"])
    }
}

/// What other controllers look at in a pod.
fn outward(pod: &Value) -> (bool, bool, &str, &str, &str, Option<&Value>) {
    (
        super::json::is_true(pod, "Ready"),
        deleting(pod),
        text(pod, &["status", "phase"]),
        text(pod, &["status", "podIP"]),
        text(pod, &["spec", "nodeName"]),
        pod.pointer("/metadata/labels"),
    )
}

fn has_generation(kind: &str) -> bool {
    matches!(
        kind,
        "Deployment"
            | "ReplicaSet"
            | "StatefulSet"
            | "DaemonSet"
            | "PodDisruptionBudget"
            | "Pod"
            | "EndpointSlice"
    )
}
