//! generic, stuck-rollout: a rollout does not get on, and no pod says why.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::StuckRollout, weigh, say };

/// The Deployment's own condition, a StatefulSet that waits for a broken pod of an earlier revision, or a rollout that
/// needs room for one pod more than there is. Where the pods show what is wrong with them, that is the cause.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&[
        "condition-progressing",
        "broken-pod-holds-rollout",
        "surge-only",
        "readiness-fails",
    ]) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::Generic, Cause::StuckRollout)
        .speaks_for("broken-pod-holds-rollout", 0.85)
        .speaks_for("surge-only", 0.75)
        .speaks_for("condition-progressing", 0.4)
        .speaks_for("readiness-fails", 0.25)
        .speaks_against("no-node-matches", 0.3)
        .speaks_against("larger-than-any-node", 0.4)
        .speaks_against("dependency-not-ready", 0.3)
        .first_against(&[("claim-missing", 0.5), ("claim-pending", 0.5), ("claim-lost", 0.5)])
        .first_against(&[
            ("denied-by-quota", 0.5),
            ("denied-by-limit-range", 0.5),
            ("denied-by-policy", 0.5),
            ("denied-webhook-down", 0.5),
            ("denied-something-missing", 0.5),
        ])
        .first_against(&[
            ("configuration-missing", 0.5),
            ("configuration-said-missing", 0.5),
            ("image-pull-failed", 0.5),
            ("probe-killed", 0.3),
            ("oom-killed", 0.5),
        ])
        .speaks_against("cpu-limit-tiny", 0.4)
        .speaks_against("paused", 0.5);
    Some(scale.relies_on(&["missing-revisions", "missing-pods"]).done())
}

fn say(seen: &Seen<'_>) -> String {
    const IDS: [&str; 4] =
        ["broken-pod-holds-rollout", "surge-only", "readiness-fails", "condition-progressing"];
    format!("its rollout does not get on: {}", seen.quote(&IDS))
}
