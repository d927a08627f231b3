//! crash-loop, job-failing: the pods of a Job fail, or don't end in time.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::JobFailing, weigh, say };

/// The Job's own condition carries it. Where the pods show why (memory, configuration, image), that is the cause.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    let (job, _) = seen.picture.job()?;
    if !seen.has("job-failed") && !seen.picture.troubled() {
        return None;
    }
    let scale = seen
        .weigh(Pattern::CrashLoop, Cause::JobFailing)
        .speaks_for("job-failed", 0.6)
        .first_for(&[("exit-code", 0.15), ("start-failed", 0.15)])
        .speaks_for("restarts", 0.1)
        .speaks_against("later-job-succeeded", 0.3)
        .first_against(&[
            ("oom-killed", 0.5),
            ("configuration-missing", 0.5),
            ("configuration-said-missing", 0.5),
            ("image-pull-failed", 0.5),
            ("dependency-not-ready", 0.3),
            ("unschedulable", 0.5),
        ]);
    let scale = if seen.has("job-failed") { scale } else { scale.speaks_for("job", 0.3) };
    let mut weighed = scale.relies_on(&["missing-pods"]).done();
    weighed.culprit = Some(job);
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "its pods fail: {}",
        seen.quote_up_to(
            3,
            &["job-failed", "exit-code", "start-failed", "log-hint", "previous-log"]
        )
    )
}
