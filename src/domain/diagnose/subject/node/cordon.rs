//! A cordon: who made it and when, whether it is meant, whether pods wait because of it.

use super::examine::Surroundings;
use super::guests::Guests;
use crate::domain::diagnose::fields::{
    flag, items, moment, name, namespace, terminating, text, value,
};
use crate::domain::diagnose::keepers::writer_of;
use crate::domain::diagnose::node::{selected, untolerated};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Findings, ago, quoted};
use crate::domain::diagnose::workload::some_names;
use crate::domain::time::{Timestamp, seconds_between};
use serde_json::Value;

/// A cordon younger than this is somebody's work in progress.
const FRESH_S: i64 = 600;
/// One older than this, with nothing said and nothing done, is forgotten.
const OLD_S: i64 = 4 * 3_600;
/// Last words of annotation keys in which people and programs say why a node is out.
const REASONS: [&str; 12] = [
    "reason",
    "cordon-reason",
    "cordoned-by",
    "cordon",
    "maintenance",
    "maintenance-reason",
    "drain-reason",
    "unschedulable-reason",
    "ticket",
    "until",
    "description",
    "kured-node-lock",
];
/// Taints by which programs that replace or update nodes take one out.
const PROGRAMS: [&str; 6] = [
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "karpenter.sh/disrupted",
    "karpenter.sh/disruption",
    "node.cluster.x-k8s.io/uninitialized",
    "aws-node-termination-handler/spot-itn",
];

pub(super) fn note(
    case: &Case<'_>,
    around: &Surroundings<'_>,
    guests: &Guests<'_>,
    findings: &mut Findings,
) {
    if !flag(case.object, &["spec", "unschedulable"]) {
        return;
    }
    let path = case.path();
    let writer = writer_of(case.object, "unschedulable");
    let at = tainted_at(case.object).or_else(|| writer.as_ref().and_then(|writer| writer.at));
    let by = writer.as_ref().map_or("somebody", |writer| writer.manager.as_str());
    let words = format!("it was cordoned {} by {by}", ago(at, case.now));
    findings.add_at("cordoned", words, format!("{path}: spec.unschedulable"), at);
    findings.put("cordoned_by", by);
    let age = at.map(|at| seconds_between(at, case.now).max(0));
    if let Some(age) = age {
        findings.put("cordoned_seconds", age);
        let id = match age {
            _ if age <= FRESH_S => "cordon-fresh",
            _ if age >= OLD_S => "cordon-old",
            _ => "cordon-age",
        };
        findings.add_at(id, format!("the cordon is from {}", ago(at, case.now)), path.clone(), at);
    }
    explained(case, findings);
    if guests.leaving > 0 {
        let words = format!("{} pods are leaving it: a drain is under way", guests.leaving);
        findings.add("drain-under-way", words, format!("pods on {}", case.name()));
    }
    if guests.moving() == 0 && around.pods.is_some() {
        let words = "no pod is left on it that would have to move".to_string();
        findings.add("drained", words, format!("pods on {}", case.name()));
    }
    waiting(case, around, findings);
    purpose(case, findings);
}

/// When the taint that goes with a cordon was set.
fn tainted_at(node: &Value) -> Option<Timestamp> {
    items(node, &["spec", "taints"])
        .iter()
        .find(|taint| text(taint, &["key"]) == "node.kubernetes.io/unschedulable")
        .and_then(|taint| moment(taint, &["timeAdded"]))
}

fn explained(case: &Case<'_>, findings: &mut Findings) {
    let path = case.path();
    let notes = value(case.object, &["metadata", "annotations"]).and_then(Value::as_object);
    for (key, said) in notes.into_iter().flatten() {
        let last = key.rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
        let said = said.as_str().unwrap_or_default();
        if REASONS.contains(&last.as_str()) && !said.is_empty() {
            let words = format!("{key} says: {}", quoted(said, 160));
            findings.add("cordon-explained", words, format!("{path}: metadata.annotations"));
        }
    }
    let program = items(case.object, &["spec", "taints"]).iter().map(|one| text(one, &["key"]));
    if let Some(taint) = program.into_iter().find(|key| PROGRAMS.contains(key)) {
        let words = format!("taint {taint}: a program takes the node out");
        findings.add("cordon-explained", words, format!("{path}: spec.taints"));
    }
}

/// Pods that can't be placed, and would do on this node but for the cordon.
fn waiting(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    let waits = |pod: &&Value| {
        let placed = items(pod, &["status", "conditions"]).iter().find(|one| {
            text(one, &["type"]) == "PodScheduled" && text(one, &["status"]) == "False"
        });
        !terminating(pod)
            && placed.is_some_and(|one| text(one, &["message"]).contains("were unschedulable"))
            && value(pod, &["spec"]).is_some_and(|spec| {
                let kept = untolerated(case.object, spec);
                selected(case.object, spec)
                    && kept.iter().all(|taint| taint.key == "node.kubernetes.io/unschedulable")
            })
    };
    let waiting = around.all_pods.unwrap_or_default().iter().filter(waits);
    let waiting =
        waiting.map(|pod| format!("{}/{}", namespace(pod), name(pod))).collect::<Vec<_>>();
    if waiting.is_empty() {
        return;
    }
    let shown = waiting.iter().map(String::as_str).collect::<Vec<_>>();
    let words =
        format!("{} pods can't be placed and would do here: {}", shown.len(), some_names(&shown));
    findings.add("pods-wait", words, "pods: condition PodScheduled".into());
    findings.put("waiting_pods", waiting);
}

/// Whether an alert tells of a part of the node that only an exporter on it sees: a cordon explains none of that.
fn measured(case: &Case<'_>) -> bool {
    const PARTS: [&str; 6] = ["device", "mountpoint", "fstype", "interface", "chip", "sensor"];
    case.alerts.iter().any(|alert| alert.label(&PARTS).is_some())
}

/// A cordon that is meant is no fault: one that somebody explains, or a fresh one for which no pod waits, or one in the
/// middle of a drain.
fn purpose(case: &Case<'_>, findings: &mut Findings) {
    const WRONG: [&str; 7] = [
        "not-ready",
        "lost",
        "never-ready",
        "memory-pressure",
        "disk-pressure",
        "pid-pressure",
        "network-unavailable",
    ];
    if findings.any(&WRONG) || measured(case) {
        return;
    }
    let cordoned = findings.quote(&["cordoned"]);
    if findings.has("cordon-explained") {
        let why = findings.quote(&["cordon-explained"]);
        findings.on_purpose = Some(format!("{cordoned}, and {why}"));
    } else if findings.has("drain-under-way") && !findings.has("cordon-old") {
        let why = findings.quote(&["drain-under-way"]);
        findings.on_purpose = Some(format!("{cordoned}, and {why}"));
    } else if !findings.any(&["cordon-old", "pods-wait"])
        && findings.any(&["cordon-fresh", "cordon-age"])
    {
        findings.on_purpose = Some(format!("{cordoned}, and no pod waits for it"));
    }
}
