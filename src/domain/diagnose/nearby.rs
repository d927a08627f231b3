//! What is not well in the namespace of an alert that names no object: told to the person, never taken for the target.

use super::fields::{int, items, name, text};
use super::label_names::NAMESPACE;
use super::named::is_name;
use super::reader::{Got, Reader};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::evidence::{Bearing, Fact};
use serde_json::Value;

/// Objects that are named.
const MOST: usize = 6;

/// One fact about the workloads of the namespace that a firing alert names, if one does. Reads may be due after it.
pub(crate) fn unwell(alerts: &[Alert], reader: &mut Reader<'_>) -> Option<Fact> {
    let firing = alerts.iter().filter(|alert| alert.status == AlertStatus::Firing);
    let place = firing.filter_map(|alert| alert.label(&NAMESPACE)).find(|place| is_name(place))?;
    let kinds = [("apps/v1", "Deployment"), ("apps/v1", "StatefulSet"), ("apps/v1", "DaemonSet")];
    let (mut all, mut known, mut bad) = (0, true, Vec::new());
    for (api_version, kind) in kinds.into_iter().chain([("batch/v1", "Job")]) {
        let got = reader.list("missing-workloads", api_version, kind, place, "");
        known &= matches!(got, Got::Have(_));
        let found = got.have().unwrap_or_default();
        all += found.len();
        bad.extend(found.iter().filter_map(|one| trouble(kind, one)));
    }
    if reader.pending() {
        return None;
    }
    let source = format!("workloads of namespace {place}");
    let more = bad.len().saturating_sub(MOST);
    bad.truncate(MOST);
    let text = match (bad.as_slice(), all) {
        ([], _) if !known => return None,
        ([], 0) => format!("there is no workload in namespace {place}"),
        ([], all) => format!("all {all} workloads of namespace {place} have their pods ready"),
        (_, _) if more > 0 => format!("in namespace {place}: {} and {more} more", bad.join(", ")),
        (_, _) => format!("in namespace {place}: {}", bad.join(", ")),
    };
    Some(Fact { id: "unwell-here".into(), text, source, bearing: Bearing::Context, at: None })
}

/// `Deployment web has 0 of 1 pods ready`, `Job import failed`.
fn trouble(kind: &str, object: &Value) -> Option<String> {
    let name = name(object);
    let status = |field: &str| int(object, &["status", field]).unwrap_or(0);
    if kind == "Job" {
        let failed = items(object, &["status", "conditions"])
            .iter()
            .any(|one| text(one, &["type"]) == "Failed" && text(one, &["status"]) == "True");
        return failed.then(|| format!("Job {name} failed"));
    }
    let (ready, wanted) = match kind {
        "DaemonSet" => (status("numberReady"), status("desiredNumberScheduled")),
        _ => (status("readyReplicas"), int(object, &["spec", "replicas"]).unwrap_or(1)),
    };
    (ready < wanted).then(|| format!("{kind} {name} has {ready} of {wanted} pods ready"))
}
