//! From alerts and what was read to a diagnosis: pure functions over [`Gathered`](super::evidence::Gathered).
//!
//! ```text
//! named ─► chain ─► picture (workload, focus, revisions, references, memory, cpu, probe, placing, denied, seats, dependency …)
//!                │     └─► facts ─► rules/* weigh them ─► conclude (disposition, summary, values) ─► Diagnosis
//!                └─► subject/* (a node, a claim, a Service …: one examiner per kind) ─► settle ─► Diagnosis
//! ```
//!
//! Promises: an alert's wording decides nothing, its labels only say where to look; every weighed fact is in the
//! evidence with its source; what could not be read is a Missing fact; below a confidence of 0.5, or where two causes
//! come out alike, the cause is *unknown*. Each function asks for reads that were not made yet and is called again.
//!
//! Values for templates (absent when not known):
//!
//! | name | meaning |
//! | --- | --- |
//! | `container`, `pod` | the container that the case is about, and the pod with its newest trouble |
//! | `failing_pods` | names of pods in which it is in trouble |
//! | `replicas`, `ready`, `restarts` | wanted; ready now; restarts of all containers of all pods |
//! | `paused`, `autoscaled` | whether the rollout is paused; whether an autoscaler holds the replicas |
//! | `memory_limit_bytes`, `memory_request_bytes` | of that container, as the failing pod has them |
//! | `peak_working_set_bytes`, `working_set_bytes` | highest and newest sample; short peaks are missed, so a container that was OOMKilled needed at least its limit, whatever the peak says |
//! | `slope_bytes_per_s` | growth over its longest sampled life |
//! | `oom_kills` | ended runs known to be OOMKilled (the kubelet keeps two per container) |
//! | `run_seconds_last`, `exit_code_last` | of the run that ended last |
//! | `current_revision`, `healthy_revision` | `{number, kind, name, uid}` of the ReplicaSet or ControllerRevision; the latter only if it is known to work and runs something else |
//! | `changed` | field paths of the pod template that differ between the two |
//! | `missing` | `Secret payments/db-creds key password`, several joined by `, ` |
//! | `probe`, `probe_asks`, `probe_path` | `liveness`, `startup` or `readiness`, the one that fails; `GET :8080/healthz`; the path of an HTTP probe |
//! | `initial_delay_seconds`, `probe_period_seconds`, `probe_timeout_seconds`, `probe_failures` | its figures |
//! | `probe_patience_seconds` | seconds after the start at which it may give up |
//! | `image`, `pull_problem` | the image that can't be had; `denied`, `not-there`, `registry-not-reached`, `limited`, `no-name`, `never-pulled`, `other-platform` or `other` |
//! | `requests` | what a pod that can't be placed requests, by resource: `{memory: 64Gi}` |
//! | `short_of` | resources of which nodes have too little for it |
//! | `taint` | taints that keep it off, as `dedicated=gpu:NoSchedule` |
//! | `wanted_labels` | labels that it asks of nodes |
//! | `node` | the node that is to blame |
//! | `claim` | the claim that holds it |
//! | `dependency`, `dependency_object` | the address that does not answer, `db:5432`; the workload behind it, `shop/StatefulSet/db` |
//! | `dependency_says` | how its worst pod stands and the end of that one's log, where it is not ready |
//! | `quota`, `denied` | the ResourceQuota or LimitRange; the API server's words |
//! | `job` | the Job that fails |
//! | `cpu_limit_millis`, `throttled_share`, `cpu_used_millis` | of the container |
//! | `autoscaler`, `max_replicas` | of the workload, where it has one |
//! | `stale_pods` | pods of a StatefulSet that fail and are of an earlier revision, in the order in which it makes them |
//! | `finalizers`, `overdue_pods`, `evicted_pods` | of a pod that can't go; names of pods that should be gone, and that were evicted |
//!
//! Absent on purpose: splitting names to guess owners; anything that a text in the cluster claims about itself.

mod asked;
pub(crate) mod chain;
mod conclude;
pub(crate) mod container;
mod cpu;
mod culprit;
mod denied;
mod dependency;
mod differ;
mod disposition;
mod event;
mod facts;
pub(crate) mod fields;
mod figures;
mod focus;
mod guessed_app;
mod guesses;
mod hint;
pub(crate) mod keepers;
mod kinds;
mod label_names;
mod memory;
mod named;
mod nearby;
mod needs;
pub(crate) mod node;
mod picture;
mod placing;
mod probe;
mod pulling;
pub(crate) mod reader;
pub(crate) mod references;
mod refusing;
mod revisions;
mod rule;
mod rules;
mod seats;
pub(crate) mod subject;
mod summary;
mod values;
pub(crate) mod workload;

pub use asked::{Unfit, of_object};
pub use chain::owner;
pub use conclude::diagnose;
pub use keepers::managers;
pub use named::{named_object, place_of};
