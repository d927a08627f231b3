//! node-issue, node-not-ready: the kubelet under its pods says that it is not ready.

use super::seat;
use crate::domain::diagnose::node::Readiness;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::NodeNotReady, weigh, say };

/// The node itself is the culprit, and says why.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    let culprit = seat(seen, Readiness::NotReady)?;
    let scale = seen
        .weigh(Pattern::NodeIssue, Cause::NodeNotReady)
        .speaks_for("node-not-ready", 0.8)
        .speaks_for("fails-on-one-node", 0.1)
        .speaks_for("pods-overdue", 0.05)
        .speaks_against("finalizers-hold", 0.3);
    let mut weighed = scale.done();
    weighed.culprit = Some(culprit);
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    let workload = seen.picture.workload.reference.key.short_path();
    format!("pods of {workload} suffer while it is not ready: {}", seen.quote(&["node-not-ready"]))
}
