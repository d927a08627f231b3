//! What is known of an object that a person names, without an alert: the same facts and values as for an alert.
//!
//! Promises: the target is the object that was named and no other, whatever owns it or causes its trouble.

use super::chain::{Located, at};
use super::conclude::examine;
use super::reader::Reader;
use super::subject::Trail;
use crate::domain::diagnosis::{Diagnosis, Disposition, MadeBy};
use crate::domain::evidence::{Gathered, Progress};
use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;

/// Why an object that was named can't be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// There is none.
    Gone(String),
    /// It can't be read.
    Unreadable(String),
}

/// What is known of the object, or what still has to be read.
#[must_use]
pub fn of_object(
    key: &ObjectKey,
    gathered: &Gathered,
    now: Timestamp,
) -> Progress<Result<Diagnosis, Unfit>> {
    let mut reader = Reader::new(gathered);
    let located = at(key, &mut reader);
    if reader.pending() {
        return Progress::Need(reader.needs());
    }
    let chain = match located {
        Located::Found(chain) => chain,
        Located::Gone(key) => {
            return Progress::Ready(Err(Unfit::Gone(format!("{} does not exist", key.path()))));
        }
        Located::Unreadable(key, why) => {
            let why = format!("{} can't be read: {why}", key.path());
            return Progress::Ready(Err(Unfit::Unreadable(why)));
        }
        Located::Nameless | Located::Pending => {
            let why = format!("{} could not be looked up", key.path());
            return Progress::Ready(Err(Unfit::Unreadable(why)));
        }
    };
    let Some((named, _)) = chain.links.first().cloned() else {
        return Progress::Ready(Err(Unfit::Gone(format!("{} does not exist", key.path()))));
    };
    let Some(mut diagnosis) = examine(&[], chain, Trail::default(), now, &mut reader) else {
        return Progress::Need(reader.needs());
    };
    diagnosis.target = Some(named);
    diagnosis.made_by = MadeBy::Person;
    diagnosis.disposition = Disposition::Remediate;
    diagnosis.summary = format!("a person asks for it; {}", diagnosis.summary);
    Progress::Ready(Ok(diagnosis))
}
