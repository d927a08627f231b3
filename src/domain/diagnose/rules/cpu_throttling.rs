//! generic, cpu-throttling: the CPU limit is below what the program needs.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::CpuThrottling, weigh, say };

/// That it is held back was measured, or no program could do with so little. A crash that no probe made has another cause: a program that starts anew again
/// and again is always held back while it starts.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&["cpu-throttled", "cpu-limit-tiny"]) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::Generic, Cause::CpuThrottling)
        .speaks_for("cpu-throttled", 0.55)
        .speaks_for("cpu-at-limit", 0.25)
        .speaks_for("cpu-limit-tiny", 0.45)
        .speaks_for("never-ready", if seen.has("cpu-limit-tiny") { 0.15 } else { 0.0 })
        .speaks_for("probe-timed-out", 0.1)
        .speaks_against("oom-killed", 0.4);
    let scale = if seen.any(&["probe-killed", "cpu-limit-tiny"]) {
        scale
    } else {
        scale.speaks_against("exit-code", 0.4)
    };
    Some(scale.relies_on(&["missing-metrics"]).done())
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "container {} needs more CPU than its limit: {}",
        seen.container(),
        seen.quote(&["cpu-limit-tiny", "cpu-throttled", "cpu-at-limit"])
    )
}
