//! node-issue, unschedulable-taint: taints keep the pods from every node that they would fit on.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::UnschedulableTaint, weigh, say };

/// Tainted nodes are usually kept for others on purpose: the taint is the cause only where no node without one would do.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&["taint-keeps-off", "taint-said"]) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::NodeIssue, Cause::UnschedulableTaint)
        .speaks_for("unschedulable", 0.3)
        .first_for(&[("taint-keeps-off", 0.5), ("taint-said", 0.3)])
        .speaks_against("short-of-resources", 0.5)
        .speaks_against("no-node-matches", 0.4)
        .speaks_against("pods-keep-apart", 0.3)
        .speaks_against("volume-elsewhere", 0.3)
        .first_against(&[("claim-missing", 0.4), ("claim-pending", 0.4), ("claim-lost", 0.4)])
        .first_against(&[("node-cordoned", 0.3), ("node-unfit", 0.3)]);
    Some(scale.done())
}

fn say(seen: &Seen<'_>) -> String {
    format!("taints keep its pods off: {}", seen.quote(&["taint-keeps-off", "taint-said"]))
}
