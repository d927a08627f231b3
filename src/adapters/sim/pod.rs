//! What kubelets know about pods, and the record of container runs that logs and metrics are made from.

use super::behaviour::Memory;
use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// Where a container is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not started yet: `ContainerCreating`.
    Creating,
    /// The image is on its way.
    Pulling,
    /// The pull failed just now: `ErrImagePull`.
    PullFailed,
    /// Waits before the next pull: `ImagePullBackOff`.
    PullBackOff,
    /// A Secret, ConfigMap or key is not there: `CreateContainerConfigError`.
    ConfigError(String),
    /// It runs.
    Running,
    /// It ended, and is about to be started again.
    Ended,
    /// It ended, and waits: `CrashLoopBackOff`; so many seconds.
    BackOff(u64),
}

/// A container as its kubelet knows it.
#[derive(Debug, Clone)]
pub(super) struct ContainerRun {
    /// Its name.
    pub(super) name: String,
    /// Where it is.
    pub(super) stage: Stage,
    /// Grows with each step; steps planned in an earlier turn are stale.
    pub(super) turn: u64,
    /// Ends so far, since the last long good run.
    pub(super) failures: u32,
    /// Pulls that failed.
    pub(super) failed_pulls: u32,
    /// Times it was started again.
    pub(super) restarts: i64,
    /// Whether its readiness probe succeeded.
    pub(super) ready: bool,
}

/// A pod as its kubelet knows it.
#[derive(Debug, Clone)]
pub(super) struct PodRun {
    /// Which.
    pub(super) key: ObjectKey,
    /// Its uid.
    pub(super) uid: String,
    /// On which node.
    pub(super) node: String,
    /// Its address.
    pub(super) ip: String,
    /// How much of a program's needs this pod has, in percent.
    pub(super) percent: i64,
    /// When the kubelet saw it first.
    pub(super) since: Timestamp,
    /// Its containers, in order.
    pub(super) containers: Vec<ContainerRun>,
    /// When it will be gone, once it is being deleted.
    pub(super) gone_at: Option<Timestamp>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    /// When.
    pub(super) at: Timestamp,
    /// Exit code.
    pub(super) code: i64,
    /// `OOMKilled`, `Error`, `Completed`.
    pub(super) reason: &'static str,
    /// Last lines printed.
    pub(super) log: Vec<String>,
}

/// One run of a container.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// Container id.
    pub(super) id: String,
    /// When it started.
    pub(super) started: Timestamp,
    /// How it ended.
    pub(super) ended: Option<Ending>,
    /// Its memory.
    pub(super) memory: Memory,
    /// Its limit then; `None`: no limit.
    pub(super) limit: Option<i64>,
    /// Thousandths of a CPU.
    pub(super) cpu_milli: i64,
    /// First lines printed.
    pub(super) log: Vec<String>,
}

/// A container of a pod, with its runs.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// Node.
    pub(super) node: String,
    /// uid of the pod.
    pub(super) pod_uid: String,
    /// Kind and name of the pod's controller.
    pub(super) owner: (String, String),
    /// Image.
    pub(super) image: String,
    /// Runs, oldest first; at most [`MOST_RUNS`].
    pub(super) runs: Vec<Run>,
    /// Runs that were thrown away.
    pub(super) dropped: i64,
    /// When its pod went.
    pub(super) gone: Option<Timestamp>,
}

/// Most runs kept of one container.
const MOST_RUNS: usize = 64;

/// Hours that the records of a pod that is gone are kept: as long as the longest range query may look back.
const KEPT_HOURS: i64 = 6;

/// All containers that are or were: by namespace, pod, container.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    /// The records.
    pub(super) all: BTreeMap<(String, String, String), Record>,
}

impl Records {
    /// The record of a container.
    pub(super) fn get(&self, namespace: &str, pod: &str, container: &str) -> Option<&Record> {
        self.all.get(&(namespace.into(), pod.into(), container.into()))
    }

    /// The record of a container, to change.
    pub(super) fn get_mut(&mut self, pod: &ObjectKey, container: &str) -> Option<&mut Record> {
        self.all.get_mut(&(pod.namespace.clone(), pod.name.clone(), container.into()))
    }

    /// Notes a run.
    pub(super) fn start(&mut self, pod: &ObjectKey, container: &str, origin: Record, run: Run) {
        let place = (pod.namespace.clone(), pod.name.clone(), container.to_string());
        let record = self.all.entry(place).or_insert_with(|| origin.clone());
        if record.pod_uid != origin.pod_uid {
            *record = origin;
        }
        record.runs.push(run);
        if record.runs.len() > MOST_RUNS {
            record.runs.remove(0);
            record.dropped += 1;
        }
    }

    /// Notes that a pod is gone.
    pub(super) fn end_pod(&mut self, uid: &str, now: Timestamp) {
        for record in self.all.values_mut().filter(|record| record.pod_uid == uid) {
            record.gone = Some(now);
            if let Some(run) = record.runs.last_mut().filter(|run| run.ended.is_none()) {
                run.ended = Some(Ending { at: now, code: 143, reason: "Error", log: Vec::new() });
            }
        }
    }

    /// Forgets pods that went long ago.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        let limit = now - chrono::TimeDelta::hours(KEPT_HOURS);
        self.all.retain(|_, record| record.gone.is_none_or(|gone| gone > limit));
    }
}

impl Record {
    /// The newest run.
    pub(super) fn last(&self) -> Option<&Run> {
        self.runs.last()
    }

    /// The newest run that ended.
    pub(super) fn last_ended(&self) -> Option<(&Run, &Ending)> {
        self.runs.iter().rev().find_map(|run| run.ended.as_ref().map(|end| (run, end)))
    }
}

/// How long a kubelet waits before the n-th start after a failure: 10 s, doubled each time, 5 minutes at most.
pub(super) fn back_off(failures: u32) -> u64 {
    10_u64.saturating_mul(1_u64 << failures.min(10)).min(300)
}
