//! crash-loop, startup-too-slow: a probe ends containers before they have finished starting.

use super::earlier_works;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::StartupTooSlow, weigh, say };

/// Each run ends as soon as the probe may give up, and shows that it was still starting: nothing listens yet, a file is
/// not there yet, it was never ready, or it is the startup probe itself.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("probe-killed") || seen.has("ran-past-probe") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::CrashLoop, Cause::StartupTooSlow)
        .speaks_for("probe-killed", 0.35)
        .speaks_for("startup-probe-killed", 0.25)
        .speaks_for("killed-before-it-passed", 0.1)
        .first_for(&[
            ("probe-refused", 0.25),
            ("probe-looks-for-file", 0.25),
            ("probe-not-now", 0.15),
            ("probe-timed-out", 0.05),
        ])
        .speaks_for("never-ready", 0.15)
        .speaks_against("was-ready", 0.4)
        .speaks_against("probe-wrong", 0.35)
        .speaks_against("dependency-not-ready", 0.25)
        .speaks_against("dependency-nowhere", 0.2)
        .speaks_against("oom-killed", 0.5)
        .speaks_against("cpu-throttled", 0.1)
        .speaks_against("cpu-limit-tiny", 0.3)
        .speaks_against("configuration-missing", 0.4);
    Some(earlier_works(seen, scale).relies_on(&["missing-events"]).done())
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "container {} takes longer to start than its probe waits: {}",
        seen.container(),
        seen.quote(&["killed-before-it-passed", "probe-killed", "probe"])
    )
}
