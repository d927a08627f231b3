//! node-issue, node-lost: the kubelet under its pods does not report any more.

use super::{seat, unfit_node};
use crate::domain::diagnose::node::Readiness;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::NodeLost, weigh, say };

/// Pods of such a node look well by their last status, count as not ready, and can't go.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&["node-lost", "node-unfit"]) {
        return None;
    }
    let culprit = seat(seen, Readiness::Lost)
        .or_else(|| unfit_node(seen, false).filter(|_| !seen.has("node-not-ready")));
    let scale = seen
        .weigh(Pattern::NodeIssue, Cause::NodeLost)
        .first_for(&[("node-lost", 0.85), ("node-unfit", 0.45)])
        .speaks_for("unschedulable", 0.1)
        .speaks_for("pods-overdue", 0.05)
        // A kubelet that says what it is short of is there.
        .speaks_against("node-pressure", if seen.has("node-lost") { 0.0 } else { 0.4 })
        .speaks_against("finalizers-hold", 0.3);
    let mut weighed = scale.relies_on(&["missing-nodes"]).done();
    weighed.culprit = culprit;
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    let workload = seen.picture.workload.reference.key.short_path();
    format!(
        "pods of {workload} suffer while it is away: {}",
        seen.quote(&["node-lost", "node-unfit"])
    )
}
