//! The examiner of anything that is being deleted.
//!
//! Values: `finalizers` (names), `terminating_seconds`, `used_by` (pods that use a claim), `remaining` (kinds of objects
//! in a namespace that can't go, with how many), `finalizer_writer`, `controllers` (workloads that may be in charge of a
//! finalizer), `controller_gone` (true only where all workloads are known and none may be in charge).

use super::{controller, namespace};
use crate::domain::diagnose::fields::{controller as owner_of, items, moment, name, text};
use crate::domain::diagnose::node::{Readiness, readiness};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::claim;
use crate::domain::diagnose::subject::findings::{Examined, Findings};
use crate::domain::diagnose::subject::handing::{Handed, hand_over};
use crate::domain::diagnose::workload::some_names;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::time::{Timestamp, seconds_between, spoken};
use serde_json::Value;

/// Deletion takes a while; after this it counts as stuck.
const STUCK_S: i64 = 60;

/// Seconds since it should have been gone (a pod's grace period is over by then). `None`: it is not being deleted.
pub(in crate::domain::diagnose::subject) fn overdue(object: &Value, now: Timestamp) -> Option<i64> {
    let due = moment(object, &["metadata", "deletionTimestamp"])?;
    Some(seconds_between(due, now))
}

/// Names of what holds it: finalizers, those of a namespace's spec too.
pub(in crate::domain::diagnose::subject) fn finalizers(object: &Value) -> Vec<&str> {
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

/// Whether it should be gone. Whether it counts as stuck is for its examiner to say.
pub(in crate::domain::diagnose::subject) fn stuck(object: &Value, now: Timestamp) -> bool {
    overdue(object, now).is_some_and(|seconds| seconds >= 0)
}

/// Whether it should be gone, but for so short a time that it may still go.
pub(in crate::domain::diagnose::subject) fn lately(object: &Value, now: Timestamp) -> bool {
    overdue(object, now).is_some_and(|seconds| seconds <= STUCK_S)
}

/// The examiner of any object that is being deleted.
pub(in crate::domain::diagnose::subject) fn examine<'a>(
    case: &Case<'a>,
    reader: &mut Reader<'a>,
) -> Examined {
    let path = case.path();
    let mut findings = Findings::new(case, Pattern::Generic);
    let seconds = overdue(case.object, case.now).unwrap_or(0);
    let at = moment(case.object, &["metadata", "deletionTimestamp"]);
    findings.put("terminating_seconds", seconds.max(0));
    let words = format!("it was deleted and should have been gone {} ago", spoken(seconds));
    findings.add_at("terminating", words, format!("{path}: metadata.deletionTimestamp"), at);
    if lately(case.object, case.now) {
        let words = "that is not long: it may still go".into();
        findings.add("deleted-lately", words, format!("{path}: metadata.deletionTimestamp"));
    }
    let held = finalizers(case.object);
    if !held.is_empty() {
        let words = format!("held by {}", held.join(", "));
        findings.add("finalizers", words, format!("{path}: metadata.finalizers"));
    }
    findings.put("finalizers", held.clone());
    let elsewhere = match case.reference.key.kind.as_str() {
        "PersistentVolumeClaim" => users(case, &mut findings, reader),
        "Namespace" => namespace::rest(case, &mut findings, reader),
        "Pod" => node(case, &mut findings, reader),
        _ => None,
    };
    if let Some(elsewhere) = elsewhere {
        return elsewhere;
    }
    if held.contains(&"foregroundDeletion")
        && let Some(elsewhere) = dependents(case, &mut findings, reader)
    {
        return elsewhere;
    }
    controller::note(case, &held, &mut findings, reader);
    if reader.pending() {
        return Examined::Pending;
    }
    weigh(findings.sealed(reader))
}

/// Pods that use a claim: it goes when they do.
fn users<'a>(
    case: &Case<'a>,
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<Examined> {
    let pods = match reader.list("missing-pods", "v1", "Pod", case.namespace(), "") {
        Got::Have(pods) => pods,
        Got::Pending => return Some(Examined::Pending),
        Got::Gone | Got::Unreadable(_) => return None,
    };
    let users = pods.iter().filter(|pod| claim::uses(pod, case.name())).map(name);
    let users = users.collect::<Vec<_>>();
    let source = format!("pods in {}: spec.volumes", case.namespace());
    if users.is_empty() {
        findings.add("not-in-use", "no pod uses it any more".into(), source);
    } else {
        let words = format!("still used by {}: it goes when they do", some_names(&users));
        findings.add("in-use", words, source);
    }
    findings.put("used_by", users);
    None
}

/// The node of a pod: one that is away can't say that the pod has ended.
fn node<'a>(case: &Case<'a>, findings: &mut Findings, reader: &mut Reader<'a>) -> Option<Examined> {
    let on = text(case.object, &["spec", "nodeName"]);
    if on.is_empty() {
        return None;
    }
    let key = ObjectKey::new("v1", "Node", "", on);
    match reader.object("missing-node", &key) {
        Got::Pending => return Some(Examined::Pending),
        Got::Gone => {
            let words = format!("its node {on} does not exist any more");
            findings.add("node-gone", words, format!("{}: spec.nodeName", case.path()));
            return None;
        }
        Got::Unreadable(_) => return None,
        Got::Have(node) if readiness(node).0 == Readiness::Ready => return None,
        Got::Have(_) => {}
    }
    let words = format!("its node {on} is not ready, and can't say that it has ended");
    findings.add("node-away", words, key.path());
    let facts = findings
        .facts
        .iter()
        .filter(|fact| matches!(fact.id.as_str(), "terminating" | "node-away"));
    let trail = case.trail.from(&case.reference.key, facts.cloned().collect())?;
    match hand_over(case.alerts, &key, trail, case.now, reader) {
        Handed::Done(found) if found.cause != Cause::Unknown => Some(Examined::Elsewhere(found)),
        Handed::Pending => Some(Examined::Pending),
        Handed::Done(_) | Handed::Not(_) => None,
    }
}

/// What has to go first when it is deleted in the foreground: the first of its own that is stuck itself.
fn dependents<'a>(
    case: &Case<'a>,
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<Examined> {
    let place = case.namespace();
    let mut all: Vec<&'a Value> = Vec::new();
    for (api_version, kind) in [("apps/v1", "ReplicaSet"), ("batch/v1", "Job"), ("v1", "Pod")] {
        let got = reader.list("missing-dependents", api_version, kind, place, "");
        all.extend(got.have().unwrap_or_default());
    }
    if reader.pending() {
        return Some(Examined::Pending);
    }
    let own =
        |object: &&&Value| owner_of(object).is_some_and(|owner| owner.uid == case.reference.uid);
    let own = all.iter().filter(own).copied().collect::<Vec<_>>();
    if own.is_empty() {
        return None;
    }
    let names = own.iter().map(|object| name(object)).collect::<Vec<_>>();
    let words = format!("it waits until what it owns is gone: {}", some_names(&names));
    findings.add("waits-for-own", words, format!("metadata.ownerReferences in {place}"));
    let stuck =
        own.into_iter().find(|object| stuck(object, case.now) && !finalizers(object).is_empty())?;
    let next = ObjectRef::of(stuck)?;
    let facts = findings.facts.iter().filter(|fact| fact.id == "waits-for-own").cloned().collect();
    let trail = case.trail.from(&case.reference.key, facts)?;
    match super::super::handing::look_into(case, next, stuck, trail, reader) {
        Some(found) => Some(Examined::Elsewhere(Box::new(found))),
        None => Some(Examined::Pending),
    }
}

fn weigh(mut findings: Findings) -> Examined {
    let weighed = findings
        .weigh(Pattern::Generic, Cause::StuckTerminating)
        .speaks_for("terminating", 0.4)
        .first_for(&[("finalizers", 0.45), ("node-gone", 0.45)])
        .speaks_for("in-use", 0.05)
        .speaks_for("not-in-use", 0.05)
        .speaks_for("content-remains", 0.05)
        .speaks_for("api-unavailable", 0.05)
        .speaks_for("controller-gone", 0.05)
        // Too early to say: it is looked at again.
        .speaks_against("deleted-lately", 0.45)
        .done();
    let ids = [
        "in-use",
        "content-remains",
        "api-unavailable",
        "node-gone",
        "controller-gone",
        "finalizers",
        "terminating",
    ];
    let say = format!("it can't go: {}", findings.quote(&ids));
    findings.judge(weighed, say);
    findings.done()
}
