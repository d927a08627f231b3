//! An object that was deleted and does not go: what holds it.
//!
//! Values: `finalizers` (names), `terminating_seconds`, `used_by` (pods that use a claim).

use super::case::Case;
use super::findings::{Examined, Findings};
use crate::domain::diagnose::fields::{items, moment, name, text};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::time::{Timestamp, seconds_between, spoken};
use serde_json::Value;

/// Deletion takes a while; after this it counts as stuck.
const STUCK_S: i64 = 60;

/// Seconds since it should have been gone (a pod's grace period is over by then). `None`: it is not being deleted.
pub(crate) fn overdue(object: &Value, now: Timestamp) -> Option<i64> {
    let due = moment(object, &["metadata", "deletionTimestamp"])?;
    Some(seconds_between(due, now))
}

/// Names of what holds it: finalizers, those of a namespace's spec too.
pub(crate) fn finalizers(object: &Value) -> Vec<&str> {
    let of_spec: &[Value] = match text(object, &["kind"]) {
        "Namespace" => items(object, &["spec", "finalizers"]),
        _ => &[],
    };
    items(object, &["metadata", "finalizers"])
        .iter()
        .chain(of_spec)
        .filter_map(Value::as_str)
        .collect()
}

/// Whether it should have been gone for a while.
pub(crate) fn stuck(object: &Value, now: Timestamp) -> bool {
    overdue(object, now).is_some_and(|seconds| seconds > STUCK_S)
}

/// The examiner of any object that is being deleted.
pub(super) fn examine<'a>(case: &Case<'a>, reader: &mut Reader<'a>) -> Examined {
    let claim = case.reference.key.kind == "PersistentVolumeClaim";
    let pods = claim
        .then(|| reader.list("missing-pods", "v1", "Pod", case.namespace(), ""))
        .and_then(super::super::reader::Got::have);
    if reader.pending() {
        return Examined::Pending;
    }
    let path = case.path();
    let mut findings = Findings::new(case, Pattern::Generic);
    let seconds = overdue(case.object, case.now).unwrap_or(0);
    let at = moment(case.object, &["metadata", "deletionTimestamp"]);
    findings.put("terminating_seconds", seconds.max(0));
    let words = format!("it was deleted and should have been gone {} ago", spoken(seconds));
    findings.add_at("terminating", words, format!("{path}: metadata.deletionTimestamp"), at);
    let held = finalizers(case.object);
    if !held.is_empty() {
        let words = format!("held by {}", held.join(", "));
        findings.add("finalizers", words, format!("{path}: metadata.finalizers"));
    }
    let users = pods.unwrap_or_default().iter().filter(|pod| super::claim::uses(pod, case.name()));
    let users = users.map(name).collect::<Vec<_>>();
    if !users.is_empty() {
        let words = format!("still used by {}", super::super::workload::some_names(&users));
        findings.add("in-use", words, format!("pods in {}: spec.volumes", case.namespace()));
        findings.put("used_by", users);
    }
    findings.put("finalizers", held);
    let mut findings = findings.sealed(reader);
    let weighed = findings
        .weigh(Pattern::Generic, Cause::StuckTerminating)
        .speaks_for("terminating", 0.4)
        .speaks_for("finalizers", 0.45)
        .speaks_for("in-use", 0.05)
        .done();
    let say = format!("it can't go: {}", findings.quote(&["in-use", "finalizers", "terminating"]));
    findings.judge(weighed, say);
    findings.done()
}
