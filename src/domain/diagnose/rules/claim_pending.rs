//! storage-issue, claim-pending: a claim that is missing, not bound or lost holds the pod.

use crate::domain::diagnose::fields::{text, uid};
use crate::domain::diagnose::reader::Got;
use crate::domain::diagnose::rule::{Rule, Seen};
use crate::domain::diagnosis::{Cause, Pattern, Weighed};
use crate::domain::resource::ObjectRef;

pub(super) const RULE: Rule = Rule { cause: Cause::ClaimPending, weigh, say };

/// The claim is the culprit where it is there: its own diagnosis says why it is not bound.
fn weigh(seen: &Seen<'_>) -> Option<Weighed> {
    const IDS: [&str; 5] =
        ["claim-missing", "claim-lost", "claim-pending", "claim-going", "claim-said-pending"];
    if !seen.any(&IDS) {
        return None;
    }
    let scale = seen
        .weigh(Pattern::StorageIssue, Cause::ClaimPending)
        .speaks_for("unschedulable", 0.3)
        .first_for(&[
            ("claim-missing", 0.6),
            ("claim-lost", 0.6),
            ("claim-pending", 0.55),
            ("claim-going", 0.5),
            ("claim-said-pending", 0.4),
        ]);
    let mut weighed = scale.relies_on(&["missing-claims"]).done();
    weighed.culprit = culprit(seen);
    Some(weighed)
}

/// The first claim that is there and not bound.
fn culprit(seen: &Seen<'_>) -> Option<ObjectRef> {
    let claims = &seen.picture.placing.as_ref()?.claims;
    claims.iter().find_map(|claim| match &claim.got {
        Got::Have(object) if text(object, &["status", "phase"]) != "Bound" => {
            Some(ObjectRef { key: claim.key.clone(), uid: uid(object).into() })
        }
        Got::Have(_) | Got::Gone | Got::Unreadable(_) | Got::Pending => None,
    })
}

fn say(seen: &Seen<'_>) -> String {
    format!(
        "a claim holds its pods: {}",
        seen.quote(&[
            "claim-missing",
            "claim-lost",
            "claim-pending",
            "claim-going",
            "claim-said-pending"
        ])
    )
}
