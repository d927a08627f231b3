//! storage-issue, unschedulable-volume-zone: the pod's volume is where the pod can't be.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::UnschedulableVolumeZone, weigh, say };

/// Where a node near the volume is short or kept from the pod, that is what can be cured.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("volume-elsewhere") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::StorageIssue, Cause::UnschedulableVolumeZone)
        .speaks_for("unschedulable", 0.3)
        .speaks_for("volume-elsewhere", 0.5)
        .speaks_for("claims", 0.05)
        .speaks_against("short-of-resources", 0.4)
        .first_against(&[("node-cordoned", 0.4), ("node-unfit", 0.35)]);
    Some(scale.done())
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "its volume is on no node that may have the pod: {}",
        seen.quote(&["volume-elsewhere", "claims"])
    )
}
