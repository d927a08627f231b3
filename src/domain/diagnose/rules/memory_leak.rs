//! high-memory, memory-leak: usage grows without end, so that any limit is reached.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::MemoryLeak, weigh, say };

/// Only growth that was measured makes it likely; that a container dies late hints at it. A life of seconds can't tell
/// a leak from a start that needs more than the limit.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&["oom-killed", "usage-growing"]) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::HighMemory, Cause::MemoryLeak)
        .speaks_for("oom-killed", 0.3)
        .speaks_for("usage-growing", 0.45)
        .speaks_for("usage-growing-again", 0.1)
        .speaks_for("oom-again", 0.05)
        .speaks_for("died-late", 0.1)
        .speaks_for("usage-at-limit", 0.1)
        .speaks_against("usage-flat", 0.25)
        .speaks_against("died-at-start", 0.15)
        .speaks_against("no-limit", 0.2)
        .speaks_against("limit-lowered", 0.1)
        .speaks_against("paused", 0.5);
    Some(scale.relies_on(&["missing-metrics", "missing-pods"]).done())
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "memory of container {} grows until it is killed: {}",
        seen.container(),
        seen.quote(&["usage-growing", "oom-killed"])
    )
}
