//! Deleting, evicting and creating by the product, as the API server answers them.

use super::cluster::{FIELD_MANAGER, stamp_of};
use super::faults::Fault;
use super::json::{controller, deleting, int, is_true, key, name, set, text, uid};
use super::patch;
use super::selector;
use super::store::Door;
use super::world::World;
use crate::domain::id::AttemptId;
use crate::domain::operation::{ATTEMPT_ANNOTATION, FieldChange, Propagation};
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::workflow::execution::AttemptOutcome;
use crate::ports::cluster::Probe;
use serde_json::Value;

pub(super) fn refused(why: impl Into<String>, retryable: bool) -> AttemptOutcome {
    AttemptOutcome::Refused { why: why.into(), retryable, passing: None }
}

fn seen(note: String) -> AttemptOutcome {
    AttemptOutcome::SeenDone { note }
}

impl World {
    /// Faults on the way to the server, and, after the change, on the way back.
    fn sent(&mut self, change: impl FnOnce(&mut Self) -> AttemptOutcome) -> AttemptOutcome {
        if self.faults.strikes(Fault::RequestLost, self.now) {
            let why = "the connection broke while the request was sent".into();
            return AttemptOutcome::NoAnswer { why };
        }
        let outcome = change(self);
        if self.faults.strikes(Fault::AnswerLost, self.now) {
            let why = "the request timed out after it was sent".into();
            return AttemptOutcome::NoAnswer { why };
        }
        outcome
    }

    /// What makes a deletion needless or impossible, if anything.
    fn before_it_goes(&mut self, object: &ObjectRef) -> Result<Value, AttemptOutcome> {
        self.reachable().map_err(|error| refused(error.to_string(), true))?;
        let path = object.key.path();
        match self.meant(object) {
            Err(_) => Err(seen(format!("{path} was gone already; nothing was sent"))),
            Ok(live) if deleting(&live) => Err(seen(format!("{path} is being deleted already"))),
            Ok(live) => Ok(live),
        }
    }

    pub(super) fn send_delete(
        &mut self,
        object: &ObjectRef,
        (grace_s, propagation): (Option<u64>, Propagation),
        guards: &[FieldChange],
    ) -> AttemptOutcome {
        let live = match self.before_it_goes(object) {
            Ok(live) => live,
            Err(outcome) => return outcome,
        };
        if let Some(why) = patch::moved(&live, guards) {
            return refused(format!("{} moved: {why}", object.key.path()), false);
        }
        self.sent(|world| {
            if propagation == Propagation::Orphan {
                world.let_go(&object.uid);
            }
            world.delete_within(&object.key, grace_s);
            AttemptOutcome::Applied { note: format!("deletion of {} accepted", object.key.path()) }
        })
    }

    /// Takes the owner's name off what it controls.
    fn let_go(&mut self, owner: &str) {
        let dependents = self
            .objects
            .values()
            .filter(|object| controller(object).is_some_and(|by| text(by, &["uid"]) == owner))
            .map(key)
            .collect::<Vec<_>>();
        for dependent in dependents {
            self.modify(&dependent, "kube-controller-manager", Door::Main, |object| {
                super::json::remove(object, &["metadata", "ownerReferences"]);
            });
        }
    }

    pub(super) fn send_evict(&mut self, pod: &ObjectRef, grace_s: Option<u64>) -> AttemptOutcome {
        let live = match self.before_it_goes(pod) {
            Ok(live) => live,
            Err(outcome) => return outcome,
        };
        let budgets = self
            .list("policy/v1", "PodDisruptionBudget", &pod.key.namespace)
            .filter(|budget| {
                let wanted = budget.pointer("/spec/selector").unwrap_or(&Value::Null);
                selector::fits(live.pointer("/metadata/labels"), wanted)
            })
            .cloned()
            .collect::<Vec<_>>();
        if budgets.len() > 1 {
            let why = "500: This pod has more than one PodDisruptionBudget, which the eviction subresource does not \
                       support.";
            return refused(why, false);
        }
        if let Some(budget) = budgets.first() {
            let count = |field: &str| int(budget, &["status", field]);
            // A pod that isn't ready costs the budget nothing, unless it is short already.
            let free =
                !is_true(&live, "Ready") && count("currentHealthy") >= count("desiredHealthy");
            let allowed = count("disruptionsAllowed");
            if allowed < 1 && !free {
                let why = format!(
                    "Cannot evict pod as it would violate the pod's disruption budget. The disruption budget {} needs \
                     {} healthy pods and has {} currently",
                    name(budget),
                    count("desiredHealthy"),
                    count("currentHealthy")
                );
                return AttemptOutcome::Held { why };
            }
            let place = key(budget);
            if !free {
                self.modify(&place, "kube-apiserver", Door::Status, |budget| {
                    set(budget, &["status", "disruptionsAllowed"], Value::from(allowed - 1));
                });
            }
        }
        self.sent(|world| {
            world.delete_within(&pod.key, grace_s);
            AttemptOutcome::Applied { note: format!("eviction of {} accepted", pod.key.path()) }
        })
    }

    /// Why it can't be created, in the server's words.
    pub(super) fn creatable(&self, key: &ObjectKey, manifest: &Value) -> Result<(), String> {
        if self.object(key).is_some() {
            return Err(format!("{} {:?} already exists", key.kind, key.name));
        }
        if super::rights::resource_of(&key.api_version, &key.kind).is_none() {
            return Err(format!("the server has no resource for {} {}", key.api_version, key.kind));
        }
        if key.kind == "Secret" {
            return Err(
                "a Secret is not created from a plan: its values would be in the log".into()
            );
        }
        let space = ObjectKey::new("v1", "Namespace", "", &key.namespace);
        if !key.namespace.is_empty() && self.object(&space).is_none() {
            return Err(format!("namespaces {:?} not found", key.namespace));
        }
        if key.kind == "Pod" { self.admit_pod(manifest) } else { Ok(()) }
    }

    pub(super) fn send_create(
        &mut self,
        attempt: &AttemptId,
        place: &ObjectKey,
        manifest: &Value,
    ) -> AttemptOutcome {
        if let Err(error) = self.reachable() {
            return refused(error.to_string(), true);
        }
        if let Probe::Done(note) = self.probe_made(attempt, place) {
            return seen(note);
        }
        if let Err(why) = self.creatable(place, manifest) {
            return refused(why, false);
        }
        let mut object = manifest.clone();
        let stamp = Value::from(attempt.as_str());
        set(&mut object, &["metadata", "annotations", ATTEMPT_ANNOTATION], stamp);
        self.sent(|world| {
            world.create(object, FIELD_MANAGER);
            let made = world.object(place).map(|made| uid(made).to_string()).unwrap_or_default();
            AttemptOutcome::Applied { note: format!("created, uid {made}") }
        })
    }

    pub(super) fn send_unmake(
        &mut self,
        place: &ObjectKey,
        made_by: &[AttemptId],
    ) -> AttemptOutcome {
        if let Err(error) = self.reachable() {
            return refused(error.to_string(), true);
        }
        let path = place.path();
        let Some(live) = self.object(place).cloned() else {
            return seen(format!("{path} was gone already; nothing was sent"));
        };
        if !made(&live, made_by) {
            let why =
                format!("{path} does not carry the stamp of this execution: it is left alone");
            return refused(why, false);
        }
        self.sent(|world| {
            world.delete(place);
            AttemptOutcome::Applied { note: format!("deletion of {path} accepted") }
        })
    }

    pub(super) fn probe_gone(&mut self, object: &ObjectRef) -> Probe {
        if let Err(error) = self.reachable() {
            return Probe::Later(error.to_string());
        }
        let path = object.key.path();
        match self.meant(object) {
            Err(_) => Probe::Done(format!("{path} with uid {} is gone", object.uid)),
            Ok(live) if deleting(&live) => Probe::Done(format!("{path} is being deleted")),
            Ok(_) => Probe::NotDone(format!("{path} is there and not being deleted")),
        }
    }

    pub(super) fn probe_made(&mut self, attempt: &AttemptId, place: &ObjectKey) -> Probe {
        if let Err(error) = self.reachable() {
            return Probe::Later(error.to_string());
        }
        let path = place.path();
        match self.object(place) {
            Some(live) if stamp_of(live) == attempt.as_str() => {
                Probe::Done(format!("{path} carries this attempt's stamp"))
            }
            Some(_) => Probe::NotDone(format!("{path} is there, made by somebody else")),
            None => Probe::NotDone(format!("{path} does not exist")),
        }
    }

    pub(super) fn probe_unmade(&mut self, place: &ObjectKey, made_by: &[AttemptId]) -> Probe {
        if let Err(error) = self.reachable() {
            return Probe::Later(error.to_string());
        }
        let path = place.path();
        match self.object(place) {
            Some(live) if made(live, made_by) && !deleting(live) => {
                Probe::NotDone(format!("{path} is there and not being deleted"))
            }
            Some(_) | None => Probe::Done(format!("{path} is gone")),
        }
    }
}

fn made(live: &Value, made_by: &[AttemptId]) -> bool {
    made_by.iter().any(|attempt| attempt.as_str() == stamp_of(live))
}
