//! The nodes under pods whose trouble a node may explain: abandoned, evicted or overdue pods, pods that fail on one node
//! while their like are well on others, and containers that the kernel killed though they have no memory limit.

use super::container::Pod;
use super::event::Event;
use super::fields::{moment, uid};
use super::picture::Picture;
use super::reader::{Got, Reader};
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::time::{Timestamp, seconds_between};
use serde_json::Value;
use std::collections::BTreeMap;

/// Nodes that are looked at.
const NODES: usize = 3;
/// An eviction is news for this long.
const NEWS_S: i64 = 3_600;

/// A node and why it is looked at.
#[derive(Debug, Clone)]
pub(crate) struct Seat<'a> {
    pub(crate) key: ObjectKey,
    pub(crate) got: Got<&'a Value>,
    /// Pods on it that brought it here.
    pub(crate) pods: Vec<String>,
}

impl<'a> Seat<'a> {
    /// The node, where it could be read.
    pub(crate) fn node(&self) -> Option<&'a Value> {
        self.got.clone().have()
    }

    /// The node as a culprit.
    pub(crate) fn reference(&self) -> Option<ObjectRef> {
        let node = self.node()?;
        Some(ObjectRef { key: self.key.clone(), uid: uid(node).into() })
    }
}

/// Reads them. Reads may be due after it.
pub(crate) fn read<'a>(picture: &Picture<'a>, reader: &mut Reader<'a>) -> Vec<Seat<'a>> {
    let mut wanted: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut take = |pod: &Pod<'a>| {
        if !pod.node().is_empty() {
            wanted.entry(pod.node()).or_default().push(pod.name().into());
        }
    };
    picture.stuck.iter().filter(|pod| pod.looks_abandoned()).for_each(&mut take);
    picture.overdue().into_iter().for_each(&mut take);
    evicted(picture).into_iter().for_each(&mut take);
    if let Some((_, failing)) = on_one_node(picture) {
        failing.into_iter().for_each(&mut take);
    }
    if let Some(focus) = &picture.focus
        && picture.limit().is_none()
        && focus.container.last_run().is_some_and(super::container::Run::oom)
    {
        focus.pods.iter().filter(|pod| pod.name() == focus.pod).for_each(&mut take);
    }
    wanted
        .into_iter()
        .take(NODES)
        .map(|(name, pods)| {
            let key = ObjectKey::new("v1", "Node", "", name);
            Seat { got: reader.object("missing-nodes", &key), key, pods }
        })
        .collect()
}

/// Pods that were evicted within the last hour.
pub(crate) fn evicted<'p, 'a>(picture: &'p Picture<'a>) -> Vec<&'p Pod<'a>> {
    let news = |pod: &&Pod<'_>| {
        let told = pod.evicted() || evicted_by(pod, picture).is_some();
        told && evicted_at(pod).is_none_or(|at| seconds_between(at, picture.now) <= NEWS_S)
    };
    picture.workload.pods.iter().filter(news).collect()
}

/// The kubelet's event of an eviction that the pod's status says nothing of.
pub(crate) fn evicted_by<'a>(pod: &Pod<'_>, picture: &Picture<'a>) -> Option<Event<'a>> {
    let of_it = |event: &&Event<'a>| {
        event.reason() == "Evicted" && event.about() == uid(pod.object) && pod.ended_silently()
    };
    picture.events.iter().find(of_it).copied()
}

/// When a pod was evicted.
pub(crate) fn evicted_at(pod: &Pod<'_>) -> Option<Timestamp> {
    let told = pod.condition("DisruptionTarget").or_else(|| pod.condition("Ready"));
    told.and_then(|condition| moment(condition, &["lastTransitionTime"]))
}

/// The node on which all failing pods are, and these, where pods of the same revision are ready on others.
pub(crate) fn on_one_node<'p, 'a>(picture: &'p Picture<'a>) -> Option<(&'a str, Vec<&'p Pod<'a>>)> {
    let failing = picture.pods_in_trouble();
    let failing = failing.into_iter().filter(|pod| !pod.node().is_empty()).collect::<Vec<_>>();
    let first = failing.first()?;
    let (node, revision) = (first.node(), first.revision());
    let together = failing.iter().all(|pod| pod.node() == node && pod.revision() == revision);
    let like = |pod: &&Pod<'_>| pod.ready() && pod.revision() == revision;
    let elsewhere = picture.workload.pods.iter().filter(like).filter(|pod| pod.node() != node);
    let here = picture.workload.pods.iter().filter(like).filter(|pod| pod.node() == node);
    let telling = together && elsewhere.count() > 0 && here.count() == 0 && !revision.is_empty();
    telling.then_some((node, failing))
}
