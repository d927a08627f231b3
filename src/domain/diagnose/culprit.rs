//! Where another object is to blame for what a workload shows: that object's own diagnosis.
//!
//! Promises: what led there stays in the evidence; where the object's own diagnosis finds nothing wrong with it, or finds
//! that a person meant it so, the case stays with the workload and goes to a person.

use super::conclude::unknown;
use super::reader::{Got, Reader};
use super::subject::{self, Handed, Trail};
use crate::domain::alert::Alert;
use crate::domain::diagnosis::{Cause, Diagnosis, Disposition};
use crate::domain::evidence::{Bearing, Fact};
use crate::domain::resource::ObjectRef;
use crate::domain::time::Timestamp;

/// Hands a diagnosis over to its culprit, where that is an object with a diagnosis of its own. `None` while reads are
/// due.
pub(crate) fn hand_over<'a>(
    alerts: &'a [Alert],
    workload: &ObjectRef,
    mine: Diagnosis,
    trail: &Trail,
    now: Timestamp,
    reader: &mut Reader<'a>,
) -> Option<Diagnosis> {
    let Some(culprit) = mine.target.clone().filter(|target| target != workload) else {
        return Some(mine);
    };
    // Without an alert a person asks about this very object.
    // A policy was weighed together with whom it keeps away: by itself it shows nothing wrong.
    if alerts.is_empty()
        || culprit.key.kind == "NetworkPolicy"
        || mine.disposition != Disposition::Remediate
        || mine.cause == Cause::Unknown
    {
        return Some(mine);
    }
    match reader.look(&culprit.key) {
        Got::Have(object) if subject::is_one(&culprit.key, object, now) => {}
        Got::Pending => return None,
        Got::Have(_) | Got::Gone | Got::Unreadable(_) => return Some(mine),
    }
    let led = mine.evidence.iter().filter(|fact| fact.bearing == Bearing::For).cloned();
    let Some(trail) = trail.from(&workload.key, led.collect()) else { return Some(mine) };
    match subject::hand_over(alerts, &culprit.key, trail, now, reader) {
        Handed::Pending => None,
        Handed::Not(_) => Some(mine),
        Handed::Done(theirs) => Some(settle(workload, mine, *theirs)),
    }
}

/// Takes the culprit's diagnosis, or keeps the case with what it said.
fn settle(workload: &ObjectRef, mut mine: Diagnosis, theirs: Diagnosis) -> Diagnosis {
    match theirs.disposition {
        Disposition::Remediate if theirs.cause == Cause::Unknown => {
            for (name, value) in theirs.values {
                mine.values.entry(name).or_insert(value);
            }
            // What could not be read there is why it could not say more.
            let missing =
                theirs.evidence.into_iter().filter(|fact| fact.bearing == Bearing::Missing);
            for fact in missing {
                if !mine.evidence.contains(&fact) {
                    mine.evidence.push(fact);
                }
            }
            mine
        }
        Disposition::Remediate => theirs,
        Disposition::Recovered
        | Disposition::TargetGone
        | Disposition::Heartbeat
        | Disposition::OnPurpose => {
            let path = theirs.target.map_or_else(String::new, |target| target.key.path());
            let nothing = unknown(mine.pattern);
            mine.summary = format!(
                "{}: the cause is not known; {}, but {}",
                workload.key.short_path(),
                mine.summary,
                theirs.summary
            );
            mine.evidence.push(Fact {
                id: "culprit-says".into(),
                text: theirs.summary,
                source: if path.is_empty() { workload.key.path() } else { path },
                bearing: Bearing::Against,
                at: None,
            });
            mine.evidence.sort_by_key(|fact| fact.bearing);
            mine.target = Some(workload.clone());
            (mine.cause, mine.confidence) = (nothing.cause, nothing.confidence);
            mine.weighed.push(nothing);
            mine
        }
    }
}
