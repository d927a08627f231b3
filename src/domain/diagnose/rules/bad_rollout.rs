//! crash-loop, bad-rollout: the current revision fails, and an earlier one that runs something else worked.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::BadRollout, weigh, say };

/// That something differs is not enough: an earlier revision must be known to work, best by pods that are ready now.
/// Rolling back does not help where nothing material or nothing of the failing container differs, where the same image
/// can't be pulled any more, where the earlier one fails too, or where the revision had run well for long. A missing
/// ConfigMap or Secret goes to a person, even where an earlier revision did not need it. Pods that can't be placed are
/// the rollout's fault only where it changed what they ask of nodes.
///
/// A ConfigMap or Secret that was changed in place is a rollout without a revision: there is nothing to go back to but
/// the object itself.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    let (by_revision, by_object) = (revision(seen), configuration(seen));
    match (by_revision, by_object) {
        (Some(one), Some(other)) if other.confidence > one.confidence => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

fn configuration(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.has("configuration-changed") {
        return None;
    }
    let scale = seen
        .weigh(Pattern::CrashLoop, Cause::BadRollout)
        .speaks_for("configuration-changed", 0.5)
        .first_for(&[("exit-code", 0.15), ("start-failed", 0.15)])
        .speaks_for("nothing-differs", 0.05)
        .speaks_against("oom-killed", 0.2)
        .speaks_against("configuration-missing", 0.5)
        .speaks_against("configuration-said-missing", 0.5)
        .speaks_against("image-pull-failed", 0.5)
        .speaks_against("dependency-not-ready", 0.2)
        .speaks_against("usage-growing", 0.25)
        .speaks_against("paused", 0.1);
    Some(scale.relies_on(&["missing-events", "missing-configuration"]).done())
}

fn revision(seen: &Seen<'_>) -> Option<Weighed> {
    let troubled = seen.picture.troubled()
        || seen.any(&["mount-failed", "configuration-missing", "readiness-fails"])
        || (seen.has("unschedulable") && seen.has("placing-differs"));
    if !troubled
        || !seen.has("only-current-fails")
        || !seen.any(&["revision-differs", "nothing-differs"])
    {
        return None;
    }
    let scale = seen
        .weigh(Pattern::CrashLoop, Cause::BadRollout)
        .speaks_for("only-current-fails", 0.1)
        .speaks_for("revision-differs", 0.2)
        .first_for(&[("earlier-ready", 0.5), ("earlier-ran", 0.4), ("earlier-stood", 0.25)])
        .speaks_for("trouble-since-rollout", 0.1)
        .speaks_for("limit-lowered", 0.1)
        .speaks_for("placing-differs", 0.05)
        .speaks_against("earlier-failed", 0.4)
        .speaks_against("nothing-differs", 0.3)
        .speaks_against("container-unchanged", 0.4)
        .speaks_against("image-unchanged", 0.5)
        .speaks_against("ran-long", 0.3)
        .speaks_against("trouble-long-after-rollout", 0.3)
        .speaks_against("trouble-before-rollout", 0.15)
        .speaks_against("configuration-missing", 0.6)
        .speaks_against("configuration-said-missing", 0.6)
        .speaks_against("configuration-appeared", 0.4)
        .speaks_against("usage-growing", 0.25)
        .speaks_against("no-limit", 0.2)
        .speaks_against("paused", 0.5);
    Some(scale.relies_on(&["missing-revisions", "missing-events", "missing-pods"]).done())
}

fn say(seen: &Seen<'_>) -> String {
    if seen.has("configuration-changed") && !seen.has("revision-differs") {
        return format!(
            "it fails since its configuration was changed: {}; {}",
            seen.quote(&["configuration-changed"]),
            seen.quote(&["exit-code", "start-failed"])
        );
    }
    let how = seen.quote(&[
        "oom-killed",
        "probe-killed",
        "start-failed",
        "exit-code",
        "image-pull-failed",
        "readiness-fails",
        "unschedulable",
        "mount-failed",
        "waiting",
    ]);
    let how = if how.is_empty() { seen.quote(&["restarts", "pods"]) } else { how };
    format!(
        "{} fails: {how}; {}",
        seen.quote(&["rollout"]),
        seen.quote(&["earlier-lacks", "earlier-ready", "earlier-ran", "earlier-stood"])
    )
}
