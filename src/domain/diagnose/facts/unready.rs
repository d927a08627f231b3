//! Why pods that run don't count as ready or available, where no probe of theirs says it.

use super::gather::Facts;
use crate::domain::diagnose::container::Doing;
use crate::domain::diagnose::fields::{int, items, text, value};
use crate::domain::diagnose::picture::Picture;
use crate::domain::diagnose::workload::some_names;
use crate::domain::time::{seconds_between, spoken};

/// The scheduler that a pod has without asking for one.
const SCHEDULER: &str = "default-scheduler";

pub(super) fn unready(picture: &Picture<'_>, out: &mut Facts) {
    first(picture, out);
    nobody(picture, out);
    gates(picture, out);
    strangers(picture, out);
    waits(picture, out);
}

/// An init container that runs on: nothing else of its pod is started.
fn first(picture: &Picture<'_>, out: &mut Facts) {
    let Some(focus) = picture.focus.as_ref().filter(|one| one.container.holds_the_others()) else {
        return;
    };
    let (name, pod) = (focus.container.name, focus.pod);
    let long = match &focus.container.doing {
        Doing::Running { since: Some(at) } => {
            format!(" for {}", spoken(seconds_between(*at, picture.now)))
        }
        Doing::Running { since: None } | Doing::Waiting { .. } | Doing::Ended | Doing::NotSaid => {
            String::new()
        }
    };
    let words = format!(
        "init container {name} has been running{long}: the containers of the pod start when it has ended"
    );
    let source = format!("pod {}/{pod}: status of container {name}", picture.namespace());
    out.add("init-runs", words, source);
}

/// A DaemonSet that has no node to run on.
fn nobody(picture: &Picture<'_>, out: &mut Facts) {
    let workload = &picture.workload;
    if workload.kind() != "DaemonSet" || workload.desired() > 0 {
        return;
    }
    let asked = value(workload.object, &["spec", "template", "spec", "nodeSelector"]);
    let asked = asked.and_then(serde_json::Value::as_object).into_iter().flatten();
    let labels = asked.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
    let labels = labels.collect::<Vec<_>>().join(", ");
    let asks = if labels.is_empty() { String::new() } else { format!(": it asks for {labels}") };
    let words = format!("its controller finds no node that it should run on{asks}");
    let path = workload.reference.key.path();
    out.add("no-node-wanted", words, format!("{path}: status.desiredNumberScheduled"));
}

/// Readiness gates are opened by somebody else: a load balancer's controller, a deploy tool.
fn gates(picture: &Picture<'_>, out: &mut Facts) {
    for pod in &picture.stuck {
        let shut = items(pod.object, &["spec", "readinessGates"])
            .iter()
            .map(|gate| text(gate, &["conditionType"]))
            .filter(|gate| {
                pod.condition(gate).is_none_or(|found| text(found, &["status"]) != "True")
            })
            .collect::<Vec<_>>();
        if shut.is_empty() || pod.condition("ContainersReady").is_none() {
            continue;
        }
        let words = format!(
            "pod {} waits for its readiness gate {}, which somebody else has to open",
            pod.name(),
            shut.join(", ")
        );
        let source = format!("pod {}/{}: spec.readinessGates", picture.namespace(), pod.name());
        out.add("readiness-gate", words, source);
        return;
    }
}

/// A scheduler that is not the cluster's own, and that has not said a word about a pod.
fn strangers(picture: &Picture<'_>, out: &mut Facts) {
    let asks = |pod: &&crate::domain::diagnose::container::Pod<'_>| {
        let scheduler = text(pod.object, &["spec", "schedulerName"]);
        !scheduler.is_empty()
            && scheduler != SCHEDULER
            && pod.node().is_empty()
            && pod.condition("PodScheduled").is_none()
    };
    let waiting = picture.stuck.iter().filter(asks).collect::<Vec<_>>();
    let Some(first) = waiting.first() else { return };
    let names = waiting.iter().map(|pod| pod.name()).collect::<Vec<_>>();
    let scheduler = text(first.object, &["spec", "schedulerName"]);
    let words = format!(
        "{} asks for scheduler {scheduler}, which has said nothing about it",
        some_names(&names)
    );
    let source = format!("pod {}/{}: spec.schedulerName", picture.namespace(), first.name());
    out.add("scheduler-silent", words, source);
}

/// Pods that are ready and do not count as available yet.
fn waits(picture: &Picture<'_>, out: &mut Facts) {
    let workload = &picture.workload;
    let least = int(workload.object, &["spec", "minReadySeconds"]).unwrap_or(0);
    let count = |field: &str| int(workload.object, &["status", field]).unwrap_or(0);
    let (ready, available) = match workload.kind() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            (count("readyReplicas"), count("availableReplicas"))
        }
        "DaemonSet" => (count("numberReady"), count("numberAvailable")),
        _ => return,
    };
    if least > 0 && available < ready {
        let words = format!(
            "{ready} pods are ready, and {available} count as available: each has to be ready for {least} s first"
        );
        let path = workload.reference.key.path();
        out.add("waits-min-ready", words, format!("{path}: spec.minReadySeconds"));
    }
}
