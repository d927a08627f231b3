//! Where values come from: the recorded runs of containers, and the state of nodes. Scraped every 15 seconds.

use super::parse::Matcher;
use crate::adapters::sim::json::{float, is_true, name};
use crate::adapters::sim::pod::{Record, Run};
use crate::adapters::sim::world::World;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// Labels of a series.
pub(super) type Labels = BTreeMap<String, String>;

/// Seconds between scrapes.
pub(super) const SCRAPE_S: i64 = 15;

/// Metrics that are simulated.
const PER_CONTAINER: [(&str, &str); 9] = [
    ("kube_pod_owner", "kube-state-metrics"),
    ("container_memory_working_set_bytes", "cadvisor"),
    ("container_memory_usage_bytes", "cadvisor"),
    ("container_memory_rss", "cadvisor"),
    ("container_spec_memory_limit_bytes", "cadvisor"),
    ("container_cpu_usage_seconds_total", "cadvisor"),
    ("container_start_time_seconds", "resource"),
    ("kube_pod_container_status_restarts_total", "kube-state-metrics"),
    ("kube_pod_container_resource_limits", "kube-state-metrics"),
];

/// The last scrape at or before a moment.
pub(super) fn scrape(at: Timestamp) -> Timestamp {
    let seconds = at.timestamp();
    Timestamp::from_timestamp(seconds - seconds.rem_euclid(SCRAPE_S), 0).unwrap_or(at)
}

/// All series of a metric that matchers fit, with their value at one scrape; `Err` for a metric that is not simulated.
pub(super) fn series(
    world: &World,
    metric: &str,
    matchers: &[Matcher],
    at: Timestamp,
) -> Result<Vec<(Labels, f64)>, String> {
    let fits = |label: &str, value: &str| {
        matchers.iter().filter(|one| one.label == label).all(|one| one.fits(value))
    };
    if metric == "kube_node_status_condition" || metric == "up" {
        return Ok(node_series(world, metric, at));
    }
    let Some((_, job)) = PER_CONTAINER.iter().find(|(known, _)| *known == metric) else {
        return Err(format!("metric {metric:?}"));
    };
    let mut found = Vec::new();
    for ((namespace, pod, container), record) in &world.records.all {
        if !fits("namespace", namespace) || !fits("pod", pod) {
            continue;
        }
        let Some(value) = value(world, metric, record, at) else { continue };
        let mut labels = Labels::from([
            ("__name__".to_string(), metric.to_string()),
            ("container".into(), container.clone()),
            ("job".into(), (*job).into()),
            ("namespace".into(), namespace.clone()),
            ("node".into(), record.node.clone()),
            ("pod".into(), pod.clone()),
        ]);
        match *job {
            "cadvisor" => {
                labels.insert("image".into(), record.image.clone());
                labels.insert("instance".into(), record.node.clone());
                let id = run_at(record, at).map_or("", |run| run.id.as_str());
                labels.insert("name".into(), id.into());
                labels.insert("id".into(), format!("/kubepods/pod{}/{id}", record.pod_uid));
            }
            "resource" => {
                labels.insert("instance".into(), record.node.clone());
            }
            _ => {
                labels.insert("uid".into(), record.pod_uid.clone());
                if metric == "kube_pod_owner" {
                    labels.remove("container");
                    labels.insert("owner_kind".into(), record.owner.0.clone());
                    labels.insert("owner_name".into(), record.owner.1.clone());
                    labels.insert("owner_is_controller".into(), "true".into());
                }
                if metric == "kube_pod_container_resource_limits" {
                    labels.insert("resource".into(), "memory".into());
                    labels.insert("unit".into(), "byte".into());
                }
            }
        }
        found.push((labels, value));
    }
    Ok(found)
}

/// The run that a scrape sees.
fn run_at(record: &Record, at: Timestamp) -> Option<&Run> {
    record
        .runs
        .iter()
        .rev()
        .find(|run| run.started <= at && run.ended.as_ref().is_none_or(|end| at < end.at))
}

fn value(world: &World, metric: &str, record: &Record, at: Timestamp) -> Option<f64> {
    if record.gone.is_some_and(|gone| gone <= at) {
        return None;
    }
    if metric == "kube_pod_owner" {
        return record.runs.first().filter(|run| run.started <= at).map(|_| 1.0);
    }
    if metric == "kube_pod_container_status_restarts_total" {
        let started = record.runs.iter().filter(|run| run.started <= at).count();
        let restarts = i64::try_from(started).ok()? + record.dropped - 1;
        return (restarts >= 0).then(|| float(restarts));
    }
    if metric == "kube_pod_container_resource_limits" {
        let run = record.runs.iter().rev().find(|run| run.started <= at)?;
        return run.limit.map(float);
    }
    if world.nodes.get(&record.node).is_none_or(|node| node.was_down(at)) {
        return None;
    }
    let run = run_at(record, at)?;
    let lived = at.signed_duration_since(run.started).num_milliseconds();
    match metric {
        "container_spec_memory_limit_bytes" => Some(float(run.limit.unwrap_or(0))),
        "container_start_time_seconds" => Some(float(run.started.timestamp_millis()) / 1_000.0),
        "container_cpu_usage_seconds_total" => {
            Some(float(run.cpu_milli) * float(lived) / 1_000_000.0)
        }
        _ => {
            let bytes = run.memory.at(at);
            let bytes = run.limit.map_or(bytes, |limit| bytes.min(limit));
            let wobble =
                crate::adapters::sim::seeded::fnv64(format!("{}{at}", run.id).as_bytes()) % 16;
            // Working sets are never quite still: up to 1.5 % less.
            let shown = bytes - bytes / 1_000 * i64::try_from(wobble).unwrap_or(0);
            Some(float(shown / 4_096 * 4_096))
        }
    }
}

fn node_series(world: &World, metric: &str, at_time: Timestamp) -> Vec<(Labels, f64)> {
    let mut found = Vec::new();
    for node in world.list("v1", "Node", "") {
        let here = Labels::from([
            ("__name__".to_string(), metric.to_string()),
            ("node".into(), name(node).to_string()),
        ]);
        if metric == "up" {
            let down = world.nodes.get(name(node)).is_none_or(|run| run.was_down(at_time));
            for job in ["cadvisor", "resource"] {
                let mut labels = here.clone();
                labels.insert("job".into(), job.into());
                labels.insert("instance".into(), name(node).to_string());
                found.push((labels, if down { 0.0 } else { 1.0 }));
            }
            continue;
        }
        let state = if is_true(node, "Ready") { "true" } else { "unknown" };
        for status in ["true", "false", "unknown"] {
            let mut labels = here.clone();
            labels.insert("condition".into(), "Ready".into());
            labels.insert("status".into(), status.into());
            labels.insert("job".into(), "kube-state-metrics".into());
            found.push((labels, if status == state { 1.0 } else { 0.0 }));
        }
    }
    found
}
