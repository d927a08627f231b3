//! Kubelets: start containers, let them die, back off, report.
//!
//! ```text
//! Creating ─► Pulling ─► Running ─► Ended ─► Running (first failure) or BackOff ─► Running
//!    │  ▲        │          ▲
//!    │  └─ ConfigError ─────┤        a missing Secret, ConfigMap or key; looked at again every 12 s
//!    └─► PullFailed ─► PullBackOff   an image that does not exist
//! ```

use super::status::set_plain;
use crate::adapters::sim::behaviour::{Memory, Profile};
use crate::adapters::sim::json::{deleting, items, set, stamp, text, uid};
use crate::adapters::sim::pod::{ContainerRun, Ending, PodRun, Record, Run, Stage, back_off};
use crate::adapters::sim::queue::Happening;
use crate::adapters::sim::shapes::{container_status, missing_config, missing_volume};
use crate::adapters::sim::store::Door;
use crate::adapters::sim::world::World;
use crate::domain::time::{Timestamp, plus};
use serde_json::{Value, json};

/// A run this long counts as good: the back-off starts anew after it.
const GOOD_RUN_S: i64 = 600;

impl World {
    /// The kubelet looks at a pod.
    pub(in crate::adapters::sim) fn pod_turn(&mut self, pod_uid: &str) {
        let place = match self.pods.get(pod_uid) {
            Some(run) => run.key.clone(),
            None => match self.list("v1", "Pod", "").find(|pod| uid(pod) == pod_uid) {
                Some(pod) => crate::adapters::sim::json::key(pod),
                None => return,
            },
        };
        let Some(pod) = self.object(&place).cloned().filter(|pod| uid(pod) == pod_uid) else {
            return;
        };
        let node = text(&pod, &["spec", "nodeName"]).to_string();
        if self.nodes.get(&node).is_none_or(|run| run.down_since().is_some()) {
            return;
        }
        if deleting(&pod) {
            self.stop_pod(&pod);
            return;
        }
        if !self.pods.contains_key(pod_uid) {
            self.admit_to_node(&pod, &node);
        }
        self.report(pod_uid);
    }

    fn admit_to_node(&mut self, pod: &Value, node: &str) {
        let percent = self.random.between(96, 104);
        let Some(run) = self.nodes.get_mut(node) else { return };
        run.addresses += 1;
        let ip = format!("10.244.{}.{}", run.number, run.addresses % 250 + 2);
        let containers = items(pod, &["spec", "containers"])
            .iter()
            .map(|container| ContainerRun {
                name: text(container, &["name"]).to_string(),
                stage: Stage::Creating,
                turn: 0,
                failures: 0,
                failed_pulls: 0,
                restarts: 0,
                ready: false,
            })
            .collect::<Vec<_>>();
        for container in &containers {
            let container = container.name.clone();
            self.after(600, Happening::Container { pod: uid(pod).into(), container, turn: 0 });
        }
        let key = crate::adapters::sim::json::key(pod);
        let run = PodRun {
            key,
            uid: uid(pod).to_string(),
            node: node.into(),
            ip,
            percent,
            since: self.now,
            containers,
            gone_at: None,
        };
        self.pods.insert(uid(pod).to_string(), run);
    }

    fn stop_pod(&mut self, pod: &Value) {
        let pod_uid = uid(pod);
        let place = crate::adapters::sim::json::key(pod);
        let Some(run) = self.pods.get(pod_uid).cloned() else {
            self.forget(&place);
            return;
        };
        match run.gone_at {
            Some(at) if at <= self.now => self.forget(&place),
            Some(at) => self.queue.put(at, Happening::Pod(pod_uid.to_string())),
            None => {
                let grace =
                    pod.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_u64);
                let at = plus(self.now, grace.unwrap_or(30).min(2));
                for container in run.containers.iter().filter(|one| one.stage == Stage::Running) {
                    let words = format!("Stopping container {}", container.name);
                    self.event(pod, "Normal", "Killing", &words, ("kubelet", &run.node));
                }
                if let Some(run) = self.pods.get_mut(pod_uid) {
                    run.gone_at = Some(at);
                }
                self.queue.put(at, Happening::Pod(pod_uid.to_string()));
            }
        }
    }

    /// The kubelet takes the next step with a container.
    pub(in crate::adapters::sim) fn container_turn(
        &mut self,
        pod_uid: &str,
        container: &str,
        turn: u64,
    ) {
        let Some(run) = self.pods.get(pod_uid).cloned() else { return };
        let Some(state) = run.containers.iter().find(|one| one.name == container).cloned() else {
            return;
        };
        let down = self.nodes.get(&run.node).is_none_or(|node| node.down_since().is_some());
        let Some(pod) = self.object(&run.key).cloned() else { return };
        if state.turn != turn || down || run.gone_at.is_some() {
            return;
        }
        match state.stage {
            Stage::Creating | Stage::ConfigError(_) | Stage::PullBackOff => {
                self.try_start(&run, &state, &pod, false);
            }
            Stage::Pulling => self.try_start(&run, &state, &pod, true),
            Stage::PullFailed => {
                let image = image_of(&pod, container);
                let from = ("kubelet", run.node.as_str());
                let words = format!("Back-off pulling image {image:?}");
                self.event(&pod, "Normal", "BackOff", &words, from);
                self.event(&pod, "Warning", "Failed", "Error: ImagePullBackOff", from);
                let wait = back_off(state.failed_pulls.saturating_sub(1));
                self.enter(pod_uid, container, Stage::PullBackOff, wait * 1_000);
            }
            Stage::Running => self.running_turn(&run, &state, &pod),
            Stage::Ended => {
                if state.failures <= 1 {
                    self.start(&run, &state, &pod);
                } else {
                    let wait = back_off(state.failures - 2);
                    let words = format!(
                        "Back-off restarting failed container {container} in pod {}_{}({pod_uid})",
                        run.key.name, run.key.namespace
                    );
                    self.event(&pod, "Warning", "BackOff", &words, ("kubelet", &run.node));
                    self.enter(pod_uid, container, Stage::BackOff(wait), wait * 1_000);
                }
            }
            Stage::BackOff(_) => self.try_start(&run, &state, &pod, false),
        }
        self.report(pod_uid);
    }

    /// Moves a container to a stage, and plans its next step.
    fn enter(&mut self, pod_uid: &str, container: &str, stage: Stage, milliseconds: u64) {
        let wait = i64::try_from(milliseconds).unwrap_or(i64::MAX / 2);
        let at = self.now + chrono::TimeDelta::milliseconds(wait);
        self.enter_until(pod_uid, container, stage, Some(at));
    }

    fn enter_until(&mut self, pod_uid: &str, container: &str, stage: Stage, at: Option<Timestamp>) {
        let Some(state) = self
            .pods
            .get_mut(pod_uid)
            .and_then(|run| run.containers.iter_mut().find(|one| one.name == container))
        else {
            return;
        };
        state.stage = stage;
        state.turn += 1;
        let turn = state.turn;
        if let Some(at) = at {
            let (pod, container) = (pod_uid.to_string(), container.to_string());
            self.queue.put(at, Happening::Container { pod, container, turn });
        }
    }

    fn try_start(&mut self, run: &PodRun, state: &ContainerRun, pod: &Value, pulled: bool) {
        let pod_uid = uid(pod).to_string();
        let from = ("kubelet", run.node.as_str());
        let container = container_of(pod, &state.name);
        let image = text(container, &["image"]).to_string();
        if let Some(words) = missing_volume(self, pod) {
            self.event(pod, "Warning", "FailedMount", &words, from);
            self.enter(&pod_uid, &state.name, Stage::Creating, 16_000);
            return;
        }
        if !self.images.contains_key(&image) {
            self.fail_pull(run, state, pod, &image);
            return;
        }
        let cached = self.nodes.get(&run.node).is_some_and(|node| node.images.contains(&image));
        if !cached && !pulled {
            self.event(pod, "Normal", "Pulling", &format!("Pulling image {image:?}"), from);
            let wait = self.random.between(1_500, 5_000);
            self.enter(&pod_uid, &state.name, Stage::Pulling, wait.unsigned_abs());
            return;
        }
        if pulled && !cached {
            if let Some(node) = self.nodes.get_mut(&run.node) {
                node.images.insert(image.clone());
            }
            self.event(
                pod,
                "Normal",
                "Pulled",
                &format!("Successfully pulled image {image:?}"),
                from,
            );
        } else {
            let words = format!("Container image {image:?} already present on machine");
            self.event(pod, "Normal", "Pulled", &words, from);
        }
        if let Some(words) = missing_config(self, container, &run.key.namespace) {
            self.event(pod, "Warning", "Failed", &format!("Error: {words}"), from);
            self.enter(&pod_uid, &state.name, Stage::ConfigError(words), 12_000);
            return;
        }
        self.start(run, state, pod);
    }

    fn fail_pull(&mut self, run: &PodRun, state: &ContainerRun, pod: &Value, image: &str) {
        let from = ("kubelet", run.node.as_str());
        self.event(pod, "Normal", "Pulling", &format!("Pulling image {image:?}"), from);
        let words = format!(
            "Failed to pull image {image:?}: {}",
            crate::adapters::sim::shapes::pull_error(image)
        );
        self.event(pod, "Warning", "Failed", &words, from);
        self.event(pod, "Warning", "Failed", "Error: ErrImagePull", from);
        self.enter(uid(pod), &state.name, Stage::PullFailed, 1_000);
        self.with_container(uid(pod), &state.name, |state| state.failed_pulls += 1);
    }

    fn with_container(
        &mut self,
        pod_uid: &str,
        container: &str,
        change: impl FnOnce(&mut ContainerRun),
    ) {
        if let Some(state) = self
            .pods
            .get_mut(pod_uid)
            .and_then(|run| run.containers.iter_mut().find(|one| one.name == container))
        {
            change(state);
        }
    }

    fn start(&mut self, run: &PodRun, state: &ContainerRun, pod: &Value) {
        let container = container_of(pod, &state.name);
        let image = text(container, &["image"]).to_string();
        let Some(profile) = self.images.get(&image).cloned() else { return };
        let limit = super::scheduler::amount(container, "limits", "memory");
        let id = self.random.hex64();
        let new = Run {
            id,
            started: self.now,
            ended: None,
            memory: Memory::starting(&profile, self.now, run.percent),
            limit: Some(limit).filter(|limit| *limit > 0),
            cpu_milli: profile.cpu_milli,
            log: profile.log.clone(),
        };
        let origin = Record {
            node: run.node.clone(),
            pod_uid: uid(pod).to_string(),
            owner: crate::adapters::sim::json::controller(pod)
                .map(|by| (text(by, &["kind"]).to_string(), text(by, &["name"]).to_string()))
                .unwrap_or_default(),
            image,
            runs: Vec::new(),
            dropped: 0,
            gone: None,
        };
        let again = self
            .records
            .get(&run.key.namespace, &run.key.name, &state.name)
            .is_some_and(|record| record.pod_uid == uid(pod));
        self.records.start(&run.key, &state.name, origin, new);
        let from = ("kubelet", run.node.as_str());
        self.event(pod, "Normal", "Created", &format!("Created container: {}", state.name), from);
        self.event(pod, "Normal", "Started", &format!("Started container {}", state.name), from);
        let probed = container.get("readinessProbe").is_some();
        self.with_container(uid(pod), &state.name, |state| {
            state.restarts += i64::from(again);
            state.ready = !probed;
        });
        self.plan_running(uid(pod), &state.name, &profile, container);
    }

    /// Plans the next thing that happens to a running container: ready, killed, crashed.
    fn plan_running(&mut self, pod_uid: &str, name: &str, profile: &Profile, container: &Value) {
        let Some(run) = self.pods.get(pod_uid) else { return };
        let ready = run.containers.iter().find(|one| one.name == name).is_some_and(|one| one.ready);
        let Some(record) = self.records.get(&run.key.namespace, &run.key.name, name) else {
            return;
        };
        let Some(last) = record.last() else { return };
        let ready_at = (!ready).then(|| plus(last.started, profile.ready_after_s));
        let next = ready_at
            .into_iter()
            .chain(death(last, profile, container).map(|(at, _)| at))
            .min()
            .map(|at| at.max(self.now));
        self.enter_until(pod_uid, name, Stage::Running, next);
    }

    fn running_turn(&mut self, run: &PodRun, state: &ContainerRun, pod: &Value) {
        let container = container_of(pod, &state.name);
        let image = text(container, &["image"]);
        let profile = self.images.get(image).cloned().unwrap_or_default();
        let now = self.now;
        let Some(last) =
            self.records.get_mut(&run.key, &state.name).and_then(|record| record.runs.last_mut())
        else {
            return;
        };
        let started = last.started;
        if let Some((at, ending)) = death(last, &profile, container)
            && at <= now
        {
            last.ended = Some(Ending { at: now, ..ending });
            let good = now.signed_duration_since(started).num_seconds() >= GOOD_RUN_S;
            self.with_container(uid(pod), &state.name, |state| {
                state.failures = if good { 1 } else { state.failures + 1 };
                state.ready = false;
            });
            self.enter(uid(pod), &state.name, Stage::Ended, 1_200);
            return;
        }
        if plus(started, profile.ready_after_s) <= now {
            self.with_container(uid(pod), &state.name, |state| state.ready = true);
        }
        self.plan_running(uid(pod), &state.name, &profile, container);
    }

    /// A program's needs changed while it runs: all running containers of the image change over `over_s`.
    pub(in crate::adapters::sim) fn behaviour_changed(&mut self, image: &str, over_s: u64) {
        let Some(profile) = self.images.get(image).cloned() else { return };
        let now = self.now;
        let mut running = Vec::new();
        for (pod_uid, run) in &self.pods {
            for state in run.containers.iter().filter(|state| state.stage == Stage::Running) {
                running.push((pod_uid.clone(), run.key.clone(), state.name.clone(), run.percent));
            }
        }
        for (pod_uid, place, name, percent) in running {
            let Some(record) = self.records.get_mut(&place, &name).filter(|one| one.image == image)
            else {
                continue;
            };
            if let Some(last) = record.runs.last_mut() {
                last.memory.change(&profile, now, percent, over_s);
                last.cpu_milli = profile.cpu_milli;
            }
            if let Some(pod) = self.object(&place).cloned() {
                self.plan_running(&pod_uid, &name, &profile, container_of(&pod, &name));
            }
        }
    }

    /// Writes what the kubelet knows into the pod's status.
    pub(in crate::adapters::sim) fn report(&mut self, pod_uid: &str) {
        let Some(run) = self.pods.get(pod_uid).cloned() else { return };
        let Some(mut pod) = self.object(&run.key).cloned() else { return };
        let number = self.nodes.get(&run.node).map_or(0, |node| node.number);
        let now = stamp(self.now);
        let statuses = run
            .containers
            .iter()
            .map(|state| {
                container_status(&run, state, container_of(&pod, &state.name), &self.records)
            })
            .collect::<Vec<_>>();
        let unready = run
            .containers
            .iter()
            .filter(|state| !state.ready)
            .map(|state| state.name.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let started = run.containers.iter().any(|state| {
            self.records
                .get(&run.key.namespace, &run.key.name, &state.name)
                .is_some_and(|record| record.pod_uid == pod_uid)
        });
        for kind in ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady"] {
            set_plain(&mut pod, &pod_condition(kind, &unready), &now);
        }
        let host = format!("10.0.0.{number}");
        for (field, value) in [
            ("containerStatuses", Value::Array(statuses)),
            ("hostIP", Value::from(host.clone())),
            ("hostIPs", json!([{ "ip": host }])),
            ("observedGeneration", Value::from(1)),
            ("phase", Value::from(if started { "Running" } else { "Pending" })),
            ("podIP", Value::from(run.ip.clone())),
            ("podIPs", json!([{ "ip": run.ip }])),
            ("startTime", Value::from(stamp(run.since))),
        ] {
            set(&mut pod, &["status", field], value);
        }
        self.update(pod, "kubelet", Door::Status);
    }
}

fn pod_condition(kind: &str, unready: &str) -> Value {
    if unready.is_empty() || matches!(kind, "PodReadyToStartContainers" | "Initialized") {
        return json!({"lastProbeTime": null, "observedGeneration": 1, "status": "True", "type": kind});
    }
    json!({
        "lastProbeTime": null, "message": format!("containers with unready status: [{unready}]"),
        "observedGeneration": 1, "reason": "ContainersNotReady", "status": "False", "type": kind,
    })
}

/// When and how a run will end by itself: memory or crash, whichever is first.
fn death(run: &Run, profile: &Profile, container: &Value) -> Option<(Timestamp, Ending)> {
    let killed = run
        .limit
        .and_then(|limit| run.memory.reaches(limit, run.started))
        .map(|at| (at, Ending { at, code: 137, reason: "OOMKilled", log: Vec::new() }));
    let crashed = profile.crash.as_ref().filter(|crash| crash.applies(container)).map(|crash| {
        let at = plus(run.started, crash.after_s);
        let reason = if crash.code == 0 { "Completed" } else { "Error" };
        (at, Ending { at, code: crash.code, reason, log: crash.log.clone() })
    });
    killed.into_iter().chain(crashed).min_by_key(|(at, _)| *at)
}

/// A container of a pod's spec; `Null` when there is none of that name.
fn container_of<'a>(pod: &'a Value, name: &str) -> &'a Value {
    static NONE: Value = Value::Null;
    items(pod, &["spec", "containers"])
        .iter()
        .find(|container| text(container, &["name"]) == name)
        .unwrap_or(&NONE)
}

fn image_of<'a>(pod: &'a Value, container: &str) -> &'a str {
    text(container_of(pod, container), &["image"])
}
