//! node-issue, node-cordoned: pods can't be placed, and a node that would do is cordoned.

use super::unfit_node;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::NodeCordoned, weigh, say };

/// The node is the culprit; whether it was cordoned on purpose or forgotten is for its own diagnosis to say.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("node-cordoned") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::NodeIssue, Cause::NodeCordoned)
        .speaks_for("unschedulable", 0.3)
        .speaks_for("node-cordoned", 0.5)
        .speaks_against("surge-only", 0.2)
        .first_against(&[("claim-missing", 0.4), ("claim-pending", 0.4), ("claim-lost", 0.4)]);
    let mut weighed = scale.done();
    weighed.culprit = unfit_node(seen, true);
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    let workload = seen.picture.workload.reference.key.short_path();
    format!(
        "pods of {workload} have no place while it is cordoned: {}",
        seen.quote(&["node-cordoned"])
    )
}
