//! generic, admission-denied: a policy or a webhook refuses its pods.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::AdmissionDenied, weigh, say };

/// The API server's own words carry it.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&["denied-by-policy", "denied-webhook-down"]) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::Generic, Cause::AdmissionDenied)
        .first_for(&[("denied-by-policy", 0.9), ("denied-webhook-down", 0.9)]);
    Some(scale.done())
}

fn say(seen: &Seen<'_>) -> String {
    let what = if seen.has("denied-webhook-down") {
        "an admission webhook does not answer, so that its pods can't be made"
    } else {
        "a policy of the cluster refuses its pods"
    };
    format!("{what}: {}", seen.quote(&["denied-by-policy", "denied-webhook-down"]))
}
