//! network-issue, policy-denies: a `NetworkPolicy` keeps the pods from what they need.

use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};

pub(super) const RULE: Rule = Rule { cause: Cause::PolicyDenies, weigh, say };

/// On the way out, or on the way in where it goes.
const DENIED: [&str; 2] = ["egress-denied", "ingress-denied"];

/// What the program complains of, and a policy that would do exactly that. The policy is the culprit.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    if !seen.any(&DENIED) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::NetworkIssue, Cause::PolicyDenies)
        .speaks_for("dependency-complaint", 0.3)
        .first_for(&DENIED.map(|id| (id, 0.5)))
        .speaks_against("oom-killed", 0.4)
        .speaks_against("start-failed", 0.4)
        .speaks_against("configuration-missing", 0.5)
        .speaks_against("image-pull-failed", 0.5)
        .speaks_against("dependency-nowhere", 0.2);
    let mut weighed = scale.relies_on(&["missing-policies"]).done();
    weighed.culprit = seen.picture.refusing.as_ref().map(|one| one.policy.clone());
    Some(weighed)
}

fn say(seen: &Seen<'_>) -> String {
    let workload = seen.picture.workload.reference.key.short_path();
    format!(
        "it keeps {workload} from what it needs: {}",
        seen.quote(&["dependency-complaint", "egress-denied", "ingress-denied"])
    )
}
