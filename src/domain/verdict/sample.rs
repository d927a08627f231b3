//! Taking a sample: object state, alerts, measures.

use super::object::{MOST, cleaned, conditions};
use super::{Sample, WorkloadSample, related};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::diagnose::container::{Container, Doing, Run};
use crate::domain::diagnose::fields::uid;
use crate::domain::diagnose::named_object;
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::workload::Workload;
use crate::domain::evidence::{Gathered, Progress, Read};
use crate::domain::resource::ObjectRef;
use crate::domain::time::{Timestamp, seconds_between};
use crate::domain::workflow::plan::Verification;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A container whose last run failed within this, or within twice the length of that run, is crashing, though it runs at
/// this instant.
const CRASHED_S: i64 = 120;

/// Takes a sample of the target, or says what still has to be read. `since` bounds what counts as new (OOM kills,
/// failed runs); `alerts` are the case's alerts.
#[must_use]
pub fn sample(
    target: &ObjectRef,
    alerts: &[Alert],
    verification: &Verification,
    gathered: &Gathered,
    since: Timestamp,
    now: Timestamp,
) -> Progress<Sample> {
    let mut reader = Reader::new(gathered);
    let mut sample = Sample::nothing(now);
    let object = live(target, &mut sample, &mut reader);
    let workload = object
        .filter(|_| has_pods(&target.key.kind))
        .and_then(|object| Workload::read(target, object, &[], &mut reader));
    if let Some(object) = object {
        describe(target, object, &mut sample, &mut reader);
    }
    if let Some(workload) = &workload {
        sample.readable = workload.pods_known;
        sample.workload = Some(of_workload(workload, since, now));
    }
    measure(&mut sample, verification, &mut reader);
    let firing = firing(alerts, target, workload.as_ref(), &mut sample, &mut reader);
    if reader.pending() {
        return Progress::Need(reader.needs());
    }
    sample.alerts_firing = firing;
    for fact in reader.into_missing() {
        if !sample.missing.contains(&fact.text) {
            sample.missing.push(fact.text);
        }
    }
    Progress::Ready(sample)
}

/// Kinds whose state is that of the pods that they control.
fn has_pods(kind: &str) -> bool {
    matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" | "Pod")
}

/// The target as it is now; says in the sample whether it is there and whether that is known.
fn live<'a>(target: &ObjectRef, sample: &mut Sample, reader: &mut Reader<'a>) -> Option<&'a Value> {
    let path = target.key.path();
    let gone = match reader.look(&target.key) {
        Got::Have(object) if uid(object) == target.uid => {
            sample.readable = true;
            return Some(object);
        }
        Got::Have(_) => format!("{path}: another object has that name now"),
        Got::Gone => format!("{path}: it does not exist any more"),
        Got::Unreadable(why) => {
            sample.missing.push(format!("{path}: {why}"));
            return None;
        }
        Got::Pending => return None,
    };
    sample.readable = true;
    sample.exists = false;
    sample.missing.push(gone);
    None
}

/// What can be said of an object of any kind.
fn describe(target: &ObjectRef, object: &Value, sample: &mut Sample, reader: &mut Reader<'_>) {
    sample.object = cleaned(object);
    sample.conditions = conditions(object);
    if !has_pods(&target.key.kind) {
        if sample.object.is_none() {
            let path = target.key.path();
            sample.missing.push(format!("{path}: larger than {MOST} bytes, so it is not kept"));
        }
        sample.pods = related::pods(&target.key, object, reader);
        sample.endpoints = related::endpoints(&target.key, object, reader);
    }
}

fn of_workload(workload: &Workload<'_>, since: Timestamp, now: Timestamp) -> WorkloadSample {
    let containers =
        || workload.pods.iter().flat_map(|pod| &pod.containers).collect::<Vec<&Container<'_>>>();
    let new = |run: &&Run| run.finished.is_some_and(|finished| finished >= since);
    WorkloadSample {
        desired: workload.desired(),
        ready: workload.ready(),
        updated_available: workload.updated_available(),
        rolled_out: workload.rolled_out(),
        restarts: containers().iter().map(|one| one.restarts).sum(),
        crashing: count(containers().iter().filter(|one| crashing(one, since, now))),
        oom_killed: count(
            containers().iter().filter(|one| one.runs.iter().filter(new).any(Run::oom)),
        ),
        failed_runs: count(
            containers().iter().flat_map(|one| &one.runs).filter(new).filter(|run| run.failed()),
        ),
    }
}

fn count<T>(items: impl Iterator<Item = T>) -> i64 {
    i64::try_from(items.count()).unwrap_or(i64::MAX)
}

fn crashing(container: &Container<'_>, since: Timestamp, now: Timestamp) -> bool {
    if matches!(container.doing, Doing::Waiting { .. }) && container.trouble(now).is_some() {
        return true;
    }
    let Some(run) = container.last_run().filter(|run| container.ended_badly(run)) else {
        return false;
    };
    // The next failure may take as long as this one took.
    let recent = CRASHED_S.max(2 * run.seconds().unwrap_or(0));
    run.finished.is_some_and(|at| at >= since && seconds_between(at, now) < recent)
}

/// Each measure: the highest of its series now.
fn measure(sample: &mut Sample, verification: &Verification, reader: &mut Reader<'_>) {
    for measure in &verification.measures {
        let got = reader.series(Read::Query { promql: measure.promql.clone() });
        let Got::Have(series) = got else { continue };
        let highest = series
            .iter()
            .filter_map(|one| one.points.last())
            .map(|(_, value)| *value)
            .max_by(f64::total_cmp);
        match highest {
            Some(value) => {
                sample.measures.insert(measure.name.clone(), value);
            }
            None => sample.missing.push(format!("measure {}: no series", measure.name)),
        }
    }
}

/// Alerts of the case that fire now: the same ones, and those of the same name about the target or one of its pods
/// (a rollout gives pods other names, and their alerts other labels). -1 when that can't be told.
fn firing(
    alerts: &[Alert],
    target: &ObjectRef,
    workload: Option<&Workload<'_>>,
    sample: &mut Sample,
    reader: &mut Reader<'_>,
) -> i64 {
    let mut found = BTreeSet::new();
    let mut known = true;
    for alert in alerts {
        let mut matching = BTreeMap::new();
        for label in ["alertname", "namespace"] {
            if let Some(value) = alert.labels.get(label) {
                matching.insert(label.to_string(), value.clone());
            }
        }
        match reader.firing(matching) {
            Got::Have(firing) => {
                let of_case = firing.iter().filter(|one| {
                    one.status == AlertStatus::Firing
                        && (one.labels == alert.labels
                            || one.fingerprint == alert.fingerprint
                            || about(one, target, workload))
                });
                found.extend(of_case.map(|one| one.fingerprint.clone()));
            }
            Got::Unreadable(why) => {
                known = false;
                let text = format!("firing alerts: {why}");
                if !sample.missing.contains(&text) {
                    sample.missing.push(text);
                }
            }
            Got::Gone | Got::Pending => known = false,
        }
    }
    if known { i64::try_from(found.len()).unwrap_or(i64::MAX) } else { -1 }
}

fn about(alert: &Alert, target: &ObjectRef, workload: Option<&Workload<'_>>) -> bool {
    let Some(object) = named_object(alert) else { return false };
    if object == target.key {
        return true;
    }
    let Some(workload) = workload else { return false };
    object.kind == "Pod"
        && object.namespace == target.key.namespace
        && workload.pods.iter().any(|pod| pod.name() == object.name)
}
