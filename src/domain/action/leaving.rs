//! What it means that a pod goes from where it is: who makes it anew, what is lost, what holds it back, where it can go.
//!
//! Promises: a pod that nothing would make anew, one whose kubelet or DaemonSet would put it right back, and one that two
//! budgets cover are told apart; local data is named. Absent on purpose: where the scheduler will put it (affinity,
//! spread and volumes decide there too), which is said.

use crate::domain::diagnose::fields::{
    controller, int, items, name, namespace, terminating, text, value,
};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::labels;
use crate::domain::evidence::{Gathered, LIST_LIMIT, Progress, Read};
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::workflow::compile::room;
use serde_json::Value;

/// Annotation of pods that a kubelet runs from a file.
const MIRROR: &str = "kubernetes.io/config.mirror";
/// Most other nodes whose room is looked at.
const NODES: usize = 20;

/// Whether a pod leaves its node when it is told to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stand {
    /// Something makes it anew elsewhere, or it has ended.
    Goes,
    /// Whatever put it there keeps it there: DaemonSet, static pod.
    Stays(String),
    /// Nothing makes it anew.
    Bare(String),
}

/// A disruption budget over a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Its name.
    pub name: String,
    /// Disruptions that it allows now.
    pub allowed: i64,
    /// Whether it allows none even when all its pods are ready.
    pub never: bool,
}

/// One pod of a node, and what its going means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaving {
    /// Which.
    pub pod: ObjectRef,
    /// What makes it anew.
    pub owner: Option<ObjectKey>,
    /// Whether it leaves.
    pub stand: Stand,
    /// Budgets over it.
    pub budgets: Vec<Budget>,
    /// What is lost with it, in words.
    pub local_data: Vec<String>,
    /// Whether its owner has no other pod.
    pub sole: bool,
    /// Nodes that would take it, or why none would.
    pub goes_to: Result<Vec<String>, String>,
}

/// The pods of a node, each with what its going means; or why that can't be told.
#[must_use]
pub fn leaving(node: &str, gathered: &Gathered) -> Progress<Result<Vec<Leaving>, String>> {
    let mut reader = Reader::new(gathered);
    let pods = reader.pods_on(node);
    let budgets = reader.whole_list("budgets", "policy/v1", "PodDisruptionBudget", "", "");
    let nodes = reader.whole_list("nodes", "v1", "Node", "", "");
    let pods = match pods {
        Got::Have(pods) if pods.len() < LIST_LIMIT => pods,
        Got::Have(_) => return Progress::Ready(Err("the node has more pods than are read".into())),
        Got::Unreadable(why) => {
            return Progress::Ready(Err(format!("pods of node {node}: {why}")));
        }
        Got::Gone => &[],
        Got::Pending => return Progress::Need(reader.needs()),
    };
    let budgets = match budgets {
        Got::Have(budgets) => budgets,
        Got::Unreadable(why) => {
            return Progress::Ready(Err(format!("disruption budgets: {why}")));
        }
        Got::Gone | Got::Pending => &[],
    };
    let mut out = Vec::new();
    for pod in pods.iter().filter(|pod| !terminating(pod)) {
        let Some(reference) = ObjectRef::of(pod) else { continue };
        let stand = stand(pod);
        let sole = stand == Stand::Goes && sole(pod, &mut reader);
        let goes_to = places(pod, &nodes, &mut reader);
        out.push(Leaving {
            pod: reference,
            owner: controller(pod).map(|owner| owner.key),
            stand,
            budgets: budgets_over(pod, budgets),
            local_data: local_data(pod),
            sole,
            goes_to,
        });
    }
    if reader.pending() {
        return Progress::Need(reader.needs());
    }
    Progress::Ready(Ok(out))
}

/// Whether a pod leaves when it is told to.
#[must_use]
pub fn stand(pod: &Value) -> Stand {
    let path = name(pod);
    if value(pod, &["metadata", "annotations", MIRROR]).is_some() {
        return Stand::Stays(format!("{path} is a static pod: its kubelet runs it from a file"));
    }
    match controller(pod) {
        Some(owner) if owner.key.kind == "DaemonSet" => {
            Stand::Stays(format!("{path}: its DaemonSet puts it right back on that node"))
        }
        Some(owner) if owner.key.kind == "Node" => {
            Stand::Stays(format!("{path} is a static pod: its kubelet runs it from a file"))
        }
        Some(_) => Stand::Goes,
        None if matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed") => Stand::Goes,
        None => Stand::Bare(format!("{path} belongs to nothing that would make it anew")),
    }
}

/// What is lost with a pod.
#[must_use]
pub fn local_data(pod: &Value) -> Vec<String> {
    items(pod, &["spec", "volumes"])
        .iter()
        .filter_map(|volume| {
            let name = text(volume, &["name"]);
            if let Some(empty) = value(volume, &["emptyDir"]) {
                let memory = text(empty, &["medium"]) == "Memory";
                let kind = if memory { "in memory" } else { "on the node's disk" };
                return Some(format!("emptyDir {name} ({kind})"));
            }
            let claim = value(volume, &["ephemeral"]).is_some();
            claim.then(|| format!("ephemeral volume {name}, whose claim goes with it"))
        })
        .collect()
}

/// Budgets whose selector matches the pod.
#[must_use]
pub fn budgets_over(pod: &Value, budgets: &[Value]) -> Vec<Budget> {
    budgets
        .iter()
        .filter(|budget| namespace(budget) == namespace(pod))
        .filter(|budget| {
            value(budget, &["spec", "selector"]).is_some_and(|wanted| labels::matches(wanted, pod))
        })
        .map(|budget| {
            let count = |field: &str| int(budget, &["status", field]).unwrap_or(0);
            let expected = count("expectedPods");
            Budget {
                name: name(budget).to_string(),
                allowed: count("disruptionsAllowed"),
                never: expected > 0 && count("desiredHealthy") >= expected,
            }
        })
        .collect()
}

/// Whether its owner wants one pod only. What can't be read counts as more.
pub(super) fn sole(pod: &Value, reader: &mut Reader<'_>) -> bool {
    let Some(owner) = controller(pod) else { return false };
    if !matches!(owner.key.kind.as_str(), "ReplicaSet" | "StatefulSet" | "ReplicationController") {
        return false;
    }
    match reader.look(&owner.key) {
        Got::Have(object) => int(object, &["spec", "replicas"]).unwrap_or(1) <= 1,
        Got::Gone | Got::Unreadable(_) | Got::Pending => false,
    }
}

/// Nodes that would take the pod, as far as readiness, cordons, taints, selectors and room go; or why none would.
pub(super) fn places(
    pod: &Value,
    nodes: &Got<&[Value]>,
    reader: &mut Reader<'_>,
) -> Result<Vec<String>, String> {
    let nodes = match nodes {
        Got::Have(nodes) => *nodes,
        Got::Unreadable(why) => return Err(format!("which nodes would take it: {why}")),
        Got::Gone | Got::Pending => return Err("there is no node".into()),
    };
    let mut reasons = Vec::new();
    let mut takers = Vec::new();
    for node in nodes.iter().filter(|node| name(node) != text(pod, &["spec", "nodeName"])) {
        match room::refuses(node, value(pod, &["spec"]).unwrap_or(&Value::Null)) {
            Some(why) => reasons.push(format!("{} {why}", name(node))),
            None => takers.push(node),
        }
    }
    let looked = takers.len().min(NODES);
    let mut names = Vec::new();
    for node in takers.into_iter().take(looked) {
        match reader.pods_on(name(node)) {
            Got::Have(pods) if !room::has_room(node, pods, pod) => {
                reasons.push(format!("{} has no room", name(node)));
            }
            Got::Have(_) | Got::Gone | Got::Unreadable(_) | Got::Pending => {
                names.push(name(node).to_string());
            }
        }
    }
    if names.is_empty() {
        let reasons =
            if reasons.is_empty() { "there is no other".into() } else { reasons.join(", ") };
        return Err(format!("no other node would take it: {reasons}"));
    }
    Ok(names)
}

/// The read of a node's pods.
#[must_use]
pub fn pods_on(node: &str) -> Read {
    Read::PodsOn { node: node.into() }
}
