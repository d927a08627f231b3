//! What an examiner begins with: the object, the alerts, and how the case came to it.

use crate::domain::alert::Alert;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::evidence::Fact;
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::time::Timestamp;
use serde_json::Value;

/// Hand-overs of one case: alert → workload → claim → node is the longest that is known to make sense.
const LONGEST: usize = 4;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Case<'a> {
    pub(crate) alerts: &'a [Alert],
    pub(crate) reference: ObjectRef,
    pub(crate) object: &'a Value,
    pub(crate) trail: Trail,
    pub(crate) now: Timestamp,
}

impl Case<'_> {
    pub(crate) fn name(&self) -> &str {
        &self.reference.key.name
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.reference.key.namespace
    }

    /// `shop/PersistentVolumeClaim/data`, as a source of facts.
    pub(crate) fn path(&self) -> String {
        self.reference.key.path()
    }

    /// When the alerts began; `None` without alerts.
    pub(crate) fn began(&self) -> Option<Timestamp> {
        self.alerts.iter().map(|alert| alert.starts_at).min()
    }
}

/// The objects that a case went through, and the facts that led from each to the next.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trail {
    objects: Vec<ObjectKey>,
    facts: Vec<Fact>,
}

impl Trail {
    /// The trail one object further. `None` when that object was there already, or the way is too long: then the case
    /// stays where it is.
    pub(crate) fn from(&self, object: &ObjectKey, facts: Vec<Fact>) -> Option<Self> {
        if self.objects.contains(object) || self.objects.len() >= LONGEST {
            return None;
        }
        let mut longer = self.clone();
        longer.objects.push(object.clone());
        longer.facts.extend(facts);
        Some(longer)
    }

    /// Whether the case was at that object.
    pub(crate) fn was_at(&self, object: &ObjectKey) -> bool {
        self.objects.contains(object)
    }

    /// Whether the case began at this object.
    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Adds the facts that led there to what the last object's diagnosis shows, before what could not be read. Ids stay
    /// unique: those that the diagnosis has itself win, except that a fact of another object with the same name is kept
    /// under `led-…`.
    pub(crate) fn leave_in(self, diagnosis: &mut Diagnosis) {
        for mut fact in self.facts {
            let known = |id: &str| diagnosis.evidence.iter().any(|one| one.id == id);
            if diagnosis.evidence.iter().any(|one| one.id == fact.id && one.text == fact.text) {
                continue;
            }
            if known(&fact.id) {
                fact.id = format!("led-{}", fact.id);
            }
            if !known(&fact.id) {
                diagnosis.evidence.push(fact);
            }
        }
        diagnosis.evidence.sort_by_key(|fact| fact.bearing);
    }
}
