//! node-issue, eviction: the kubelet evicts its pods.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::Eviction, weigh, say };

/// For a limit of its own the workload is the culprit; for a node that was short, the node is.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("evicted") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::NodeIssue, Cause::Eviction)
        .speaks_for("evicted", 0.5)
        .first_for(&[("evicted-for-own-limit", 0.4), ("evicted-for-node", 0.3)])
        // While the node is still short, that is the cause, and the eviction what came of it.
        .speaks_against("node-pressure", if seen.has("evicted-for-own-limit") { 0.0 } else { 0.3 })
        .speaks_against("oom-killed", 0.2);
    let mut weighed = scale.relies_on(&["missing-nodes"]).done();
    if !seen.has("evicted-for-own-limit") {
        weighed.culprit = seen.picture.seats.first().and_then(super::super::seats::Seat::reference);
    }
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    format!("its pods are evicted: {}", seen.quote(&["evicted"]))
}
