//! generic, quota-exceeded: a quota or a limit range of the namespace refuses its pods.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::QuotaExceeded, weigh, say };

/// The API server's own words carry it; the quota is the culprit.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&["denied-by-quota", "denied-by-limit-range"]) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::Generic, Cause::QuotaExceeded)
        .first_for(&[("denied-by-quota", 0.85), ("denied-by-limit-range", 0.85)])
        .first_for(&[("quota", 0.05), ("limit-range", 0.05)]);
    let mut weighed = scale.relies_on(&["missing-quota", "missing-limit-ranges"]).done();
    let denied = seen.picture.denied.as_ref();
    weighed.culprit =
        denied.and_then(|one| one.refuser.as_ref()).map(|(reference, _)| reference.clone());
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    let workload = seen.picture.workload.reference.key.short_path();
    format!(
        "it refuses pods of {workload}: {}",
        seen.quote(&["denied-by-quota", "denied-by-limit-range", "quota", "limit-range"])
    )
}
