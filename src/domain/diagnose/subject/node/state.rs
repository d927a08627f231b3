//! What the kubelet says of the node, when it last said anything, and how the other nodes are.

use super::examine::Surroundings;
use crate::domain::diagnose::fields::{flag, items, moment, name, text};
use crate::domain::diagnose::node::{Readiness, readiness};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Findings, Well, ago, clock, condition, quoted};
use crate::domain::diagnose::workload::some_names;
use crate::domain::time::{rfc3339, seconds_between, spoken};
use serde_json::Value;

/// A kubelet renews its lease every 10 seconds; after this it is silent.
const SILENT_S: i64 = 40;
/// Within this time changes of readiness count as flapping.
const HOUR_S: i64 = 3_600;
/// Events of a node that say something.
const TELLING: [&str; 11] = [
    "Rebooted",
    "SystemOOM",
    "OOMKilling",
    "EvictionThresholdMet",
    "FreeDiskSpaceFailed",
    "ImageGCFailed",
    "ContainerGCFailed",
    "KubeletSetupFailed",
    "InvalidDiskCapacity",
    "ContainerRuntimeUnhealthy",
    "NodeShutdown",
];

pub(super) fn note(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    findings.put("node", case.name());
    ready(case, findings);
    lease(case, around, findings);
    for kind in ["NetworkUnavailable"] {
        if let Some(found) = condition(case.object, kind).filter(|one| holds(one)) {
            let words = format!("{kind}: {}", quoted(text(found, &["message"]), 160));
            let at = moment(found, &["lastTransitionTime"]);
            let source = format!("{}: condition {kind}", case.path());
            findings.add_at("network-unavailable", words, source, at);
        }
    }
    others(around, findings);
    flapping(case, around, findings);
    for event in &around.events {
        let fresh = event.last().is_some_and(|at| seconds_between(at, case.now) <= HOUR_S);
        if fresh && TELLING.contains(&event.reason()) && !findings.has("node-event") {
            let words = format!("{}: {}", event.reason(), quoted(event.message(), 160));
            findings.add_at("node-event", words, event.source(), event.last());
        }
    }
    for taint in items(case.object, &["spec", "taints"]) {
        let key = text(taint, &["key"]);
        if !key.starts_with("node.kubernetes.io/") {
            let words = format!("{key}={}:{}", text(taint, &["value"]), text(taint, &["effect"]));
            findings.add("taints", words, format!("{}: spec.taints", case.path()));
        }
    }
}

fn holds(condition: &Value) -> bool {
    text(condition, &["status"]) == "True"
}

fn ready(case: &Case<'_>, findings: &mut Findings) {
    let (state, since, message) = readiness(case.object);
    let source = format!("{}: condition Ready", case.path());
    findings.put("ready", state == Readiness::Ready);
    if let Some(since) = since {
        findings.put("since", rfc3339(since));
    }
    let reason = condition(case.object, "Ready").map_or("", |one| text(one, &["reason"]));
    let when = since.map_or_else(String::new, |at| format!(" since {}", clock(at)));
    let (id, words) = match state {
        Readiness::Ready => ("ready", format!("its kubelet says that it is ready{when}")),
        Readiness::NotReady => (
            "not-ready",
            format!("its kubelet says not ready{when}: {reason}: {}", quoted(message, 240)),
        ),
        Readiness::Lost => (
            "lost",
            format!("its kubelet reports nothing any more{when}: {}", quoted(message, 160)),
        ),
        Readiness::NotSaid => {
            ("never-ready", "its kubelet has not said yet whether it is ready".into())
        }
    };
    findings.add_at(id, words, source, since);
}

fn lease(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    let Some(renewed) = around.lease.and_then(|lease| moment(lease, &["spec", "renewTime"])) else {
        return;
    };
    let silent = seconds_between(renewed, case.now);
    let source = format!("Lease kube-node-lease/{}: spec.renewTime", case.name());
    let words = format!("its lease was renewed {}", ago(Some(renewed), case.now));
    let id = if silent > SILENT_S { "lease-old" } else { "lease-fresh" };
    findings.add_at(id, words, source, Some(renewed));
    findings.put("silent_seconds", silent.max(0));
}

/// How the other nodes are: whether there is anywhere to go, and whether more of them went away.
fn others(around: &Surroundings<'_>, findings: &mut Findings) {
    let Some(others) = &around.others else { return };
    let ready = others
        .iter()
        .filter(|node| readiness(node).0 == Readiness::Ready)
        .filter(|node| !flag(node, &["spec", "unschedulable"]))
        .count();
    let lost = others.iter().filter(|node| readiness(node).0 == Readiness::Lost);
    let lost = lost.map(|node| name(node)).collect::<Vec<_>>();
    findings.put("other_nodes_ready", ready);
    let words = format!("{ready} of {} other nodes are ready and take pods", others.len());
    findings.add("other-nodes", words, "Nodes: conditions, spec.unschedulable".into());
    if !lost.is_empty() {
        let words = format!("of the others {} reports nothing either", some_names(&lost));
        findings.add("others-lost", words, "Nodes: condition Ready".into());
    }
}

fn flapping(case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
    let fresh = around
        .events
        .iter()
        .filter(|event| event.reason() == "NodeNotReady")
        .filter(|event| event.last().is_some_and(|at| seconds_between(at, case.now) <= HOUR_S));
    let fresh = fresh.collect::<Vec<_>>();
    let times = fresh.iter().map(|event| event.count()).sum::<i64>();
    let since = fresh.iter().filter_map(|event| event.first()).min();
    if times >= 3
        && let Some(since) = since
    {
        let words = format!(
            "it was not ready {times} times within {}",
            spoken(seconds_between(since, case.now))
        );
        findings.add("flapping", words, "events of the node: NodeNotReady".into());
    }
}

/// Nothing that it says is wrong.
pub(super) fn well(case: &Case<'_>, findings: &mut Findings) {
    const WRONG: [&str; 9] = [
        "not-ready",
        "lost",
        "never-ready",
        "memory-pressure",
        "disk-pressure",
        "pid-pressure",
        "network-unavailable",
        "flapping",
        "cordoned",
    ];
    if findings.any(&WRONG) || findings.any(&["disk-low", "memory-low", "pods-crowded"]) {
        return;
    }
    let kinds = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
    let changed = kinds.iter().filter_map(|kind| condition(case.object, kind));
    let since = changed.filter_map(|one| moment(one, &["lastTransitionTime"])).max();
    let why = "its kubelet says that it is ready and short of nothing".to_string();
    findings.well = Some(Well { why, since });
}
