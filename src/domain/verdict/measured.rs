//! What a sample holds: the names that checks of templates use.

use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is measured, before the first step and after the settle time.
///
/// In checks of templates `before` and `after` have these fields as members; those of [`WorkloadSample`] beside the
/// others. What does not apply to the target's kind, or could not be read, is absent: a check that uses it can't be told
/// (`after.?endpoints.?ready.orValue(0)` says what absent is to mean).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Whether it could be found out how the target stands; false makes the verdict inconclusive.
    pub readable: bool,
    /// Whether the target still exists, it and not another one of its name. A target that is gone proves nothing,
    /// unless a check asks for `after.exists`.
    #[serde(default = "yes")]
    pub exists: bool,
    /// The live object without what only servers write, with secrets hidden; `null` when it is gone. Absent when it is
    /// too large to be kept.
    #[serde(default)]
    pub object: Option<Value>,
    /// Type → status (`True`, `False`, `Unknown`) of its `status.conditions`.
    #[serde(default)]
    pub conditions: BTreeMap<String, String>,
    /// How its pods do, of a workload.
    #[serde(flatten)]
    pub workload: Option<WorkloadSample>,
    /// Pods that depend on it, of what is no workload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pods: Option<PodCounts>,
    /// Where a Service sends to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<EndpointCounts>,
    /// Alerts of the remediation that fire now; -1: not known.
    pub alerts_firing: i64,
    /// Each measure of the verification by name; absent when there was no single number.
    pub measures: BTreeMap<String, f64>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

fn yes() -> bool {
    true
}

/// How the pods of a Deployment, StatefulSet, DaemonSet, ReplicaSet or Job do, or a pod on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkloadSample {
    /// Replicas wanted.
    pub desired: i64,
    /// Pods ready (of the current revision or not).
    pub ready: i64,
    /// Pods of the newest revision that are available.
    pub updated_available: i64,
    /// Whether the controller has seen the newest generation and finished rolling.
    pub rolled_out: bool,
    /// Restarts of all containers of the owner's pods, summed.
    pub restarts: i64,
    /// Containers now waiting for a reason that is trouble (CrashLoopBackOff, ImagePullBackOff, …), or whose last run
    /// failed after the execution began and less than two minutes ago.
    pub crashing: i64,
    /// Containers whose last run was OOMKilled after the execution began (before: in the last 30 min).
    pub oom_killed: i64,
    /// Container runs that ended with failure after the execution began (before: in the last 30 min).
    pub failed_runs: i64,
}

/// Pods that depend on the target: those on a Node; those that mount a PersistentVolumeClaim; those that a Service, a
/// PodDisruptionBudget or a NetworkPolicy selects; those in the namespace of a ResourceQuota or LimitRange, or in a
/// Namespace. Absent for other kinds, and when not all pods could be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodCounts {
    /// That have not ended.
    pub all: i64,
    /// Of them, those that a drain moves: neither of a DaemonSet nor static.
    pub movable: i64,
    /// Of all, those that are ready.
    pub ready: i64,
    /// Of all, those that no node was found for.
    pub unplaced: i64,
    /// Of all, those that are being deleted.
    pub terminating: i64,
    /// That ended in failure (evicted ones are among them).
    pub failed: i64,
}

/// Endpoints of a Service, by its EndpointSlices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointCounts {
    /// Addresses that are sent to.
    pub ready: i64,
    /// Addresses that are not ready.
    pub not_ready: i64,
    /// Ports of the Service that lead, by its slices, to a port that a ready pod declares or answers its probes on.
    /// Absent where its ready pods say nothing about ports: then whether anything listens is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<i64>,
}

impl Sample {
    /// Nothing is known yet.
    #[must_use]
    pub fn nothing(at: Timestamp) -> Self {
        Self {
            at,
            readable: false,
            exists: true,
            object: None,
            conditions: BTreeMap::new(),
            workload: None,
            pods: None,
            endpoints: None,
            alerts_firing: -1,
            measures: BTreeMap::new(),
            missing: Vec::new(),
        }
    }

    /// How the target stands, in a line.
    #[must_use]
    pub fn words(&self) -> String {
        if !self.exists {
            return "gone".into();
        }
        if !self.readable {
            return "not known".into();
        }
        let mut words = Vec::new();
        if let Some(it) = &self.workload {
            words.push(format!(
                "ready {} of {}, restarts {}, OOM kills {}, crashing {}",
                it.ready, it.desired, it.restarts, it.oom_killed, it.crashing
            ));
            return words.join(", ");
        }
        words.extend(
            self.conditions.iter().take(8).map(|(kind, status)| format!("{kind} {status}")),
        );
        if let Some(pods) = &self.pods {
            let (all, ready, unplaced) = (pods.all, pods.ready, pods.unplaced);
            words.push(format!("{all} pods, {ready} of them ready, {unplaced} without a node"));
        }
        if let Some(endpoints) = &self.endpoints {
            let (ready, others) = (endpoints.ready, endpoints.not_ready);
            let reached = endpoints.reached.map_or_else(String::new, |count| {
                format!(", {count} of its ports lead to one that they have")
            });
            words.push(format!("{ready} endpoints ready, {others} not{reached}"));
        }
        if words.is_empty() { "there".into() } else { words.join(", ") }
    }
}
