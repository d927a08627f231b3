//! The pods on a node: who would have to move, what keeps them, and whether they would find a place elsewhere.

use super::examine::Surroundings;
use crate::domain::diagnose::fields::{
    controller, flag, int, items, name, namespace, terminating, text, value,
};
use crate::domain::diagnose::node::{
    Readiness, allocatable, readiness, requested, selected, untolerated,
};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::Findings;
use crate::domain::diagnose::subject::labels::matches;
use crate::domain::diagnose::workload::some_names;
use serde_json::Value;
use std::collections::BTreeMap;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Guests<'a> {
    /// Pods that would have to move.
    movers: Vec<&'a Value>,
    daemons: usize,
    /// Pods that are being deleted.
    pub(super) leaving: usize,
    bare: Vec<String>,
    local: Vec<String>,
    /// Pods whose budget lets none go now.
    held: Vec<String>,
    /// Pods that fit nowhere else; `None`: not known.
    homeless: Option<Vec<String>>,
}

impl<'a> Guests<'a> {
    pub(super) fn of(case: &Case<'a>, around: &Surroundings<'a>) -> Self {
        let mut it = Self::default();
        for pod in around.pods.unwrap_or_default() {
            if matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed") {
                continue;
            }
            if terminating(pod) {
                it.leaving += 1;
            }
            let owner = controller(pod);
            let mirror = value(pod, &["metadata", "annotations", "kubernetes.io/config.mirror"]);
            match owner.as_ref().map(|owner| owner.key.kind.as_str()) {
                Some("DaemonSet") => it.daemons += 1,
                _ if mirror.is_some() => it.daemons += 1,
                other => {
                    if other.is_none() {
                        it.bare.push(path(pod));
                    }
                    if keeps_data(pod) {
                        it.local.push(path(pod));
                    }
                    if held(pod, around.budgets.unwrap_or_default()) {
                        it.held.push(path(pod));
                    }
                    it.movers.push(pod);
                }
            }
        }
        it.homeless = homeless(case.name(), &it.movers, around);
        it
    }

    /// How many would have to move.
    pub(super) fn moving(&self) -> usize {
        self.movers.len()
    }

    pub(super) fn note(&self, case: &Case<'_>, around: &Surroundings<'_>, findings: &mut Findings) {
        if around.pods.is_none() {
            return;
        }
        let source = format!("pods on {}", case.name());
        let words = format!(
            "{} pods on it would have to move, {} would not",
            self.movers.len(),
            self.daemons
        );
        findings.add("guests", words, source.clone());
        findings.put("pods_on_node", self.movers.len());
        findings.put("daemon_pods", self.daemons);
        findings.put("bare_pods", self.bare.clone());
        findings.put("local_data_pods", self.local.clone());
        let mut blockers = Vec::new();
        let mut note = |id: &str, pods: &[String], words: &str, findings: &mut Findings| {
            if pods.is_empty() {
                return;
            }
            let shown = pods.iter().map(String::as_str).collect::<Vec<_>>();
            let words = format!("{}: {words}", some_names(&shown));
            findings.add(id, words.clone(), source.clone());
            blockers.push(words);
        };
        note("bare-pods", &self.bare, "nothing would make them again", findings);
        note("local-data", &self.local, "what they keep on the node would be lost", findings);
        note("held-by-budget", &self.held, "their budget lets none go now", findings);
        if let Some(homeless) = &self.homeless {
            note("nowhere-to-go", homeless, "no other node has a place for them", findings);
            findings.put("room_elsewhere", homeless.is_empty());
            if homeless.is_empty() && !self.movers.is_empty() {
                let words = "all of them would find a place elsewhere".to_string();
                findings.add("room-elsewhere", words, "nodes: allocatable; pods: requests".into());
            }
            // Only what is known in full may be called safe.
            let known = around.budgets.is_some();
            findings.put("drain_safe", known && blockers.is_empty());
        }
        findings.put("drain_blockers", blockers);
    }
}

fn path(pod: &Value) -> String {
    format!("{}/{}", namespace(pod), name(pod))
}

/// Whether something of it lies on the node only.
fn keeps_data(pod: &Value) -> bool {
    items(pod, &["spec", "volumes"]).iter().any(|volume| {
        let scratch = value(volume, &["emptyDir"]);
        scratch.is_some_and(|scratch| text(scratch, &["medium"]) != "Memory")
            || value(volume, &["hostPath"])
                .is_some_and(|host| !text(host, &["path"]).starts_with("/sys"))
    })
}

fn held(pod: &Value, budgets: &[Value]) -> bool {
    budgets.iter().any(|budget| {
        namespace(budget) == namespace(pod)
            && value(budget, &["spec", "selector"]).is_some_and(|selector| matches(selector, pod))
            && int(budget, &["status", "disruptionsAllowed"]).unwrap_or(0) == 0
    })
}

/// Pods that would find no place: each is placed on the first node that takes it and has room, one after the other.
/// `None` where nodes or pods are not all known.
fn homeless(node: &str, movers: &[&Value], around: &Surroundings<'_>) -> Option<Vec<String>> {
    let others = around.others.as_ref()?;
    let all = around.all_pods?;
    let mut free = others
        .iter()
        .filter(|other| readiness(other).0 == Readiness::Ready)
        .filter(|other| !flag(other, &["spec", "unschedulable"]))
        .map(|other| (*other, room(other, all)))
        .collect::<Vec<_>>();
    let mut homeless = Vec::new();
    for pod in movers.iter().filter(|pod| text(pod, &["spec", "nodeName"]) == node) {
        let Some(spec) = value(pod, &["spec"]) else { continue };
        let mut wants = requested(spec);
        wants.insert("pods".into(), 1_000);
        let place = free.iter_mut().find(|(other, free)| {
            selected(other, spec)
                && untolerated(other, spec).is_empty()
                && wants.iter().all(|(resource, wanted)| {
                    *wanted == 0 || free.get(resource).copied().unwrap_or(0) >= *wanted
                })
        });
        match place {
            Some((_, free)) => take(free, &wants),
            None => homeless.push(path(pod)),
        }
    }
    Some(homeless)
}

fn take(free: &mut BTreeMap<String, u64>, wants: &BTreeMap<String, u64>) {
    for (resource, wanted) in wants {
        let left = free.entry(resource.clone()).or_default();
        *left = left.saturating_sub(*wanted);
    }
}

/// What is left on a node, by resource.
fn room(node: &Value, pods: &[Value]) -> BTreeMap<String, u64> {
    let resources = value(node, &["status", "allocatable"]).and_then(Value::as_object);
    let mut free = resources
        .into_iter()
        .flatten()
        .filter_map(|(resource, _)| Some((resource.clone(), allocatable(node, resource)?)))
        .collect::<BTreeMap<_, _>>();
    for pod in pods {
        let here = text(pod, &["spec", "nodeName"]) == name(node)
            && !matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
        if here {
            let mut wants = value(pod, &["spec"]).map(requested).unwrap_or_default();
            wants.insert("pods".into(), 1_000);
            take(&mut free, &wants);
        }
    }
    free
}
