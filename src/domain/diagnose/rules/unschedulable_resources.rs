//! node-issue, unschedulable-resources: no node has room for what a pod requests.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::UnschedulableResources, weigh, say };

/// A node that the scheduler calls short would do in every other respect, so that this is what is missing; nodes that
/// are kept for others don't change that. A node that would do but for its state is the likelier cause; so is a
/// rollout that asks for more pods at once than there is room for.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("short-of-resources") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::NodeIssue, Cause::UnschedulableResources)
        .speaks_for("unschedulable", 0.3)
        .speaks_for("short-of-resources", 0.5)
        .speaks_for("larger-than-any-node", 0.1)
        .first_against(&[("node-cordoned", 0.4), ("node-unfit", 0.35)])
        .first_against(&[("claim-missing", 0.4), ("claim-pending", 0.4), ("claim-lost", 0.4)])
        .speaks_against("surge-only", 0.4);
    Some(scale.relies_on(&["missing-nodes"]).done())
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "no node has room for its pods: {}",
        seen.quote(&["larger-than-any-node", "short-of-resources", "requests"])
    )
}
