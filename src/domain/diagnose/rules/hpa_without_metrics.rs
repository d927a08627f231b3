//! generic, hpa-without-metrics: the autoscaler can't read its metrics, and nothing else is wrong.

use super::autoscaler;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::HpaWithoutMetrics, weigh, say };

/// The autoscaler's own condition carries it. Pods that are not ready have no metrics: then they are the trouble.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("autoscaler-blind") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::Generic, Cause::HpaWithoutMetrics)
        .speaks_for("autoscaler-blind", 0.6)
        .first_against(&[
            ("exit-code", 0.4),
            ("oom-killed", 0.4),
            ("unschedulable", 0.4),
            ("readiness-fails", 0.4),
            ("image-pull-failed", 0.4),
            ("configuration-missing", 0.4),
        ])
        .first_against(&[("usage-at-limit", 0.2), ("cpu-throttled", 0.2)]);
    let mut weighed = scale.done();
    weighed.culprit = autoscaler(seen);
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    format!("its autoscaler can't see: {}", seen.quote(&["autoscaler-blind"]))
}
