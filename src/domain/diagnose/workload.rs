//! The target with its pods: what it wants, what it has, who holds it back.

use super::chain::controlled_by;
use super::container::Pod;
use super::fields::{flag, int, items, moment, name, selector, terminating, text, uid, value};
use super::reader::{Got, Reader};
use crate::domain::resource::ObjectRef;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// A workload (or a pod on its own) and the pods that it controls.
#[derive(Debug, Clone)]
pub(crate) struct Workload<'a> {
    pub(crate) reference: ObjectRef,
    pub(crate) object: &'a Value,
    /// Pods that it controls and that aren't being deleted.
    pub(crate) pods: Vec<Pod<'a>>,
    /// Pods that it controls and that are being deleted.
    pub(crate) going: Vec<Pod<'a>>,
    /// Jobs of a CronJob, newest first.
    pub(crate) jobs: Vec<&'a Value>,
    /// ReplicaSets of a Deployment.
    pub(crate) replica_sets: Vec<&'a Value>,
    /// Whether its pods could be read.
    pub(crate) pods_known: bool,
}

impl<'a> Workload<'a> {
    /// Reads the pods of a workload. `None` while something has to be read.
    pub(crate) fn read(
        reference: &ObjectRef,
        object: &'a Value,
        jobs: &[&ObjectRef],
        reader: &mut Reader<'a>,
    ) -> Option<Self> {
        let mut it = Self {
            reference: reference.clone(),
            object,
            pods: Vec::new(),
            going: Vec::new(),
            jobs: Vec::new(),
            replica_sets: Vec::new(),
            pods_known: true,
        };
        let namespace = reference.key.namespace.as_str();
        let labels = match reference.key.kind.as_str() {
            "Pod" => {
                it.pods.push(Pod::of(object));
                return Some(it);
            }
            "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => {
                selector(value(object, &["spec", "selector"]))
            }
            // A CronJob selects no pods; those of its newest Job, and of the Job on the way up, are taken by owner.
            "CronJob" => Some(String::new()),
            _ => return Some(it),
        };
        let Some(labels) = labels else { return Some(it) };
        let pods = reader.list("missing-pods", "v1", "Pod", namespace, &labels);
        let mut owners = BTreeSet::from([reference.uid.clone()]);
        owners.extend(jobs.iter().map(|job| job.uid.clone()));
        let mut strict = true;
        if reference.key.kind == "CronJob" {
            let all = reader.list("missing-jobs", "batch/v1", "Job", namespace, "");
            it.jobs = all
                .have()
                .unwrap_or_default()
                .iter()
                .filter(|job| controlled_by(job, &reference.uid))
                .collect();
            it.jobs.sort_by_key(|job| Reverse(moment(job, &["metadata", "creationTimestamp"])));
            owners.extend(it.jobs.first().map(|job| uid(job).to_string()));
        }
        if reference.key.kind == "Deployment" {
            let sets =
                reader.list("missing-revisions", "apps/v1", "ReplicaSet", namespace, &labels);
            strict = matches!(sets, Got::Have(_));
            it.replica_sets = sets
                .have()
                .unwrap_or_default()
                .iter()
                .filter(|set| controlled_by(set, &reference.uid))
                .collect();
            owners.extend(it.replica_sets.iter().map(|set| uid(set).to_string()));
        }
        if reader.pending() {
            return None;
        }
        it.pods_known = matches!(pods, Got::Have(_));
        let (going, staying) = pods
            .have()
            .unwrap_or_default()
            .iter()
            .filter(|pod| !strict || owners.iter().any(|owner| controlled_by(pod, owner)))
            .map(Pod::of)
            .partition(|pod| terminating(pod.object));
        (it.going, it.pods) = (going, staying);
        it.pods.sort_by_key(Pod::name);
        Some(it)
    }

    pub(crate) fn kind(&self) -> &str {
        &self.reference.key.kind
    }

    /// Whether it keeps pods running (and not to an end).
    pub(crate) fn keeps_pods(&self) -> bool {
        matches!(self.kind(), "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Pod")
    }

    /// Pods that are wanted and not there; 0 where that is not known.
    pub(crate) fn wanting_pods(&self) -> i64 {
        let alive = self.pods.iter().filter(|pod| !pod.over()).count();
        let known = self.pods_known && self.keeps_pods();
        let alive = i64::try_from(alive).unwrap_or(i64::MAX);
        if known { (self.desired() - alive).max(0) } else { 0 }
    }

    /// Replicas wanted.
    pub(crate) fn desired(&self) -> i64 {
        match self.kind() {
            "Deployment" | "StatefulSet" | "ReplicaSet" => {
                int(self.object, &["spec", "replicas"]).unwrap_or(1)
            }
            "DaemonSet" => int(self.object, &["status", "desiredNumberScheduled"]).unwrap_or(0),
            "Pod" => 1,
            _ => 0,
        }
    }

    /// Pods of the newest revision that are available, as its controller counts.
    pub(crate) fn updated_available(&self) -> i64 {
        match self.kind() {
            "Deployment" => {
                let current = self.current_set();
                current.and_then(|set| int(set, &["status", "availableReplicas"])).unwrap_or(0)
            }
            "StatefulSet" => {
                let newest = text(self.object, &["status", "updateRevision"]);
                let of_it = |pod: &&Pod<'_>| {
                    text(pod.object, &["metadata", "labels", "controller-revision-hash"]) == newest
                };
                let ready = self.pods.iter().filter(of_it).filter(|pod| pod.ready()).count();
                i64::try_from(ready).unwrap_or(i64::MAX)
            }
            "DaemonSet" => {
                let updated = int(self.object, &["status", "updatedNumberScheduled"]).unwrap_or(0);
                updated.min(int(self.object, &["status", "numberAvailable"]).unwrap_or(0))
            }
            _ => self.ready(),
        }
    }

    /// Pods that are ready.
    pub(crate) fn ready(&self) -> i64 {
        i64::try_from(self.pods.iter().filter(|pod| pod.ready()).count()).unwrap_or(i64::MAX)
    }

    /// The ReplicaSet of the Deployment's newest revision.
    pub(crate) fn current_set(&self) -> Option<&'a Value> {
        let wanted = revision_number(self.object);
        self.replica_sets
            .iter()
            .copied()
            .filter(|set| wanted.is_none() || revision_number(set) == wanted)
            .max_by_key(|set| revision_number(set))
    }

    /// Whether its controller has seen the newest generation and finished rolling.
    pub(crate) fn rolled_out(&self) -> bool {
        let object = self.object;
        let seen = int(object, &["metadata", "generation"]).unwrap_or(0)
            <= int(object, &["status", "observedGeneration"]).unwrap_or(0);
        let wanted = self.desired();
        let count = |field: &str| int(object, &["status", field]).unwrap_or(0);
        match self.kind() {
            "Deployment" => {
                seen && count("updatedReplicas") == wanted
                    && count("replicas") == wanted
                    && count("availableReplicas") == wanted
            }
            "StatefulSet" if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" => {
                seen && count("readyReplicas") == wanted
            }
            "StatefulSet" => {
                let kept = int(object, &["spec", "updateStrategy", "rollingUpdate", "partition"])
                    .unwrap_or(0)
                    .min(wanted);
                let same = text(object, &["status", "currentRevision"])
                    == text(object, &["status", "updateRevision"]);
                seen && count("readyReplicas") == wanted
                    && if kept == 0 { same } else { count("updatedReplicas") >= wanted - kept }
            }
            "DaemonSet" => {
                let updated = text(object, &["spec", "updateStrategy", "type"]) == "OnDelete"
                    || count("updatedNumberScheduled") == wanted;
                seen && updated && count("numberAvailable") == wanted
            }
            "ReplicaSet" => seen && count("readyReplicas") == wanted,
            "Pod" => self.pods.first().is_some_and(Pod::ready),
            _ => true,
        }
    }

    pub(crate) fn paused(&self) -> bool {
        flag(self.object, &["spec", "paused"]) || flag(self.object, &["spec", "suspend"])
    }

    /// The condition of that type.
    pub(crate) fn condition(&self, kind: &str) -> Option<&'a Value> {
        items(self.object, &["status", "conditions"])
            .iter()
            .find(|condition| text(condition, &["type"]) == kind)
    }
}

/// `deployment.kubernetes.io/revision`.
pub(crate) fn revision_number(object: &Value) -> Option<i64> {
    text(object, &["metadata", "annotations", "deployment.kubernetes.io/revision"]).parse().ok()
}

/// Names of objects, for sentences: `a, b and 3 more`.
pub(crate) fn some_names(names: &[&str]) -> String {
    match names {
        [] => "none".into(),
        [one] => (*one).into(),
        [one, two] => format!("{one}, {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}

/// Whether a pod was made by that ReplicaSet.
pub(crate) fn of_set(pod: &Pod<'_>, set: &Value) -> bool {
    controlled_by(pod.object, uid(set)) && !name(set).is_empty()
}
