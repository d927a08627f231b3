//! Whether the nodes have room for the pods of the new template, where it reserves more memory or CPU than before.
//!
//! What is known is said: which nodes have room for the first new pod, and whether all of them would find a place once
//! the old ones are gone. Where they would not, the rollout would hang with pods that are Pending: a blocker.
//! Taken into account: readiness, cordons, taints, node selectors, what pods reserve, how many pods a node takes.
//! Absent on purpose: affinity, spread and volumes, which are the scheduler's (said in a note), and eviction of pods of
//! lower priority, which is no room.

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
    let rooms = nodes
        .iter()
        .filter(|node| refuses(node, spec(change.after)).is_none())
        .map(|node| room(node, pods, change))
        .collect::<Vec<_>>();
    let Some(most) = rooms.iter().max_by_key(|room| room.free.memory) else {
        blast.blockers.push(no_taker(nodes, spec(change.after)));
        return;
    };
    if change.target.key.kind == "DaemonSet" {
        each_node(&rooms, before, after, blast);
        return;
    }
    let first = replaces_first(change);
    let fit = rooms.iter().filter(|room| room.for_one(first).holds(after)).collect::<Vec<_>>();
    if fit.is_empty() {
        blast.blockers.push(format!(
            "no node has room: a pod would reserve {} memory and {} CPU; the most memory left is {} on {}",
            quantity::spoken_bytes(after.memory),
            quantity::format_milli(after.cpu),
            quantity::spoken_bytes(most.for_one(first).memory),
            most.node
        ));
        return;
    }
    let wanted = replicas(change);
    let places = rooms.iter().map(|room| room.places(after)).fold(0, u64::saturating_add);
    if places < wanted {
        blast.blockers.push(format!(
            "the nodes have room for {places} of its {wanted} new pods at {} memory and {} CPU each: \
             the others would stay Pending",
            quantity::spoken_bytes(after.memory),
            quantity::format_milli(after.cpu),
        ));
        return;
    }
    let names = fit.iter().map(|room| room.node).collect::<Vec<_>>();
    blast.notes.push(format!(
        "each pod would reserve {} memory (now {}); {} of {} nodes have room for one more{}",
        quantity::spoken_bytes(after.memory),
        quantity::spoken_bytes(before.memory),
        fit.len(),
        nodes.len(),
        listed(&names)
    ));
    if is_choosy(spec(change.after)) {
        let why = "affinity, spread or volumes may still keep its pods from these nodes";
        blast.notes.push(why.into());
    }
}

/// Each node that runs a pod of a DaemonSet must have room for its successor.
fn each_node(rooms: &[Room<'_>], before: Reserved, after: Reserved, blast: &mut Blast) {
    let own = rooms.iter().filter(|room| room.own_pods > 0).collect::<Vec<_>>();
    let without = own
        .iter()
        .filter(|room| !room.for_one(true).holds(after))
        .map(|room| room.node)
        .collect::<Vec<_>>();
    let (memory, now) =
        (quantity::spoken_bytes(after.memory), quantity::spoken_bytes(before.memory));
    if without.is_empty() {
        let all = own.len();
        blast.notes.push(format!(
            "each pod would reserve {memory} memory (now {now}); all {all} nodes that run one have room for it"
        ));
    } else {
        blast.blockers.push(format!(
            "{} of {} nodes that run one have no room for its successor of {memory} memory{}",
            without.len(),
            own.len(),
            listed(&without)
        ));
    }
}

/// `: wk-01, wk-02 and 3 more`.
fn listed(names: &[&str]) -> String {
    const NAMED: usize = 3;
    let shown = names.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len() {
        0 => String::new(),
        all if all > NAMED => format!(": {shown} and {} more", all - NAMED),
        _ => format!(": {shown}"),
    }
}

/// Why no node would take the pods, with how many nodes for each reason.
fn no_taker(nodes: &[Value], pod_spec: &Value) -> String {
    let mut reasons = BTreeMap::<String, usize>::new();
    for why in nodes.iter().filter_map(|node| refuses(node, pod_spec)) {
        *reasons.entry(why).or_default() += 1;
    }
    let reasons = reasons.iter().map(|(why, count)| format!("{count} {why}")).collect::<Vec<_>>();
    format!("no node would take its pods: {}", reasons.join(", "))
}

/// Pods that the target is to have.
fn replicas(change: &Change<'_>) -> u64 {
    value(change.after, &["spec", "replicas"]).and_then(Value::as_u64).unwrap_or(1)
}

/// Whether more than resources decides where the pods may go.
fn is_choosy(pod_spec: &Value) -> bool {
    value(pod_spec, &["affinity"]).is_some()
        || !items(pod_spec, &["topologySpreadConstraints"]).is_empty()
        || items(pod_spec, &["volumes"])
            .iter()
            .any(|volume| value(volume, &["persistentVolumeClaim"]).is_some())
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

/// Why a node would not take the pods, as far as readiness, cordon, taints and node selector go.
pub(crate) fn refuses(node: &Value, pod_spec: &Value) -> Option<String> {
    let ready = items(node, &["status", "conditions"]).iter().any(|condition| {
        text(condition, &["type"]) == "Ready" && text(condition, &["status"]) == "True"
    });
    if !ready {
        return Some("not ready".into());
    }
    if flag(node, &["spec", "unschedulable"]) {
        return Some("cordoned".into());
    }
    let labels = value(node, &["metadata", "labels"]);
    let selected =
        value(pod_spec, &["nodeSelector"]).and_then(Value::as_object).is_none_or(|all| {
            all.iter()
                .all(|(key, wanted)| labels.and_then(|labels| labels.get(key)) == Some(wanted))
        });
    if !selected {
        return Some("not matched by its node selector".into());
    }
    let tolerations = items(pod_spec, &["tolerations"]);
    items(node, &["spec", "taints"])
        .iter()
        .filter(|taint| matches!(text(taint, &["effect"]), "NoSchedule" | "NoExecute"))
        .find(|taint| !tolerations.iter().any(|one| tolerates(one, taint)))
        .map(|taint| format!("tainted {}", text(taint, &["key"])))
}

/// Whether a node has room for one more pod like this, besides those that run there.
pub(crate) fn has_room(node: &Value, pods: &[Value], pod: &Value) -> bool {
    let allocatable = Reserved {
        memory: quantity::parse_bytes(text(node, &["status", "allocatable", "memory"]))
            .unwrap_or(0),
        cpu: quantity::parse_milli(text(node, &["status", "allocatable", "cpu"])).unwrap_or(0),
    };
    let most = text(node, &["status", "allocatable", "pods"]).parse().unwrap_or(usize::MAX);
    let here = pods
        .iter()
        .filter(|pod| !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed"))
        .collect::<Vec<_>>();
    let of = |pod: &Value| reserved(value(pod, &["spec"]).unwrap_or(&Value::Null));
    let used = here.iter().map(|pod| of(pod)).fold(Reserved::default(), Reserved::plus);
    here.len() < most && allocatable.minus(used).holds(of(pod))
}

/// Whether a toleration covers a taint, as Kubernetes compares them.
fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let of = |object: &Value, member: &str| text(object, &[member]).to_string();
    let effect = of(toleration, "effect");
    let key = of(toleration, "key");
    let exists = of(toleration, "operator") == "Exists";
    (effect.is_empty() || effect == of(taint, "effect"))
        && (key == of(taint, "key") || key.is_empty() && exists)
        && (exists || of(toleration, "value") == of(taint, "value"))
}

/// What is left on one node.
struct Room<'a> {
    node: &'a str,
    /// Not reserved by any pod.
    free: Reserved,
    /// Pods that it may run besides those that it runs.
    pods_left: u64,
    /// What the largest pod of the target reserves here, and all of them together.
    own_largest: Reserved,
    own: Reserved,
    own_pods: u64,
}

impl Room<'_> {
    /// For one new pod; `first`: after an old one went.
    fn for_one(&self, first: bool) -> Reserved {
        match (first, self.pods_left) {
            (true, _) if self.own_pods > 0 => self.free.plus(self.own_largest),
            (_, 0) => Reserved::default(),
            (_, _) => self.free,
        }
    }

    /// How many new pods fit once all old ones are gone.
    fn places(&self, each: Reserved) -> u64 {
        let all = self.free.plus(self.own);
        let share = |all: u64, each: u64| all.checked_div(each).unwrap_or(u64::MAX);
        share(all.memory, each.memory)
            .min(share(all.cpu, each.cpu))
            .min(self.pods_left.saturating_add(self.own_pods))
    }
}

fn room<'a>(node: &'a Value, pods: &[Value], change: &Change<'_>) -> Room<'a> {
    let allocatable = Reserved {
        memory: quantity::parse_bytes(text(node, &["status", "allocatable", "memory"]))
            .unwrap_or(0),
        cpu: quantity::parse_milli(text(node, &["status", "allocatable", "cpu"])).unwrap_or(0),
    };
    let most_pods = text(node, &["status", "allocatable", "pods"]).parse().unwrap_or(u64::MAX);
    let mut room = Room {
        node: name(node),
        free: allocatable,
        pods_left: most_pods,
        own_largest: Reserved::default(),
        own: Reserved::default(),
        own_pods: 0,
    };
    let here = pods.iter().filter(|pod| {
        text(pod, &["spec", "nodeName"]) == name(node)
            && !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed")
    });
    for pod in here {
        let reserves = reserved(value(pod, &["spec"]).unwrap_or(&Value::Null));
        room.free = room.free.minus(reserves);
        room.pods_left = room.pods_left.saturating_sub(1);
        if mine(pod, change) {
            room.own = room.own.plus(reserves);
            room.own_pods += 1;
            if reserves.memory >= room.own_largest.memory {
                room.own_largest = reserves;
            }
        }
    }
    room
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
