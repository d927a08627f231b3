//! Whether the objects are still as a plan saw them: uid, prior values of touched fields, guards. Nothing else counts,
//! so the churn of a crash-looping object is no drift.

use super::job::JobFailure;
use super::outside::Outside;
use crate::domain::approval::{Drift, PermissionCheck, Preflight};
use crate::domain::evidence::{Answer, Read};
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::principal::{KubeIdentity, Principal};
use crate::domain::remediation::Remediation;
use crate::domain::steering::Steering;
use crate::domain::time::Timestamp;
use crate::domain::workflow::diff::field_lines;
use crate::domain::workflow::plan::Plan;
use crate::domain::workflow::reversal;
use serde_json::Value;

/// What moved since the plan was made.
pub async fn drift(outside: &Outside, plan: &Plan) -> Result<Vec<Drift>, JobFailure> {
    moved(outside, plan.fixed_operations().map(|(_, planned)| &planned.operation)).await
}

/// What moved since operations were planned that are to be sent in this order.
async fn moved(
    outside: &Outside,
    operations: impl Iterator<Item = &Operation>,
) -> Result<Vec<Drift>, JobFailure> {
    let mut moved = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for operation in operations {
        let Some(key) = operation.key() else { continue };
        // A later operation on the same object starts from what the earlier one leaves.
        if !seen.insert(key.clone()) {
            continue;
        }
        let path = key.path();
        let planned_on = operation.object();
        match outside.read(&Read::Object(key.clone())).await {
            Answer::Object(live) => {
                let uid = live.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
                match planned_on {
                    Some(object) if uid == object.uid => {
                        let expected = expected(operation);
                        moved.extend(compare(&live, expected, &path, outside.clock.now()));
                    }
                    Some(_) => {
                        moved.push(note(path, "it was deleted and made anew (another uid)"));
                    }
                    None => moved.push(note(path, "it would be created, and is there already")),
                }
            }
            Answer::NotFound if planned_on.is_none() => {}
            Answer::NotFound => moved.push(note(path, "it does not exist any more")),
            Answer::NotPermitted(why) => {
                let why = format!("{path} can't be read: {why}");
                return Err(JobFailure { why, retryable: false });
            }
            Answer::Unavailable(why) => {
                return Err(JobFailure { why: format!("{path}: {why}"), retryable: true });
            }
            Answer::Items { .. } | Answer::Text(_) | Answer::Series(_) | Answer::Alerts(_) => {
                let why = format!("{path}: the cluster answered something else than an object");
                return Err(JobFailure { why, retryable: true });
            }
        }
    }
    Ok(moved)
}

/// Drift, and what the person may do on the cluster: what a decision depends on, checked now.
pub async fn preflight(outside: &Outside, plan: &Plan, who: &Principal) -> Preflight {
    let mut result = authority(outside, plan, who).await;
    match drift(outside, plan).await {
        Ok(drift) => result.drift = drift,
        Err(failure) => result.unknown.push(failure.why),
    }
    result
}

/// The same without the drift: what a decision within a run depends on, which has changed the objects itself.
pub async fn authority(outside: &Outside, plan: &Plan, who: &Principal) -> Preflight {
    let mut result = Preflight::default();
    if let Ok(Some(lease)) = outside.cluster.lease().await {
        result.stopped = lease.stop;
    }
    let Some(kube) = &who.kube else {
        if plan.mutates() {
            result.unknown.push("your Kubernetes identity (SelfSubjectReview)".into());
        }
        return result;
    };
    let operations = plan.operations().map(|(_, planned)| &planned.operation);
    rights(outside, operations, kube, &mut result).await;
    result
}

/// What undoing or going on with a closed case depends on: the objects hold what this run left, and what the person may
/// do on the cluster.
pub async fn preflight_again(
    outside: &Outside,
    case: &Remediation,
    steering: &Steering,
    who: &Principal,
) -> Preflight {
    let mut result = Preflight::default();
    let (Some(plan), Some(run)) = (&case.plan, &case.execution) else { return result };
    let reversal = reversal::of(Some(plan), run);
    let operations = match steering {
        Steering::Undo => reversal.operations().collect::<Vec<_>>(),
        Steering::Retry { .. } => reversal::rest(plan, run),
        Steering::Pause
        | Steering::Resume
        | Steering::Cancel { .. }
        | Steering::Skip { .. }
        | Steering::TakeOver => Vec::new(),
    };
    match moved(outside, together(&operations).iter()).await {
        Ok(drift) => result.drift = drift,
        Err(failure) => result.unknown.push(failure.why),
    }
    if let Ok(Some(lease)) = outside.cluster.lease().await {
        result.stopped = lease.stop;
    }
    match &who.kube {
        Some(kube) => rights(outside, operations.iter().copied(), kube, &mut result).await,
        None if operations.iter().any(|operation| operation.mutates()) => {
            result.unknown.push("your Kubernetes identity (SelfSubjectReview)".into());
        }
        None => {}
    }
    result
}

/// Changes of one object as one, each field as the first of them finds it: what must be there before any is sent.
/// What deletes its own creation looks for its stamp when it is sent.
fn together(operations: &[&Operation]) -> Vec<Operation> {
    let mut out = Vec::<Operation>::new();
    for operation in operations {
        if matches!(operation, Operation::Unmake { .. }) {
            continue;
        }
        let known = out.iter_mut().find_map(|known| match (known, operation) {
            (
                Operation::Patch { object, changes, .. },
                Operation::Patch { object: same, changes: more, .. },
            ) if object == same => Some((changes, more)),
            _ => None,
        });
        let Some((changes, more)) = known else {
            out.push((*operation).clone());
            continue;
        };
        for change in more {
            if !changes.iter().any(|known| known.path == change.path) {
                changes.push(change.clone());
            }
        }
    }
    out
}

/// Whether the person may make these changes on the cluster.
async fn rights(
    outside: &Outside,
    operations: impl Iterator<Item = &Operation>,
    kube: &KubeIdentity,
    result: &mut Preflight,
) {
    for operation in operations.filter(|operation| operation.mutates()) {
        match outside.cluster.can(kube, operation).await {
            Ok((allowed, what, why)) => {
                let check = PermissionCheck { what, allowed, why };
                if !result.permissions.contains(&check) {
                    result.permissions.push(check);
                }
            }
            Err(error) => result.unknown.push(format!("your cluster permissions: {error}")),
        }
    }
}

/// The fields that an operation was planned on.
fn expected(operation: &Operation) -> impl Iterator<Item = &FieldChange> {
    let (changes, guards) = match operation {
        Operation::Patch { changes, guards, .. } => (changes.as_slice(), guards.as_slice()),
        Operation::Delete { guards, .. } => (&[][..], guards.as_slice()),
        Operation::Evict { .. }
        | Operation::Create { .. }
        | Operation::Unmake { .. }
        | Operation::Rotate(_)
        | Operation::Silence(_)
        | Operation::Exec(_)
        | Operation::Await(_)
        | Operation::Collect { .. } => (&[][..], &[][..]),
    };
    changes.iter().chain(guards)
}

fn compare<'a>(
    live: &Value,
    expected: impl Iterator<Item = &'a FieldChange>,
    path: &str,
    now: Timestamp,
) -> Option<Drift> {
    let mut lines = Vec::new();
    for field in expected {
        let found = field.path.get(live).filter(|value| !value.is_null());
        let before = field.before.as_ref().filter(|value| !value.is_null());
        if found != before {
            for line in field_lines(&field.path, before, found) {
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
    }
    (!lines.is_empty()).then(|| Drift {
        object: path.to_string(),
        moved: lines,
        by: last_writer(live, now),
        note: String::new(),
    })
}

fn note(object: String, words: &str) -> Drift {
    Drift { object, moved: Vec::new(), by: String::new(), note: words.into() }
}

/// The field manager that wrote the object last (status aside), and how long ago.
fn last_writer(live: &Value, now: Timestamp) -> String {
    let entries = live.pointer("/metadata/managedFields").and_then(Value::as_array);
    let newest = entries
        .into_iter()
        .flatten()
        .filter(|entry| entry.get("subresource").and_then(Value::as_str) != Some("status"))
        .filter_map(|entry| {
            let time = entry.get("time").and_then(Value::as_str)?;
            let at = time.parse::<Timestamp>().ok()?;
            let manager = entry.get("manager").and_then(Value::as_str).unwrap_or("unknown");
            Some((at, manager.to_string()))
        })
        .max();
    newest.map_or_else(String::new, |(at, manager)| {
        let ago = crate::domain::time::spoken(crate::domain::time::seconds_between(at, now));
        format!("{manager} (field manager), {ago} ago")
    })
}
