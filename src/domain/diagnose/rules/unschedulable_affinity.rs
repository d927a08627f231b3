//! node-issue, unschedulable-affinity: no node fits what the pods ask of nodes and of other pods.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::UnschedulableAffinity, weigh, say };

/// That no node at all has the labels is plain. Rules about other pods, and ports that are taken, are the cause only
/// where no node is short of anything else.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&["no-node-matches", "pods-keep-apart", "ports-taken"]) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::NodeIssue, Cause::UnschedulableAffinity)
        .speaks_for("unschedulable", 0.3)
        .first_for(&[("no-node-matches", 0.6), ("pods-keep-apart", 0.5), ("ports-taken", 0.5)])
        .speaks_against("short-of-resources", 0.5)
        .speaks_against("surge-only", 0.35)
        .first_against(&[("claim-missing", 0.3), ("claim-pending", 0.3), ("claim-lost", 0.3)])
        .first_against(&[("node-cordoned", 0.35), ("node-unfit", 0.3)]);
    Some(scale.relies_on(&["missing-nodes"]).done())
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "no node is what its pods ask for: {}",
        seen.quote(&["no-node-matches", "pods-keep-apart", "ports-taken"])
    )
}
