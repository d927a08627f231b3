//! Alert rules on the world, evaluated in virtual time, and what Alertmanager would deliver.
//!
//! Rules are named and labelled like those of kubernetes-mixin, with shorter `for` times; they look at objects and at
//! recorded runs directly. Every alert is built from what the world holds; only a scenario's storms are made up.

use super::json::{condition, controller, deleting, int, is_true, items, name, text, time};
use super::queue::Happening;
use super::seeded::{fnv64, fnv64_more};
use super::world::World;
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::id::Fingerprint;
use crate::domain::time::{Timestamp, plus};
use serde_json::Value;
use std::collections::BTreeMap;

/// Seconds between evaluations.
const EVERY_S: u64 = 30;
/// Seconds that a crash loop is remembered after its last back-off, so that the alert does not flap.
const MEMORY_S: i64 = 300;

type Labels = BTreeMap<String, String>;

/// A condition that holds: labels, summary, and how long it must hold.
struct Finding {
    labels: Labels,
    summary: String,
    hold_s: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    since: Timestamp,
    firing: Option<Timestamp>,
    summary: String,
}

#[derive(Debug, Clone)]
struct Made {
    labels: Labels,
    summary: String,
    until: Timestamp,
}

/// Alerts, pending and firing.
#[derive(Debug, Clone, Default)]
pub(super) struct AlertState {
    entries: BTreeMap<Labels, Entry>,
    storms: Vec<Made>,
    deliveries: Vec<Alert>,
}

impl AlertState {
    /// Lets alerts fire until a moment.
    pub(super) fn storm(&mut self, labels: &Labels, summary: &str, count: u32, until: Timestamp) {
        for number in 1..=count {
            let fill = |text: &str| text.replace("{n}", &number.to_string());
            let labels = labels.iter().map(|(key, value)| (key.clone(), fill(value))).collect();
            self.storms.push(Made { labels, summary: fill(summary), until });
        }
    }

    /// What began to fire or was resolved since the last call.
    pub(super) fn take_deliveries(&mut self) -> Vec<Alert> {
        std::mem::take(&mut self.deliveries)
    }

    /// Alerts that fire.
    pub(super) fn firing(&self) -> Vec<Alert> {
        self.entries
            .iter()
            .filter_map(|(labels, entry)| Some(alert(labels, &entry.summary, entry.firing?, None)))
            .collect()
    }

    /// In words, for the serialised world.
    pub(super) fn describe(&self) -> Vec<String> {
        self.entries.iter().map(|(labels, entry)| format!("{labels:?} {entry:?}")).collect()
    }

    fn settle(&mut self, findings: Vec<Finding>, now: Timestamp) {
        let mut seen = BTreeMap::new();
        for finding in findings {
            seen.insert(finding.labels, (finding.summary, finding.hold_s));
        }
        let gone = self
            .entries
            .keys()
            .filter(|labels| !seen.contains_key(*labels))
            .cloned()
            .collect::<Vec<_>>();
        for labels in gone {
            if let Some(entry) = self.entries.remove(&labels)
                && let Some(began) = entry.firing
            {
                self.deliveries.push(alert(&labels, &entry.summary, began, Some(now)));
            }
        }
        for (labels, (summary, hold_s)) in seen {
            let entry = self.entries.entry(labels.clone()).or_insert_with(|| Entry {
                since: now,
                firing: None,
                summary: summary.clone(),
            });
            entry.summary = summary;
            if entry.firing.is_none() && plus(entry.since, hold_s) <= now {
                entry.firing = Some(now);
                self.deliveries.push(alert(&labels, &entry.summary, now, None));
            }
        }
    }
}

fn alert(
    labels: &Labels,
    summary: &str,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
) -> Alert {
    Alert {
        fingerprint: Fingerprint::new(fingerprint(labels)),
        status: if ends_at.is_some() { AlertStatus::Resolved } else { AlertStatus::Firing },
        labels: labels.clone(),
        annotations: BTreeMap::from([("summary".to_string(), summary.to_string())]),
        starts_at,
        ends_at,
    }
}

/// The fingerprint of a label set, as Prometheus' common library computes it.
fn fingerprint(labels: &Labels) -> String {
    let mut hash = fnv64(b"");
    for (key, value) in labels {
        for part in [key, value] {
            hash = fnv64_more(fnv64_more(hash, part.as_bytes()), &[0xff]);
        }
    }
    format!("{hash:016x}")
}

impl World {
    /// Evaluates all rules.
    pub(super) fn evaluate_rules(&mut self) {
        let now = self.now;
        self.alerts.storms.retain(|made| made.until > now);
        let mut findings = vec![finding("Watchdog", "none", &[], "Alerting works", 0)];
        for made in &self.alerts.storms {
            findings.push(Finding {
                labels: made.labels.clone(),
                summary: made.summary.clone(),
                hold_s: 0,
            });
        }
        for pod in self.list("v1", "Pod", "") {
            self.pod_findings(pod, &mut findings);
        }
        for object in self.list("apps/v1", "Deployment", "") {
            deployment_findings(object, &mut findings);
        }
        for object in self.list("apps/v1", "StatefulSet", "") {
            let place = [("namespace", space(object)), ("statefulset", name(object))];
            if int(object, &["status", "readyReplicas"]) < int(object, &["spec", "replicas"]) {
                let words = "StatefulSet has fewer ready pods than it should";
                findings.push(finding(
                    "KubeStatefulSetReplicasMismatch",
                    "warning",
                    &place,
                    words,
                    600,
                ));
            }
        }
        for node in self.list("v1", "Node", "") {
            if !is_true(node, "Ready") {
                let words = format!("Node {} is not ready", name(node));
                findings.push(finding(
                    "KubeNodeNotReady",
                    "critical",
                    &[("node", name(node))],
                    &words,
                    60,
                ));
            }
        }
        self.alerts.settle(findings, now);
        self.in_seconds(EVERY_S, Happening::Rules);
    }

    fn pod_findings(&self, pod: &Value, findings: &mut Vec<Finding>) {
        let (namespace, pod_name) = (space(pod), name(pod));
        // As kubernetes-mixin has it: pods that run but are not ready are others' business.
        let waits = matches!(text(pod, &["status", "phase"]), "Pending" | "Unknown" | "Failed");
        if waits && !deleting(pod) && controller(pod).is_some() {
            let words = format!("Pod {namespace}/{pod_name} is not ready");
            let place = [("namespace", namespace), ("pod", pod_name)];
            findings.push(finding("KubePodNotReady", "warning", &place, &words, 600));
        }
        for status in items(pod, &["status", "containerStatuses"]) {
            let container = text(status, &["name"]);
            let waiting = text(status, &["state", "waiting", "reason"]);
            let place = [("container", container), ("namespace", namespace), ("pod", pod_name)];
            if self.loops(pod, status) {
                let words = format!(
                    "Container {container} of pod {namespace}/{pod_name} restarts again and again"
                );
                findings.push(finding("KubePodCrashLooping", "warning", &place, &words, 60));
            }
            if self.killed_lately(status) {
                let words = format!(
                    "Container {container} of pod {namespace}/{pod_name} was killed for its memory"
                );
                findings.push(finding("KubePodOOMKilled", "warning", &place, &words, 0));
            }
            if !matches!(waiting, "" | "CrashLoopBackOff" | "ContainerCreating" | "PodInitializing")
            {
                let words =
                    format!("Container {container} of pod {namespace}/{pod_name} waits: {waiting}");
                let group = if waiting.contains("Image") { "ImagePull" } else { waiting };
                let place = [place[0], place[1], place[2], ("reason", group)];
                findings.push(finding("KubeContainerWaiting", "warning", &place, &words, 180));
            }
            if let Some(percent) = self.near_limit(namespace, pod_name, container) {
                let words = format!(
                    "Container {container} of pod {namespace}/{pod_name} is near its memory limit ({percent} %)"
                );
                findings.push(finding("ContainerMemoryNearLimit", "warning", &place, &words, 300));
            }
        }
    }

    /// Backs off now, or did less than five minutes ago.
    fn loops(&self, pod: &Value, status: &Value) -> bool {
        if text(status, &["state", "waiting", "reason"]) == "CrashLoopBackOff" {
            return true;
        }
        let ended = time(status, &["lastState", "terminated", "finishedAt"]);
        let runs = self.records.get(space(pod), name(pod), text(status, &["name"]));
        let ends = runs.map_or(0, |record| {
            let limit = self.now - chrono::TimeDelta::seconds(600);
            record
                .runs
                .iter()
                .filter(|run| run.ended.as_ref().is_some_and(|end| end.at > limit))
                .count()
        });
        ends >= 2
            && ended.is_some_and(|at| self.now.signed_duration_since(at).num_seconds() < MEMORY_S)
    }

    fn killed_lately(&self, status: &Value) -> bool {
        ["state", "lastState"].iter().any(|part| {
            text(status, &[part, "terminated", "reason"]) == "OOMKilled"
                && time(status, &[part, "terminated", "finishedAt"])
                    .is_some_and(|at| self.now.signed_duration_since(at).num_seconds() < 600)
        })
    }

    /// Percent of the memory limit that is used, when it is more than 90.
    fn near_limit(&self, namespace: &str, pod: &str, container: &str) -> Option<i64> {
        let record = self.records.get(namespace, pod, container)?;
        // A node that is away is not scraped: its series end, and so do alerts made from them.
        if self.nodes.get(&record.node).is_none_or(|node| node.down_since().is_some()) {
            return None;
        }
        let run = record.last().filter(|run| run.ended.is_none())?;
        let percent = run.memory.at(self.now).saturating_mul(100) / run.limit?;
        (percent > 90).then_some(percent.min(100))
    }
}

fn deployment_findings(object: &Value, findings: &mut Vec<Finding>) {
    let place = [("deployment", name(object)), ("namespace", space(object))];
    let progress = condition(object, "Progressing");
    if progress.is_some_and(|one| text(one, &["reason"]) == "ProgressDeadlineExceeded") {
        let words = format!("Rollout of {}/{} is stuck", space(object), name(object));
        findings.push(finding("KubeDeploymentRolloutStuck", "warning", &place, &words, 60));
    }
    let missing =
        int(object, &["spec", "replicas"]) - int(object, &["status", "availableReplicas"]);
    if missing > 0 {
        let words =
            format!("Deployment {}/{} lacks {missing} available pods", space(object), name(object));
        findings.push(finding("KubeDeploymentReplicasMismatch", "warning", &place, &words, 900));
    }
}

fn space(object: &Value) -> &str {
    text(object, &["metadata", "namespace"])
}

fn finding(
    rule: &str,
    severity: &str,
    place: &[(&str, &str)],
    summary: &str,
    hold_s: u64,
) -> Finding {
    let mut labels = place
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| ((*key).to_string(), (*value).to_string()))
        .collect::<Labels>();
    labels.insert("alertname".into(), rule.into());
    labels.insert("severity".into(), severity.into());
    Finding { labels, summary: summary.into(), hold_s }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_are_those_of_prometheus() {
        // Known answer: the fingerprint of an empty label set is FNV-1a's offset basis.
        assert_eq!(fingerprint(&Labels::new()), "cbf29ce484222325");
        let one = Labels::from([("alertname".to_string(), "Watchdog".to_string())]);
        assert_eq!(fingerprint(&one).len(), 16);
    }
}
