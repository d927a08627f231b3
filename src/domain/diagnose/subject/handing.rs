//! Handing a case over to the object that is to blame.

use super::case::{Case, Trail};
use crate::domain::alert::Alert;
use crate::domain::diagnose::chain::{Located, climb};
use crate::domain::diagnose::conclude;
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnosis::Diagnosis;
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::time::Timestamp;
use serde_json::Value;

/// What became of a hand-over.
#[derive(Debug)]
pub(crate) enum Handed {
    /// The diagnosis of that object (or of its owner, when it has one).
    Done(Box<Diagnosis>),
    /// Something has to be read first.
    Pending,
    /// It can't be looked at; why.
    Not(String),
}

/// Diagnoses an object that was read already, by itself: its owners are not climbed. `None` while reads are due.
pub(crate) fn look_into<'a>(
    case: &Case<'a>,
    reference: ObjectRef,
    object: &'a Value,
    trail: Trail,
    reader: &mut Reader<'a>,
) -> Option<Diagnosis> {
    let case = Case { alerts: case.alerts, reference, object, trail, now: case.now };
    super::dispatch::examine(case, reader)
}

/// Diagnoses `key`, where the facts of `trail` led to. The object is looked up, and its owners are climbed as those of an
/// alert's object are.
pub(crate) fn hand_over<'a>(
    alerts: &'a [Alert],
    key: &ObjectKey,
    trail: Trail,
    now: Timestamp,
    reader: &mut Reader<'a>,
) -> Handed {
    let located = match reader.look(key) {
        Got::Have(object) => climb(key.clone(), None, object, reader),
        Got::Gone => return Handed::Not(format!("{} does not exist", key.path())),
        Got::Unreadable(why) => return Handed::Not(format!("{} can't be read: {why}", key.path())),
        Got::Pending => return Handed::Pending,
    };
    match located {
        Located::Found(chain) => {
            let back = chain.top().is_some_and(|(top, _)| trail.was_at(&top.key));
            if back {
                return Handed::Not(format!("{} was looked at before", key.path()));
            }
            match conclude::examine(alerts, chain, trail, now, reader) {
                Some(diagnosis) => Handed::Done(Box::new(diagnosis)),
                None => Handed::Pending,
            }
        }
        Located::Gone(key) => Handed::Not(format!("{} does not exist", key.path())),
        Located::Unreadable(key, why) => {
            Handed::Not(format!("{} can't be read: {why}", key.path()))
        }
        Located::Nameless => Handed::Not("it has no name".into()),
        Located::Pending => Handed::Pending,
    }
}
