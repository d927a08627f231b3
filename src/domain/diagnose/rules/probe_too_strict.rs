//! crash-loop, probe-too-strict: the liveness probe kills containers that work.

use super::earlier_works;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::ProbeTooStrict, weigh, say };

/// The kubelet says that a probe ended it. That the container works shows by its readiness, by a probe that asks for
/// what is not there, or by a timeout as short as its answers are long; a container on whose port nothing listens yet,
/// or that was never ready, has not finished starting. One that was well for long and then stopped answering is what a
/// liveness probe is for.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("probe-killed") || seen.has("startup-probe-killed") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::CrashLoop, Cause::ProbeTooStrict)
        .speaks_for("probe-killed", 0.4)
        .speaks_for("was-ready", 0.25)
        .first_for(&[("probe-wrong", 0.3), ("probe-timed-out", 0.2), ("probe-failed", 0.1)])
        .speaks_for("probe-tight", 0.1)
        .speaks_against("probe-refused", 0.25)
        .speaks_against("probe-not-now", 0.15)
        .speaks_against("probe-looks-for-file", 0.25)
        .speaks_against("never-ready", 0.2)
        .speaks_against("ran-past-probe", 0.15)
        .speaks_against("never-recovers", 0.5)
        .speaks_against("dependency-not-ready", 0.2)
        .speaks_against("oom-killed", 0.5)
        .speaks_against("cpu-throttled", 0.2)
        .speaks_against("cpu-limit-tiny", 0.3)
        .speaks_against("configuration-missing", 0.4);
    Some(earlier_works(seen, scale).relies_on(&["missing-events"]).done())
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "the liveness probe kills container {}, which works: {}",
        seen.container(),
        seen.quote(&["probe-wrong", "probe-timed-out", "probe-failed", "probe-killed", "probe"])
    )
}
