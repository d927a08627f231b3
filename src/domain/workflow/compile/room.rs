//! Whether any node has room for a pod of the new template, where it reserves more memory or CPU than before.

use super::blast::Change;
use crate::domain::diagnose::chain::controlled_by;
use crate::domain::diagnose::fields::{flag, items, name, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::LIST_LIMIT;
use crate::domain::quantity;
use crate::domain::workflow::plan::Blast;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a pod reserves: bytes of memory, thousandths of CPU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reserved {
    memory: u64,
    cpu: u64,
}

impl Reserved {
    fn plus(self, other: Self) -> Self {
        Self {
            memory: self.memory.saturating_add(other.memory),
            cpu: self.cpu.saturating_add(other.cpu),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            memory: self.memory.saturating_sub(other.memory),
            cpu: self.cpu.saturating_sub(other.cpu),
        }
    }

    fn holds(self, other: Self) -> bool {
        self.memory >= other.memory && self.cpu >= other.cpu
    }
}

/// What a pod spec reserves on a node. A limit without a request counts as request, as Kubernetes has it; init
/// containers run one after the other, sidecars all the time.
pub(super) fn reserved(spec: &Value) -> Reserved {
    let of = |container: &Value| {
        let amount = |resource: &str| {
            ["requests", "limits"].into_iter().find_map(|class| {
                let text = text(container, &["resources", class, resource]);
                if resource == "memory" {
                    quantity::parse_bytes(text)
                } else {
                    quantity::parse_milli(text)
                }
            })
        };
        Reserved { memory: amount("memory").unwrap_or(0), cpu: amount("cpu").unwrap_or(0) }
    };
    let mut main =
        items(spec, &["containers"]).iter().map(of).fold(Reserved::default(), Reserved::plus);
    let mut peak = Reserved::default();
    let mut sidecars = Reserved::default();
    for container in items(spec, &["initContainers"]) {
        let own = of(container);
        if text(container, &["restartPolicy"]) == "Always" {
            sidecars = sidecars.plus(own);
        } else {
            let together = sidecars.plus(own);
            peak.memory = peak.memory.max(together.memory);
            peak.cpu = peak.cpu.max(together.cpu);
        }
    }
    main = main.plus(sidecars);
    Reserved { memory: main.memory.max(peak.memory), cpu: main.cpu.max(peak.cpu) }
}

fn spec(object: &Value) -> &Value {
    value(Change::template(object), &["spec"]).unwrap_or(&Value::Null)
}

/// Whether any container's requests or limits differ.
pub(super) fn resources_differ(change: &Change<'_>) -> bool {
    let of = |object: &Value| {
        ["containers", "initContainers"]
            .into_iter()
            .flat_map(|list| items(spec(object), &[list]))
            .map(|one| (text(one, &["name"]).to_string(), value(one, &["resources"]).cloned()))
            .collect::<BTreeMap<_, _>>()
    };
    of(change.before) != of(change.after)
}

/// A blocker where no node has room, notes where that can't be told.
pub(super) fn check(change: &Change<'_>, reader: &mut Reader<'_>, blast: &mut Blast) {
    let (before, after) = (reserved(spec(change.before)), reserved(spec(change.after)));
    if before.holds(after) {
        return;
    }
    let nodes = reader.list("nodes", "v1", "Node", "", "");
    let pods = reader.list("all-pods", "v1", "Pod", "", "");
    let (nodes, pods) = match (nodes, pods) {
        (Got::Have(nodes), Got::Have(pods)) if pods.len() < LIST_LIMIT => (nodes, pods),
        (Got::Pending, _) | (_, Got::Pending) => return,
        (Got::Unreadable(why), _) | (_, Got::Unreadable(why)) => {
            blast.notes.push(format!("whether a node has room for it is not known: {why}"));
            return;
        }
        (Got::Have(_) | Got::Gone, Got::Have(_) | Got::Gone) => {
            let why = "the cluster has more pods than are read";
            blast.notes.push(format!("whether a node has room for it is not known: {why}"));
            return;
        }
    };
    let first = replaces_first(change);
    let rooms = nodes
        .iter()
        .filter(|node| takes(node, spec(change.after)))
        .map(|node| (name(node), room(node, pods, change, first)))
        .collect::<Vec<_>>();
    let Some((node, most)) = rooms.iter().max_by_key(|(_, room)| room.memory) else {
        blast.blockers.push("no node that is ready would take its pods".into());
        return;
    };
    if !rooms.iter().any(|(_, room)| room.holds(after)) {
        blast.blockers.push(format!(
            "no node has room: a pod would reserve {} memory and {} CPU; the most memory left is {} on {node}",
            quantity::spoken_bytes(after.memory),
            quantity::format_milli(after.cpu),
            quantity::spoken_bytes(most.memory)
        ));
        return;
    }
    let fit = rooms.iter().filter(|(_, room)| room.holds(after)).count();
    blast.notes.push(format!(
        "each pod would reserve {} memory (now {}); {fit} of {} nodes have room for one more",
        quantity::spoken_bytes(after.memory),
        quantity::spoken_bytes(before.memory),
        nodes.len()
    ));
}

/// Whether an old pod goes before its successor comes.
fn replaces_first(change: &Change<'_>) -> bool {
    if change.target.key.kind != "Deployment" {
        return true;
    }
    let strategy = ["spec", "strategy"];
    if text(change.before, &[strategy[0], strategy[1], "type"]) == "Recreate" {
        return true;
    }
    let most = value(change.before, &["spec", "strategy", "rollingUpdate", "maxUnavailable"]);
    let replicas = value(change.before, &["spec", "replicas"]).and_then(Value::as_u64).unwrap_or(1);
    match most {
        Some(Value::Number(number)) => number.as_u64().unwrap_or(0) > 0,
        // A share is rounded down.
        Some(Value::String(share)) => {
            let percent = share.trim_end_matches('%').parse::<u64>().unwrap_or(0);
            percent.saturating_mul(replicas) >= 100
        }
        _ => replicas >= 4,
    }
}

/// Whether a node would take the pods as far as readiness, cordon and node selector go. Taints and affinity are left to
/// the scheduler.
fn takes(node: &Value, pod_spec: &Value) -> bool {
    let ready = items(node, &["status", "conditions"]).iter().any(|condition| {
        text(condition, &["type"]) == "Ready" && text(condition, &["status"]) == "True"
    });
    let labels = value(node, &["metadata", "labels"]);
    let selected =
        value(pod_spec, &["nodeSelector"]).and_then(Value::as_object).is_none_or(|all| {
            all.iter()
                .all(|(key, wanted)| labels.and_then(|labels| labels.get(key)) == Some(wanted))
        });
    ready && selected && !flag(node, &["spec", "unschedulable"])
}

fn room(node: &Value, pods: &[Value], change: &Change<'_>, first: bool) -> Reserved {
    let allocatable = Reserved {
        memory: quantity::parse_bytes(text(node, &["status", "allocatable", "memory"]))
            .unwrap_or(0),
        cpu: quantity::parse_milli(text(node, &["status", "allocatable", "cpu"])).unwrap_or(0),
    };
    let here = pods.iter().filter(|pod| {
        text(pod, &["spec", "nodeName"]) == name(node)
            && !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
    });
    let mut used = Reserved::default();
    let mut own = Reserved::default();
    for pod in here {
        let reserves = reserved(value(pod, &["spec"]).unwrap_or(&Value::Null));
        used = used.plus(reserves);
        if mine(pod, change) && reserves.memory >= own.memory {
            own = reserves;
        }
    }
    let free = allocatable.minus(used);
    if first { free.plus(own) } else { free }
}

/// Whether it is a pod of the target: controlled by it, or by something that its selector matches.
fn mine(pod: &Value, change: &Change<'_>) -> bool {
    let namespace = text(pod, &["metadata", "namespace"]) == change.target.key.namespace;
    let wanted = value(change.before, &["spec", "selector", "matchLabels"]);
    let labels = value(pod, &["metadata", "labels"]);
    let selected = wanted.and_then(Value::as_object).is_some_and(|wanted| {
        !wanted.is_empty()
            && wanted.iter().all(|(key, value)| labels.and_then(|l| l.get(key)) == Some(value))
    });
    namespace && (controlled_by(pod, &change.target.uid) || selected)
}
