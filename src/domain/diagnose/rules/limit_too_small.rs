//! high-memory, limit-too-small: the program needs more than its limit, and would be well with more.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::LimitTooSmall, weigh, say };

/// The kernel's word (`OOMKilled`) carries it; an exit code of 137 alone does not. Flat usage at the limit, or death
/// while starting, speak for it; growth to the end of each life speaks for a leak. A rollout that explains the kill is
/// better rolled back. Usage at the limit without a kill is a weak sign: page cache counts as working set.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    let killed = seen.has("oom-killed");
    if !killed && !seen.has("usage-at-limit") {
        return None;
    }
    let rollout = seen.has("only-current-fails")
        && seen.has("revision-differs")
        && seen.has("trouble-since-rollout")
        && !seen.has("container-unchanged");
    let scale = seen
        .weigh(Pattern::HighMemory, Cause::LimitTooSmall)
        .speaks_for("oom-killed", 0.55)
        .speaks_for("usage-at-limit", if killed { 0.1 } else { 0.35 })
        .first_for(&[("usage-flat", 0.25), ("died-at-start", 0.2), ("usage-uneven", 0.1)])
        .speaks_for("oom-again", 0.1)
        .speaks_against("usage-growing", 0.45)
        .speaks_against("usage-growing-again", 0.1)
        .speaks_against("died-late", 0.1)
        .speaks_against("no-limit", 0.5)
        .speaks_against("limit-lowered", 0.3)
        .speaks_against("paused", 0.5);
    let scale = if rollout {
        scale.first_against(&[
            ("earlier-ready", 0.3),
            ("earlier-ran", 0.3),
            ("earlier-stood", 0.15),
        ])
    } else {
        scale
    };
    Some(scale.relies_on(&["missing-metrics", "missing-pods"]).done())
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "container {} needs more memory than its limit: {}",
        seen.container(),
        seen.quote(&["oom-killed", "usage-at-limit", "usage-flat"])
    )
}
