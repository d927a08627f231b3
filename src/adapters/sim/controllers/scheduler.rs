//! The scheduler: puts pods on nodes that have room, or says why not.
//!
//! Fits: cordon, taints, node selector, the node that an affinity names, requests against allocatable, number of pods.
//! Prefers the emptiest node. Absent: preemption, topology spread, other affinities.

use super::daemonset::meant_for;
use crate::adapters::sim::json::{deleting, int, is_true, items, key, name, stamp, text};
use crate::adapters::sim::queue::Happening;
use crate::adapters::sim::store::Door;
use crate::adapters::sim::world::World;
use crate::domain::quantity::{parse_bytes, parse_milli};
use crate::domain::resource::ObjectKey;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Requests: thousandths of a CPU, bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::adapters::sim) struct Room {
    pub(in crate::adapters::sim) cpu: i64,
    pub(in crate::adapters::sim) memory: i64,
    pub(in crate::adapters::sim) pods: i64,
}

/// What a pod (or pod template) asks for.
pub(in crate::adapters::sim) fn requests(pod: &Value) -> Room {
    let mut sum = Room { pods: 1, ..Room::default() };
    for container in items(pod, &["spec", "containers"]) {
        sum.cpu += amount(container, "requests", "cpu");
        sum.memory += amount(container, "requests", "memory");
    }
    sum
}

/// One resource of a container: thousandths of a CPU, or bytes; 0 when not set.
pub(in crate::adapters::sim) fn amount(container: &Value, part: &str, what: &str) -> i64 {
    let set = |part: &str| match container.pointer(&format!("/resources/{part}/{what}")) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    // The API server makes a request of a limit when there is none.
    let quantity = set(part).or_else(|| if part == "requests" { set("limits") } else { None });
    let number = quantity.and_then(|quantity| match what {
        "cpu" => parse_milli(&quantity),
        _ => parse_bytes(&quantity),
    });
    number.and_then(|number| i64::try_from(number).ok()).unwrap_or(0)
}

impl World {
    /// Looks at all pods without a node.
    pub(in crate::adapters::sim) fn schedule(&mut self) {
        let waiting = self
            .list("v1", "Pod", "")
            .filter(|pod| text(pod, &["spec", "nodeName"]).is_empty() && !deleting(pod))
            .cloned()
            .collect::<Vec<_>>();
        if waiting.is_empty() {
            return;
        }
        let mut used = self.used_room();
        let nodes = self.list("v1", "Node", "").cloned().collect::<Vec<_>>();
        let mut left_over = false;
        for pod in waiting {
            match place(&pod, &nodes, &used) {
                Ok(node) => {
                    let asks = requests(&pod);
                    let room = used.entry(node.clone()).or_default();
                    room.cpu += asks.cpu;
                    room.memory += asks.memory;
                    room.pods += 1;
                    self.bind(&pod, &node);
                }
                Err(why) => {
                    left_over = true;
                    self.unschedulable(&pod, &why);
                }
            }
        }
        if left_over {
            self.in_seconds(60, Happening::Schedule);
        }
    }

    fn used_room(&self) -> BTreeMap<String, Room> {
        let mut used = BTreeMap::<String, Room>::new();
        for pod in self.list("v1", "Pod", "") {
            let node = text(pod, &["spec", "nodeName"]);
            if node.is_empty() {
                continue;
            }
            let asks = requests(pod);
            let room = used.entry(node.to_string()).or_default();
            room.cpu += asks.cpu;
            room.memory += asks.memory;
            room.pods += 1;
        }
        used
    }

    fn bind(&mut self, pod: &Value, node: &str) {
        let now = stamp(self.now);
        let place = key(pod);
        self.modify(&place, "kube-scheduler", Door::Main, |pod| {
            crate::adapters::sim::json::set(pod, &["spec", "nodeName"], Value::from(node));
            let scheduled = json!({
                "lastProbeTime": null, "observedGeneration": 1, "status": "True", "type": "PodScheduled"
            });
            super::status::set_plain(pod, &scheduled, &now);
        });
        let message = format!("Successfully assigned {}/{} to {node}", place.namespace, place.name);
        self.event(pod, "Normal", "Scheduled", &message, ("default-scheduler", ""));
    }

    fn unschedulable(&mut self, pod: &Value, why: &str) {
        let now = stamp(self.now);
        let place: ObjectKey = key(pod);
        let condition = json!({
            "lastProbeTime": null, "message": why, "observedGeneration": 1,
            "reason": "Unschedulable", "status": "False", "type": "PodScheduled",
        });
        self.modify(&place, "kube-scheduler", Door::Status, |pod| {
            super::status::set_plain(pod, &condition, &now);
        });
        self.event(pod, "Warning", "FailedScheduling", why, ("default-scheduler", ""));
    }
}

/// The best node for a pod, or the scheduler's words.
fn place(pod: &Value, nodes: &[Value], used: &BTreeMap<String, Room>) -> Result<String, String> {
    let asks = requests(pod);
    let mut reasons = BTreeMap::<String, usize>::new();
    let mut best: Option<(i64, &str)> = None;
    for node in nodes {
        let room = used.get(name(node)).copied().unwrap_or_default();
        match fits(pod, asks, node, room) {
            Ok(score) => {
                if best.is_none_or(|(most, _)| score > most) {
                    best = Some((score, name(node)));
                }
            }
            Err(reasons_here) => {
                for reason in reasons_here {
                    *reasons.entry(reason).or_default() += 1;
                }
            }
        }
    }
    if let Some((_, node)) = best {
        return Ok(node.to_string());
    }
    let list =
        reasons.iter().map(|(why, count)| format!("{count} {why}")).collect::<Vec<_>>().join(", ");
    let total = nodes.len();
    Err(format!(
        "0/{total} nodes are available: {list}. no new claims to deallocate, preemption: 0/{total} nodes are \
         available: {total} Preemption is not helpful for scheduling."
    ))
}

/// How much would be left free (per mille of the scarcer resource), or why the pod can't be there.
fn fits(pod: &Value, asks: Room, node: &Value, used: Room) -> Result<i64, Vec<String>> {
    if meant_for(pod).is_some_and(|only| only != name(node)) {
        return Err(vec!["node(s) didn't satisfy plugin(s) [NodeAffinity]".into()]);
    }
    let tolerates = |taint: &str, effect: &str| tolerates(pod, taint, effect);
    let cordoned = node.pointer("/spec/unschedulable").and_then(Value::as_bool) == Some(true);
    if cordoned && !tolerates("node.kubernetes.io/unschedulable", "NoSchedule") {
        return Err(vec!["node(s) were unschedulable".into()]);
    }
    for taint in World::taints(node) {
        let (taint_key, effect) = (text(taint, &["key"]), text(taint, &["effect"]));
        if effect != "PreferNoSchedule" && !tolerates(taint_key, effect) {
            let value = text(taint, &["value"]);
            return Err(vec![format!("node(s) had untolerated taint {{{taint_key}: {value}}}")]);
        }
    }
    let wanted = pod.pointer("/spec/nodeSelector").and_then(Value::as_object);
    if !super::super::selector::fits_map(node.pointer("/metadata/labels"), wanted) {
        return Err(vec!["node(s) didn't match Pod's node affinity/selector".into()]);
    }
    if !is_true(node, "Ready") && meant_for(pod).is_none() {
        return Err(vec!["node(s) were not ready".into()]);
    }
    let offer = allocatable(node);
    let left = Room {
        cpu: offer.cpu - used.cpu - asks.cpu,
        memory: offer.memory - used.memory - asks.memory,
        pods: offer.pods - used.pods - 1,
    };
    let mut missing = Vec::new();
    for (lacks, what) in [
        (left.cpu < 0, "Insufficient cpu"),
        (left.memory < 0, "Insufficient memory"),
        (left.pods < 0, "Too many pods"),
    ] {
        if lacks {
            missing.push(what.to_string());
        }
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    let free = |left: i64, of: i64| if of == 0 { 0 } else { left.saturating_mul(1_000) / of };
    Ok(free(left.cpu, offer.cpu)
        .min(free(left.memory, offer.memory))
        .min(free(left.pods, offer.pods)))
}

/// What a node offers to pods.
fn allocatable(node: &Value) -> Room {
    let quantity = |what: &str| text(node, &["status", "allocatable", what]);
    let number =
        |value: Option<u64>| value.and_then(|value| i64::try_from(value).ok()).unwrap_or(0);
    Room {
        cpu: number(parse_milli(quantity("cpu"))),
        memory: number(parse_bytes(quantity("memory"))),
        pods: number(parse_milli(quantity("pods"))) / 1_000,
    }
}

/// Whether a pod tolerates a taint.
fn tolerates(pod: &Value, taint: &str, effect: &str) -> bool {
    items(pod, &["spec", "tolerations"]).iter().any(|one| {
        let key = text(one, &["key"]);
        let whose = text(one, &["effect"]);
        (key.is_empty() || key == taint) && (whose.is_empty() || whose == effect)
    })
}

/// How long a pod stays on a node that got a taint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stays {
    /// As long as the node.
    Forever,
    /// So many seconds; 0 for a pod that does not tolerate it.
    For(u64),
}

/// How long a pod tolerates a `NoExecute` taint.
pub(super) fn toleration(pod: &Value, taint: &str) -> Stays {
    let found = items(pod, &["spec", "tolerations"]).iter().find(|one| {
        text(one, &["key"]) == taint && matches!(text(one, &["effect"]), "NoExecute" | "")
    });
    match found {
        None => Stays::For(0),
        Some(one) if one.get("tolerationSeconds").is_none() => Stays::Forever,
        Some(one) => Stays::For(u64::try_from(int(one, &["tolerationSeconds"])).unwrap_or(0)),
    }
}
