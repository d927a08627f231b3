//! generic, hpa-at-maximum: the autoscaler has no more replicas to give, and nothing else is wrong.

use super::autoscaler;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::HpaAtMaximum, weigh, say };

/// The autoscaler's own condition carries it, and it is the culprit. Pods that fail drive an autoscaler up too: then
/// they are the trouble.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("autoscaler-at-maximum") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::Generic, Cause::HpaAtMaximum)
        .speaks_for("autoscaler-at-maximum", 0.7)
        .speaks_for("cpu-at-limit", 0.05)
        .speaks_against("cpu-throttled", 0.1)
        .first_against(&[("exit-code", 0.4), ("oom-killed", 0.4), ("unschedulable", 0.4)]);
    let mut weighed = scale.done();
    weighed.culprit = autoscaler(seen);
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    format!("its autoscaler has no more to give: {}", seen.quote(&["autoscaler-at-maximum"]))
}
