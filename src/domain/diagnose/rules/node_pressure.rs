//! node-issue, node-pressure: a node is short, and its pods pay for it.

use crate::domain::diagnose::node::pressures;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::NodePressure, weigh, say };

/// A container without a memory limit is only killed for memory where its node (or its pod as a whole) was short. The
/// node's own condition comes late and goes early, so that it is not needed.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&["no-limit", "node-pressure"]) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::NodeIssue, Cause::NodePressure)
        .speaks_for("node-pressure", 0.5)
        .speaks_for("evicted-for-node", if seen.has("node-pressure") { 0.3 } else { 0.0 })
        .speaks_for("no-limit", 0.35)
        .speaks_for("oom-killed", 0.2)
        .speaks_for("fails-on-one-node", 0.1)
        .speaks_against("usage-growing", 0.3)
        .speaks_against("evicted-for-own-limit", 0.4);
    let mut weighed = scale.relies_on(&["missing-nodes"]).done();
    let seats = &seen.picture.seats;
    let pressed = |seat: &&super::super::seats::Seat<'_>| {
        seat.node().is_some_and(|node| !pressures(node).is_empty())
    };
    let one = seats.iter().find(pressed).or_else(|| seats.first());
    weighed.culprit = one.and_then(super::super::seats::Seat::reference);
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "the node is short, not its own limit: {}",
        seen.quote(&["node-pressure", "no-limit", "oom-killed"])
    )
}
