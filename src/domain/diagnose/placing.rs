//! Why a pod can't be placed: the scheduler's message taken apart, held against what the nodes and the claims say.
//!
//! ```text
//! 0/3 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {dedicated: gpu},
//! 1 node(s) were unschedulable. preemption: …
//! ```
//! The scheduler stops at the first reason per node, in the order cordon, taints, node affinity, ports, resources,
//! volumes, spread, pod affinity: a node that it calls short of memory would do in every respect before that.

use super::container::Pod;
use super::fields::{items, text, value};
use super::node::{Taint, cordoned, requested, selected, too_small_in, untolerated};
use super::reader::{Got, Reader};
use crate::domain::resource::ObjectKey;
use serde_json::Value;
use std::collections::BTreeMap;

/// Claims of one pod that are looked up.
const CLAIMS: usize = 5;

/// Why a number of nodes won't do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Why {
    Cordoned,
    /// A taint, as `{key: value}`.
    Taint(String),
    /// Node selector or node affinity.
    Selector,
    /// Other pods: affinity, anti-affinity, spread.
    OtherPods,
    /// Host ports are taken.
    Ports,
    /// Not enough of a resource.
    Short(String),
    /// A volume is elsewhere.
    VolumeElsewhere,
    /// A claim is not bound, gone, or going.
    Claim,
    /// In other words.
    Other,
}

/// One part of the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    /// 0: all, without a count.
    pub(crate) nodes: usize,
    pub(crate) why: Why,
    pub(crate) words: String,
}

/// Takes a message apart: nodes in all, and the parts.
pub(crate) fn parts(message: &str) -> (usize, Vec<Part>) {
    let (head, rest) = message.split_once(" nodes are available: ").unwrap_or(("0/0", message));
    let all = head.rsplit('/').next().and_then(|count| count.trim().parse().ok()).unwrap_or(0);
    // The first sentence has the reasons; those about preemption and resource claims come behind it.
    let end = rest.find(". ").or_else(|| rest.find(" preemption:")).unwrap_or(rest.len());
    let rest = rest.get(..end).unwrap_or(rest).trim().trim_end_matches('.');
    (all, split(rest).into_iter().map(part).collect())
}

/// Splits at commas that are in no braces, brackets or quotes.
fn split(text: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut from) = (0_i32, false, 0);
    let mut found = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '{' | '(' | '[' => depth += 1,
            '}' | ')' | ']' => depth -= 1,
            '"' => quoted = !quoted,
            ',' if depth <= 0 && !quoted => {
                found.extend(text.get(from..at));
                from = at + 1;
            }
            _ => {}
        }
    }
    found.extend(text.get(from..));
    found.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn part(words: &str) -> Part {
    let digits = words.find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
    let (count, rest) = words.split_at(digits);
    let rest = rest.trim();
    let has = |what: &str| rest.contains(what);
    let why = if let Some(resource) = rest.strip_prefix("Insufficient ") {
        Why::Short(resource.trim().into())
    } else if has("Too many pods") {
        Why::Short("pods".into())
    } else if has("were unschedulable") {
        Why::Cordoned
    } else if has("untolerated taint") {
        let taint = rest.find('{').and_then(|at| rest.get(at..)).unwrap_or("{}");
        Why::Taint(taint.into())
    } else if has("node affinity/selector") || has("NodeName") || has("requested node name") {
        Why::Selector
    } else if has("affinity rules") || has("topology spread") {
        Why::OtherPods
    } else if has("free ports") {
        Why::Ports
    } else if has("ersistentvolumeclaim") || has("PersistentVolumeClaim") {
        Why::Claim
    } else if ["volume node affinity conflict", "volume zone", "PersistentVolume's node affinity"]
        .iter()
        .any(|words| has(words))
    {
        Why::VolumeElsewhere
    } else if has("persistent volumes to bind") || has("enough free storage") {
        Why::Claim
    } else {
        Why::Other
    };
    Part { nodes: count.parse().unwrap_or(0), why, words: rest.into() }
}

/// How a pod would do on one node, but for room.
#[derive(Debug, Clone)]
pub(crate) struct Fit<'a> {
    pub(crate) node: &'a Value,
    pub(crate) selected: bool,
    pub(crate) cordoned: bool,
    pub(crate) taints: Vec<Taint>,
    /// Resources of which the whole node has too little.
    pub(crate) too_small_in: Vec<String>,
}

impl Fit<'_> {
    /// Whether only its state (cordoned, not ready, under pressure) keeps the pod away.
    pub(crate) fn but_for_state(&self) -> bool {
        self.selected
            && self.too_small_in.is_empty()
            && self.taints.iter().all(Taint::of_state)
            && (self.cordoned || !self.taints.is_empty())
    }

    /// Whether only taints that somebody set for a purpose keep the pod away.
    pub(crate) fn but_for_taints(&self) -> bool {
        self.selected
            && self.too_small_in.is_empty()
            && !self.cordoned
            && !self.taints.is_empty()
            && !self.taints.iter().any(Taint::of_state)
    }
}

/// A claim of the pod.
#[derive(Debug, Clone)]
pub(crate) struct Claim<'a> {
    pub(crate) key: ObjectKey,
    pub(crate) got: Got<&'a Value>,
}

/// A pod that can't be placed.
#[derive(Debug, Clone)]
pub(crate) struct Placing<'a> {
    pub(crate) pod: &'a str,
    /// `Unschedulable`, `SchedulingGated`.
    pub(crate) reason: &'a str,
    pub(crate) words: &'a str,
    /// Nodes that the scheduler counted.
    pub(crate) counted: usize,
    pub(crate) parts: Vec<Part>,
    pub(crate) spec: &'a Value,
    pub(crate) requested: BTreeMap<String, u64>,
    /// `None` when the nodes can't be read.
    pub(crate) fits: Option<Vec<Fit<'a>>>,
    pub(crate) claims: Vec<Claim<'a>>,
}

impl<'a> Placing<'a> {
    /// Reads what there is about the first pod that can't be placed. Reads may be due after it.
    pub(crate) fn read(pods: &[Pod<'a>], namespace: &str, reader: &mut Reader<'a>) -> Option<Self> {
        let (pod, condition) = pods.iter().find_map(|pod| {
            let condition = pod.condition("PodScheduled")?;
            (text(condition, &["status"]) == "False").then_some((pod, condition))
        })?;
        let spec = value(pod.object, &["spec"])?;
        let words = text(condition, &["message"]);
        let (counted, parts) = parts(words);
        let requested = requested(spec);
        let nodes = reader.list("missing-nodes", "v1", "Node", "", "").have();
        let fits = nodes.map(|nodes| nodes.iter().map(|node| fit(node, spec, &requested)));
        let claims = claims(spec, pod.name(), namespace).into_iter().take(CLAIMS);
        Some(Self {
            pod: pod.name(),
            reason: text(condition, &["reason"]),
            words,
            counted,
            parts,
            spec,
            fits: fits.map(Iterator::collect),
            claims: claims
                .map(|key| Claim { got: reader.object("missing-claims", &key), key })
                .collect(),
            requested,
        })
    }

    /// The parts of that kind.
    pub(crate) fn because(&self, wanted: impl Fn(&Why) -> bool) -> Vec<&Part> {
        self.parts.iter().filter(|part| wanted(&part.why)).collect()
    }

    /// Nodes on which the pod could be, judged by one question.
    pub(crate) fn nodes(&self, wanted: impl Fn(&Fit<'a>) -> bool) -> Vec<&Fit<'a>> {
        self.fits.iter().flatten().filter(|fit| wanted(fit)).collect()
    }
}

fn fit<'a>(node: &'a Value, spec: &Value, requested: &BTreeMap<String, u64>) -> Fit<'a> {
    Fit {
        node,
        selected: selected(node, spec),
        cordoned: cordoned(node),
        taints: untolerated(node, spec)
            .into_iter()
            .filter(|taint| taint.key != "node.kubernetes.io/unschedulable")
            .collect(),
        too_small_in: too_small_in(node, requested),
    }
}

/// The claims that a pod mounts; those of generic ephemeral volumes have the pod's name in theirs.
pub(crate) fn claims(spec: &Value, pod: &str, namespace: &str) -> Vec<ObjectKey> {
    items(spec, &["volumes"])
        .iter()
        .filter_map(|volume| {
            let named = text(volume, &["persistentVolumeClaim", "claimName"]);
            if !named.is_empty() {
                return Some(named.to_string());
            }
            let own = value(volume, &["ephemeral", "volumeClaimTemplate"]).is_some();
            own.then(|| format!("{pod}-{}", text(volume, &["name"])))
        })
        .map(|claim| ObjectKey::new("v1", "PersistentVolumeClaim", namespace, &claim))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_part_of_the_schedulers_message_is_understood() {
        let (all, found) = parts(
            "0/6 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint {dedicated: gpu}, \
             1 node(s) were unschedulable, 1 node(s) didn't match Pod's node affinity/selector, \
             1 node(s) didn't match pod anti-affinity rules, 1 node(s) had volume node affinity conflict. \
             preemption: 0/6 nodes are available: 1 No preemption victims found for incoming pod.",
        );
        assert_eq!(all, 6);
        let why = found.iter().map(|part| part.why.clone()).collect::<Vec<_>>();
        assert_eq!(
            why,
            [
                Why::Short("memory".into()),
                Why::Taint("{dedicated: gpu}".into()),
                Why::Cordoned,
                Why::Selector,
                Why::OtherPods,
                Why::VolumeElsewhere
            ]
        );
        assert!(found.iter().all(|part| part.nodes == 1));
    }

    #[test]
    fn claims_are_told_with_and_without_a_count() {
        let why =
            |message: &str| parts(message).1.into_iter().map(|part| part.why).collect::<Vec<_>>();
        assert_eq!(
            why(
                "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/2 no"
            ),
            [Why::Claim]
        );
        assert_eq!(why("persistentvolumeclaim \"data, more\" not found"), [Why::Claim]);
        assert_eq!(
            why(
                "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind."
            ),
            [Why::Claim]
        );
    }

    #[test]
    fn claims_of_ephemeral_volumes_have_the_pods_name() {
        let spec = json!({"volumes": [{"name": "a", "persistentVolumeClaim": {"claimName": "data"}},
            {"name": "scratch", "ephemeral": {"volumeClaimTemplate": {}}}, {"name": "c", "emptyDir": {}}]});
        let names = claims(&spec, "web-1", "n").into_iter().map(|key| key.name).collect::<Vec<_>>();
        assert_eq!(names, ["data", "web-1-scratch"]);
    }
}
