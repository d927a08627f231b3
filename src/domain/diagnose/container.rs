//! One container of one pod: what its runs were, and whether it is in trouble now.

use super::fields::{flag, int, items, moment, named, text, value};
use crate::domain::time::{Timestamp, seconds_between};
use serde_json::Value;

/// A failure is recent for this long, at least; for twice the length of the run, when that was longer.
pub(crate) const RECENT_S: i64 = 600;
const DAY_S: i64 = 86_400;

/// A run that ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    /// `OOMKilled`, `Error`, `Completed`, `StartError`, …
    pub(crate) reason: String,
    pub(crate) exit_code: i64,
    pub(crate) message: String,
    pub(crate) started: Option<Timestamp>,
    pub(crate) finished: Option<Timestamp>,
    /// Field it was read from: `state.terminated` or `lastState.terminated`.
    pub(crate) field: &'static str,
}

impl Run {
    fn of(status: &Value, state: &'static str) -> Option<Self> {
        let terminated = value(status, &[state, "terminated"])?;
        Some(Self {
            reason: text(terminated, &["reason"]).into(),
            exit_code: int(terminated, &["exitCode"]).unwrap_or(0),
            message: text(terminated, &["message"]).into(),
            started: moment(terminated, &["startedAt"]),
            finished: moment(terminated, &["finishedAt"]),
            field: if state == "state" { "state.terminated" } else { "lastState.terminated" },
        })
    }

    /// How long it ran.
    pub(crate) fn seconds(&self) -> Option<i64> {
        Some(seconds_between(self.started?, self.finished?).max(0))
    }

    /// Whether the kernel killed it, or a process in it, for memory. The exit code alone says nothing: 137 is any
    /// SIGKILL.
    pub(crate) fn oom(&self) -> bool {
        self.reason == "OOMKilled"
    }

    pub(crate) fn failed(&self) -> bool {
        self.exit_code != 0 || self.oom()
    }

    fn recent(&self, now: Timestamp) -> bool {
        let horizon = RECENT_S.max((2 * self.seconds().unwrap_or(0)).min(DAY_S));
        self.finished.is_none_or(|finished| seconds_between(finished, now) <= horizon)
    }
}

/// What it does now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Doing {
    Waiting {
        reason: String,
        message: String,
    },
    Running {
        since: Option<Timestamp>,
    },
    Ended,
    /// The kubelet has not said anything yet.
    NotSaid,
}

/// What it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// Runs before the others, once.
    Init,
    /// An init container that stays (`restartPolicy: Always`).
    Sidecar,
    Main,
}

/// The kind of trouble that a container is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Its configuration can't be put together (`CreateContainerConfigError`).
    Config,
    /// Its image can't be had.
    Image,
    /// It can't be started (`RunContainerError`, `StartError`, …).
    Start,
    /// It ends with failure, or ends though it should stay.
    Crash,
}

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Container<'a> {
    pub(crate) name: &'a str,
    pub(crate) role: Role,
    pub(crate) restarts: i64,
    /// Whether the kubelet calls it ready.
    pub(crate) ready: bool,
    pub(crate) doing: Doing,
    /// Runs that ended, newest first (the kubelet keeps at most two).
    pub(crate) runs: Vec<Run>,
    /// Its part of the pod's spec.
    pub(crate) spec: Option<&'a Value>,
    restart_always: bool,
}

const IMAGE: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "ImageInspectError",
    "RegistryUnavailable",
];
const START: [&str; 5] = [
    "RunContainerError",
    "CreateContainerError",
    "PreCreateHookError",
    "PreStartHookError",
    "PostStartHookError",
];

impl<'a> Container<'a> {
    /// All containers of a pod, init containers first.
    pub(crate) fn all(pod: &'a Value) -> Vec<Self> {
        let always = !matches!(text(pod, &["spec", "restartPolicy"]), "Never" | "OnFailure");
        [("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")]
            .into_iter()
            .flat_map(|(spec, status)| {
                let statuses = items(pod, &["status", status]);
                items(pod, &["spec", spec]).iter().map(move |spec_of| {
                    let stays = text(spec_of, &["restartPolicy"]) == "Always";
                    let role = match (spec, stays) {
                        ("initContainers", true) => Role::Sidecar,
                        ("initContainers", false) => Role::Init,
                        _ => Role::Main,
                    };
                    Self::new(spec_of, named(statuses, text(spec_of, &["name"])), role, always)
                })
            })
            .collect()
    }

    fn new(spec: &'a Value, status: Option<&'a Value>, role: Role, pod_always: bool) -> Self {
        let nothing = &Value::Null;
        let status = status.unwrap_or(nothing);
        let doing = if let Some(waiting) = value(status, &["state", "waiting"]) {
            Doing::Waiting {
                reason: text(waiting, &["reason"]).into(),
                message: text(waiting, &["message"]).into(),
            }
        } else if let Some(running) = value(status, &["state", "running"]) {
            Doing::Running { since: moment(running, &["startedAt"]) }
        } else if value(status, &["state", "terminated"]).is_some() {
            Doing::Ended
        } else {
            Doing::NotSaid
        };
        Self {
            name: text(spec, &["name"]),
            role,
            restarts: int(status, &["restartCount"]).unwrap_or(0),
            ready: flag(status, &["ready"]),
            doing,
            runs: ["state", "lastState"].iter().filter_map(|s| Run::of(status, s)).collect(),
            spec: Some(spec),
            restart_always: match role {
                Role::Init => false,
                Role::Sidecar => true,
                Role::Main => pod_always,
            },
        }
    }

    /// The run that ended last.
    pub(crate) fn last_run(&self) -> Option<&Run> {
        self.runs.first()
    }

    /// The reason it waits for, empty when it does not wait.
    pub(crate) fn waiting(&self) -> (&str, &str) {
        match &self.doing {
            Doing::Waiting { reason, message } => (reason, message),
            Doing::Running { .. } | Doing::Ended | Doing::NotSaid => ("", ""),
        }
    }

    /// Whether it is an init container that runs: the others are not started before it has ended.
    pub(crate) fn holds_the_others(&self) -> bool {
        self.role == Role::Init && matches!(self.doing, Doing::Running { .. })
    }

    /// Whether its command runs one of the programs by which something on the network is waited for.
    pub(crate) fn asks_the_network(&self) -> bool {
        const PROGRAMS: [&str; 12] = [
            "nslookup",
            "dig",
            "getent",
            "host",
            "nc",
            "ncat",
            "wget",
            "curl",
            "ping",
            "telnet",
            "pg_isready",
            "mysqladmin",
        ];
        let Some(spec) = self.spec else { return false };
        let words = ["command", "args"].into_iter().flat_map(|field| items(spec, &[field]));
        words
            .filter_map(Value::as_str)
            .flat_map(|text| text.split(|c: char| c.is_whitespace() || ";|&()/".contains(c)))
            .any(|word| PROGRAMS.contains(&word))
    }

    /// Whether a run that ended counts as trouble for this container: it failed, or ended though it should stay.
    pub(crate) fn ended_badly(&self, run: &Run) -> bool {
        run.failed() || (self.restart_always && (self.restarts > 0 || self.role != Role::Init))
    }

    /// What trouble it is in, if any. A container that runs at this instant is still in trouble while its last failure
    /// is recent: a crash loop runs between two crashes. So is one that ended well though it should stay: a program that
    /// takes its probe's SIGTERM for a reason to end in order.
    pub(crate) fn trouble(&self, now: Timestamp) -> Option<Trouble> {
        match &self.doing {
            Doing::Waiting { reason, .. } if reason == "CreateContainerConfigError" => {
                Some(Trouble::Config)
            }
            Doing::Waiting { reason, .. } if IMAGE.contains(&reason.as_str()) => {
                Some(Trouble::Image)
            }
            Doing::Waiting { reason, .. } if START.contains(&reason.as_str()) => {
                Some(Trouble::Start)
            }
            Doing::Waiting { reason, .. } if reason == "CrashLoopBackOff" => Some(self.ended_how()),
            Doing::Waiting { .. } | Doing::Ended => self
                .last_run()
                .filter(|run| self.ended_badly(run) && run.recent(now))
                .map(|_| self.ended_how()),
            Doing::Running { .. } => self
                .last_run()
                .filter(|run| self.ended_badly(run) && run.recent(now))
                .map(|_| self.ended_how()),
            Doing::NotSaid => None,
        }
    }

    fn ended_how(&self) -> Trouble {
        match self.last_run().map(|run| run.reason.as_str()) {
            Some("StartError" | "ContainerCannotRun") => Trouble::Start,
            _ => Trouble::Crash,
        }
    }

    /// How it is, in a few words: `db waits in ImagePullBackOff` without the name.
    pub(crate) fn how(&self, trouble: Trouble) -> String {
        let (reason, _) = self.waiting();
        match (trouble, self.last_run()) {
            (Trouble::Crash | Trouble::Start, Some(run)) => {
                format!("{} (exit {})", run.reason, run.exit_code)
            }
            (Trouble::Crash | Trouble::Start, None) | (Trouble::Config | Trouble::Image, _) => {
                reason.to_string()
            }
        }
    }

    /// A resource of its spec: `limits`/`requests`, `memory`.
    pub(crate) fn resource(&self, class: &str, which: &str) -> Option<&'a str> {
        self.spec.and_then(|spec| value(spec, &["resources", class, which])).and_then(Value::as_str)
    }
}

/// One pod.
#[derive(Debug, Clone)]
pub(crate) struct Pod<'a> {
    pub(crate) object: &'a Value,
    pub(crate) containers: Vec<Container<'a>>,
}

impl<'a> Pod<'a> {
    pub(crate) fn of(object: &'a Value) -> Self {
        Self { object, containers: Container::all(object) }
    }

    pub(crate) fn name(&self) -> &'a str {
        super::fields::name(self.object)
    }

    /// Whether its Ready condition holds.
    pub(crate) fn ready(&self) -> bool {
        self.condition("Ready").is_some_and(|condition| text(condition, &["status"]) == "True")
    }

    pub(crate) fn condition(&self, kind: &str) -> Option<&'a Value> {
        items(self.object, &["status", "conditions"])
            .iter()
            .find(|condition| text(condition, &["type"]) == kind)
    }

    pub(crate) fn phase(&self) -> &'a str {
        text(self.object, &["status", "phase"])
    }

    /// Containers in trouble. Those of a pod that was ended from outside (evicted, preempted, shut down with its node)
    /// did nothing wrong.
    pub(crate) fn troubled(
        &self,
        now: Timestamp,
    ) -> impl Iterator<Item = (&Container<'a>, Trouble)> {
        let own = !self.ended_from_outside();
        self.containers
            .iter()
            .filter(move |_| own)
            .filter_map(move |one| Some((one, one.trouble(now)?)))
    }

    /// Whether it has come to its end, well or not.
    pub(crate) fn over(&self) -> bool {
        matches!(self.phase(), "Succeeded" | "Failed")
    }

    /// Whether the kubelet evicted it.
    pub(crate) fn evicted(&self) -> bool {
        self.phase() == "Failed" && text(self.object, &["status", "reason"]) == "Evicted"
    }

    fn ended_from_outside(&self) -> bool {
        const REASONS: [&str; 7] = [
            "Evicted",
            "Preempting",
            "Terminated",
            "NodeShutdown",
            "NodeLost",
            "NodeAffinity",
            "UnexpectedAdmissionError",
        ];
        let reason = text(self.object, &["status", "reason"]);
        let told = REASONS.contains(&reason) || reason.starts_with("OutOf");
        (self.phase() == "Failed" && told) || self.ended_silently()
    }

    /// Whether it came to a good end though its containers are always started again. Only the kubelet ends such a pod:
    /// what it evicts, and whose containers end with 0 then, keeps neither reason nor message in its status.
    pub(crate) fn ended_silently(&self) -> bool {
        let always =
            !matches!(text(self.object, &["spec", "restartPolicy"]), "Never" | "OnFailure");
        self.phase() == "Succeeded" && always
    }

    /// The node that it is on; empty: none yet.
    pub(crate) fn node(&self) -> &'a str {
        text(self.object, &["spec", "nodeName"])
    }

    /// The hash of its revision; empty: its maker has none.
    pub(crate) fn revision(&self) -> &'a str {
        let labels = |key: &str| text(self.object, &["metadata", "labels", key]);
        match labels("pod-template-hash") {
            "" => labels("controller-revision-hash"),
            hash => hash,
        }
    }

    /// Whether its containers are well by their status, though the pod counts as not ready: a kubelet that reports no
    /// more leaves that behind.
    pub(crate) fn looks_abandoned(&self) -> bool {
        !self.ready()
            && !self.node().is_empty()
            && !self.containers.is_empty()
            && self
                .containers
                .iter()
                .filter(|one| one.role != Role::Init)
                .all(|one| one.ready && matches!(one.doing, Doing::Running { .. }))
    }

    pub(crate) fn restarts(&self) -> i64 {
        self.containers.iter().map(|container| container.restarts).sum()
    }
}
