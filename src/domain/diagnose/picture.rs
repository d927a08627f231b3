//! Everything that was read about one target, put together before any rule looks at it.
//!
//! Rounds of reads: the chain up (at most 3, one more for a pod that is gone); pods, ReplicaSets or ControllerRevisions,
//! autoscalers; then events, logs, references, usage, nodes, claims, quotas and the events of earlier revisions; then the
//! events of their pods, and the Service that a log complains about; then what stands behind that, and that's own log.

use super::chain::Chain;
use super::container::{Container, Doing, Pod, Trouble};
use super::cpu::{self, Cpu};
use super::denied::Denied;
use super::dependency::{Dependency, OwnWords};
use super::event::Event;
use super::fields::{moment, text, uid};
use super::focus::{Focus, focus};
use super::memory::{Usage, usage};
use super::needs;
use super::placing::Placing;
use super::pulling::{PullSecret, pull_secrets};
use super::reader::{Got, Reader};
use super::references::{Presence, Reference, presence, required};
use super::refusing::{self, Refusing};
use super::revisions::{History, history, revisions};
use super::seats::{self, Seat};
use super::workload::Workload;
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::evidence::{Fact, Read};
use crate::domain::quantity::parse_bytes;
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::time::{Timestamp, seconds_between};
use serde_json::Value;
use std::collections::BTreeMap;

/// Failing pods whose events are read.
const PODS_LOOKED_AT: usize = 3;
/// Pods that ended without a word whose events are read.
const ENDED_READ: usize = 2;
/// Pods whose memory is asked for in one query.
const PODS_MEASURED: usize = 8;
/// ConfigMaps and Secrets that are looked up.
const REFERENCES_READ: usize = 40;
/// A pod that should have ended this long ago is overdue.
const OVERDUE_S: i64 = 60;

/// See the module.
#[derive(Debug, Clone)]
pub(crate) struct Picture<'a> {
    pub(crate) now: Timestamp,
    pub(crate) alerts: &'a [Alert],
    pub(crate) chain: Chain<'a>,
    pub(crate) workload: Workload<'a>,
    pub(crate) focus: Option<Focus<'a>>,
    /// Pods that are not ready though no container of theirs is in trouble by itself.
    pub(crate) stuck: Vec<Pod<'a>>,
    pub(crate) history: Option<History<'a>>,
    /// Required references of the current revision that are not there, or that the kubelet says it can't find.
    pub(crate) absent: Vec<Absent>,
    /// ConfigMaps and Secrets that are there.
    pub(crate) configuration: Vec<&'a Value>,
    /// Events of the pods in trouble.
    pub(crate) events: Vec<Event<'a>>,
    /// Events of a CronJob itself.
    pub(crate) own_events: Vec<Event<'a>>,
    /// Source and end of the log of the failed run.
    pub(crate) log: Option<(String, &'a str)>,
    pub(crate) usage: Option<Usage>,
    pub(crate) cpu: Option<Cpu>,
    pub(crate) autoscalers: Vec<&'a Value>,
    /// A pod that can't be placed.
    pub(crate) placing: Option<Placing<'a>>,
    /// Pods that can't be made.
    pub(crate) denied: Option<Denied<'a>>,
    /// Nodes whose state may explain what its pods do.
    pub(crate) seats: Vec<Seat<'a>>,
    /// What the log says it can't reach.
    pub(crate) dependency: Option<Dependency<'a>>,
    /// What the workload behind that says itself, where it is not ready.
    pub(crate) own_words: Option<OwnWords<'a>>,
    /// The policy that keeps it from that.
    pub(crate) refusing: Option<Refusing>,
    /// What the earlier revision to go back to needs, and is not there.
    pub(crate) earlier_lacks: Vec<String>,
    pub(crate) pull_secrets: Vec<(String, PullSecret)>,
    pub(crate) missing: Vec<Fact>,
}

/// A reference that is not there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Absent {
    pub(crate) reference: Reference,
    /// Where the pod's spec names it.
    pub(crate) places: Vec<String>,
    /// Whether it was looked up and was not there; else only the kubelet says so.
    pub(crate) confirmed: bool,
    /// Where the kubelet says so.
    pub(crate) said: Option<String>,
    /// Whether the kubelet said so, but it is there now.
    pub(crate) appeared: bool,
}

impl<'a> Picture<'a> {
    /// Reads the picture of the chain's top. `None` while reads are due.
    pub(crate) fn read(
        alerts: &'a [Alert],
        chain: Chain<'a>,
        now: Timestamp,
        reader: &mut Reader<'a>,
    ) -> Option<Self> {
        let (top, object) = chain.top().cloned()?;
        let jobs = chain
            .links
            .iter()
            .map(|(reference, _)| reference)
            .filter(|reference| reference.key.kind == "Job")
            .collect::<Vec<_>>();
        let workload = Workload::read(&top, object, &jobs, reader);
        let autoscalers = autoscalers(&top.key, reader);
        let mut workload = workload?;
        if !workload.pods_known {
            // The pod that the alert named is better than none.
            let named = chain.links.first().filter(|(low, _)| low.key.kind == "Pod");
            workload.pods.extend(named.map(|(_, object)| Pod::of(object)));
        }
        let revisions = revisions(&workload, reader)?;
        if reader.pending() {
            return None;
        }
        let focus = focus(alerts, &workload, now);
        let stuck = workload
            .pods
            .iter()
            .filter(|pod| !pod.ready() && pod.troubled(now).next().is_none())
            .filter(|pod| !pod.over())
            .cloned()
            .collect::<Vec<_>>();
        let in_trouble = focus.as_ref().is_some_and(|focus| focus.trouble.is_some());
        let mut picture = Self {
            now,
            alerts,
            workload,
            focus,
            stuck,
            history: None,
            absent: Vec::new(),
            configuration: Vec::new(),
            events: Vec::new(),
            own_events: Vec::new(),
            log: None,
            usage: None,
            cpu: None,
            autoscalers,
            placing: None,
            denied: None,
            seats: Vec::new(),
            dependency: None,
            own_words: None,
            refusing: None,
            earlier_lacks: Vec::new(),
            pull_secrets: Vec::new(),
            chain,
            missing: Vec::new(),
        };
        picture.read_events(reader);
        picture.read_log(reader);
        picture.read_usage(reader);
        picture.read_around(reader);
        if in_trouble || !picture.stuck.is_empty() {
            picture.read_references(reader);
            picture.history = history(&picture.workload, revisions, now, reader);
        }
        picture.read_earlier(reader);
        if reader.pending() {
            return None;
        }
        picture.missing = reader.missing().to_vec();
        Some(picture)
    }

    /// What stands around the pods: nodes, claims, quotas, what they depend on.
    fn read_around(&mut self, reader: &mut Reader<'a>) {
        let namespace = self.namespace().to_string();
        self.placing = Placing::read(&self.stuck, &namespace, reader);
        let job = self.job().map(|(job, _)| job);
        self.denied = Denied::read(&self.workload, job.as_ref(), reader);
        self.seats = seats::read(self, reader);
        let waits = self.focus.as_ref().is_some_and(|focus| {
            focus.container.holds_the_others() && focus.container.asks_the_network()
        });
        if let Some((source, log)) = self.log.clone() {
            self.dependency =
                Dependency::read(&source, log, waits, &self.workload.reference, reader);
        }
        let culprit = self.dependency.as_ref().and_then(Dependency::culprit);
        self.own_words = culprit
            .filter(|one| one.wanted > 0)
            .and_then(|one| OwnWords::read(one, self.now, reader));
        if let (Some(dependency), Some(pod)) = (&self.dependency, self.pods_in_trouble().first()) {
            self.refusing = refusing::read(pod.object, &namespace, dependency, reader);
        }
        self.cpu = cpu::read(self, reader);
        if self.focus.as_ref().is_some_and(|focus| focus.trouble == Some(Trouble::Image))
            && let Some(spec) =
                self.pods_in_trouble().first().and_then(|pod| pod.object.get("spec"))
        {
            self.pull_secrets = pull_secrets(spec, &namespace, reader);
        }
    }

    /// Whether pods of the revision to go back to could start.
    fn read_earlier(&mut self, reader: &mut Reader<'a>) {
        let Some(best) = self.history.as_ref().and_then(History::best) else { return };
        self.earlier_lacks = needs::lacks(best.revision.template, self.namespace(), reader);
    }

    /// The Job in question: the workload itself, the one on the way up, or a CronJob's newest.
    pub(crate) fn job(&self) -> Option<(ObjectRef, &'a Value)> {
        let on_the_way =
            self.chain.links.iter().find(|(reference, _)| reference.key.kind == "Job").cloned();
        on_the_way.or_else(|| {
            let newest = self.workload.jobs.first()?;
            let (namespace, name) = (self.namespace(), super::fields::name(newest));
            let key = ObjectKey::new("batch/v1", "Job", namespace, name);
            Some((ObjectRef { key, uid: uid(newest).into() }, *newest))
        })
    }

    /// Whether all that is wanted of it is there and ready, and nothing of it fails.
    pub(crate) fn well(&self) -> bool {
        let workload = &self.workload;
        !self.troubled()
            && self.stuck.is_empty()
            && workload.pods_known
            && workload.rolled_out()
            && (!workload.keeps_pods()
                || (workload.desired() > 0 && workload.ready() >= workload.desired()))
    }

    /// Pods that should be gone since more than a minute.
    pub(crate) fn overdue(&self) -> Vec<&Pod<'a>> {
        let late = |pod: &&Pod<'_>| {
            moment(pod.object, &["metadata", "deletionTimestamp"])
                .is_some_and(|at| seconds_between(at, self.now) >= OVERDUE_S)
        };
        self.workload.going.iter().filter(late).collect()
    }

    /// Pods that deserve a look: those in trouble, else those that are stuck.
    pub(crate) fn pods_in_trouble(&self) -> Vec<&Pod<'a>> {
        let troubled = self.focus.as_ref().map(|focus| &focus.pods);
        let pods = troubled.filter(|pods| !pods.is_empty()).unwrap_or(&self.stuck);
        if pods.is_empty() { self.overdue() } else { pods.iter().collect() }
    }

    fn read_events(&mut self, reader: &mut Reader<'a>) {
        let mut found = Vec::new();
        let silent = self.workload.pods.iter().filter(|pod| pod.ended_silently()).take(ENDED_READ);
        let troubled = self.pods_in_trouble().into_iter().take(PODS_LOOKED_AT);
        for pod in troubled.chain(silent) {
            let key = ObjectKey::new("v1", "Pod", self.namespace(), pod.name());
            for event in reader.events(&key).have().unwrap_or_default() {
                if text(event, &["involvedObject", "uid"]) == uid(pod.object) {
                    found.push(Event(event));
                }
            }
        }
        self.events = found;
        if self.workload.kind() == "CronJob" {
            let own = reader.events(&self.workload.reference.key).have().unwrap_or_default();
            self.own_events = own.iter().map(Event).collect();
        }
    }

    fn read_log(&mut self, reader: &mut Reader<'a>) {
        let unready = |focus: &&Focus<'_>| {
            let runs = matches!(focus.container.doing, Doing::Running { .. });
            focus.trouble.is_none()
                && runs
                && !focus.container.ready
                && self.stuck.iter().any(|pod| pod.name() == focus.pod)
        };
        let Some(focus) = self
            .focus
            .as_ref()
            .filter(|focus| focus.trouble == Some(Trouble::Crash) || unready(focus))
        else {
            return;
        };
        let previous = focus.trouble.is_some() && focus.container.doing != Doing::Ended;
        let pod = ObjectKey::new("v1", "Pod", self.namespace(), focus.pod);
        let words = if previous { "previous log" } else { "log" };
        let source = format!("{words} of {} in {}", focus.container.name, pod.path());
        let got = reader.logs(&pod, focus.container.name, previous);
        self.log = got.have().map(|text| (source, text));
    }

    fn read_usage(&mut self, reader: &mut Reader<'a>) {
        let Some(focus) = &self.focus else { return };
        if matches!(focus.trouble, Some(Trouble::Config | Trouble::Image | Trouble::Start)) {
            return;
        }
        let pods = if focus.pods.is_empty() { &self.workload.pods } else { &focus.pods };
        let made = |pod: &Pod<'_>| moment(pod.object, &["metadata", "creationTimestamp"]);
        let oldest = pods.iter().take(PODS_MEASURED).filter_map(made).min();
        let names = pods.iter().take(PODS_MEASURED).map(|pod| pod.name().replace('.', "\\\\."));
        let names = names.collect::<Vec<_>>().join("|");
        if names.is_empty() {
            return;
        }
        let (window_s, step_s) = window(&focus.container, oldest, self.now);
        let promql = format!(
            "max by (pod, container) (container_memory_working_set_bytes{{namespace=\"{}\",pod=~\"{names}\",container=\"{}\"}})",
            self.namespace(),
            focus.container.name
        );
        if let Got::Have(series) = reader.series(Read::Range { promql, window_s, step_s }) {
            let all = series.iter().collect::<Vec<_>>();
            self.usage = usage(&all, f64::from(step_s), self.limit());
            if self.usage.is_none() {
                let what = format!("working set of container {}", focus.container.name);
                reader.miss("missing-metrics", &what, "Prometheus has no series for it");
            }
        }
    }

    fn read_references(&mut self, reader: &mut Reader<'a>) {
        let pods = self.pods_in_trouble();
        let Some(spec) = pods.first().and_then(|pod| pod.object.get("spec")) else { return };
        let namespace = self.namespace().to_string();
        let wanted = required(spec);
        let found = presence(wanted.keys().take(REFERENCES_READ).cloned(), &namespace, reader);
        let mut absent = Vec::new();
        let mut there = BTreeMap::new();
        for (reference, presence) in found {
            let said = self.kubelet_says(&namespace, &reference);
            let key = ObjectKey::new("v1", reference.kind, &namespace, &reference.name);
            if let Got::Have(object) = reader.look(&key) {
                there.insert(key, object);
            }
            if presence == Presence::Absent || said.is_some() {
                let places = wanted.get(&reference).into_iter().flatten().cloned().collect();
                absent.push(Absent {
                    confirmed: presence == Presence::Absent,
                    appeared: presence == Presence::Present,
                    reference,
                    places,
                    said,
                });
            }
        }
        self.configuration = there.into_values().collect();
        self.absent = absent;
    }

    /// Where the kubelet says that a reference is missing: a waiting message or an event of a pod in trouble.
    fn kubelet_says(&self, namespace: &str, reference: &Reference) -> Option<String> {
        for pod in self.pods_in_trouble() {
            for container in &pod.containers {
                let (reason, message) = container.waiting();
                if reason == "CreateContainerConfigError"
                    && reference.said_missing(namespace, message)
                {
                    return Some(format!(
                        "pod {namespace}/{} status of container {}: waiting, {reason}: {message}",
                        pod.name(),
                        container.name
                    ));
                }
            }
            let waits = pod.containers.iter().any(|one| one.waiting().0 == "ContainerCreating");
            let event = self.events.iter().find(|event| {
                event.about() == uid(pod.object)
                    && event.reason() == "FailedMount"
                    && reference.said_missing(namespace, event.message())
            });
            if let Some(event) = event.filter(|_| waits) {
                return Some(format!("{}: FailedMount: {}", event.source(), event.message()));
            }
        }
        None
    }

    pub(crate) fn namespace(&self) -> &str {
        &self.workload.reference.key.namespace
    }

    /// Memory limit of the container in question, in bytes.
    pub(crate) fn limit(&self) -> Option<u64> {
        self.resource("limits")
    }

    /// Memory request of the container in question, in bytes.
    pub(crate) fn request(&self) -> Option<u64> {
        self.resource("requests")
    }

    fn resource(&self, class: &str) -> Option<u64> {
        self.focus.as_ref()?.container.resource(class, "memory").and_then(parse_bytes)
    }

    /// Whether anything that is wrong shows in the status of the pods.
    pub(crate) fn troubled(&self) -> bool {
        self.focus.as_ref().is_some_and(|focus| focus.trouble.is_some())
    }

    /// When the trouble is first seen.
    pub(crate) fn first_trouble(&self) -> Option<Timestamp> {
        let firing = self.alerts.iter().filter(|alert| alert.status == AlertStatus::Firing);
        let alerts = firing.map(|alert| alert.starts_at);
        let events = self
            .events
            .iter()
            .filter(|event| matches!(event.reason(), "BackOff" | "Failed" | "FailedMount"))
            .filter_map(|event| event.first());
        let runs = self
            .focus
            .iter()
            .flat_map(|focus| &focus.pods)
            .flat_map(|pod| &pod.containers)
            .filter(|container| container.trouble(self.now).is_some())
            .flat_map(|container| &container.runs)
            .filter_map(|run| run.finished);
        alerts.chain(events).chain(runs).min()
    }
}

/// Length and resolution of the range: no longer than the pods are old, so that short lives are seen in detail, and long
/// enough for two of the lives that are known, at no more than 360 points.
fn window(container: &Container<'_>, oldest: Option<Timestamp>, now: Timestamp) -> (u32, u32) {
    // One of a few lengths, so that the read stays the same while the rounds go on.
    const LENGTHS: [u32; 6] = [300, 720, 1_800, 3_600, 7_200, 21_600];
    let since = match &container.doing {
        Doing::Running { since: Some(since) } => seconds_between(*since, now),
        Doing::Running { since: None } | Doing::Waiting { .. } | Doing::Ended | Doing::NotSaid => 0,
    };
    let run = container.last_run().and_then(super::container::Run::seconds).unwrap_or(0);
    let age = oldest.map_or(1_800, |made| seconds_between(made, now));
    let wanted = since.max(run).saturating_mul(2).max(1_800).min(age);
    let fits = |length: &&u32| i64::from(**length) >= wanted;
    let window = LENGTHS.iter().find(fits).copied().unwrap_or(21_600);
    (window, (window / 360).max(2))
}

fn autoscalers<'a>(target: &ObjectKey, reader: &mut Reader<'a>) -> Vec<&'a Value> {
    if !matches!(target.kind.as_str(), "Deployment" | "StatefulSet" | "ReplicaSet") {
        return Vec::new();
    }
    let kind = "HorizontalPodAutoscaler";
    reader
        .list("missing-autoscalers", "autoscaling/v2", kind, &target.namespace, "")
        .have()
        .unwrap_or_default()
        .iter()
        .filter(|one| {
            text(one, &["spec", "scaleTargetRef", "kind"]) == target.kind
                && text(one, &["spec", "scaleTargetRef", "name"]) == target.name
        })
        .collect()
}

/// Lines of a log that say most: the last ones that are not empty.
pub(crate) fn last_lines(log: &str, count: usize) -> String {
    let lines = log.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>();
    let from = lines.len().saturating_sub(count);
    lines.get(from..).unwrap_or_default().join(" ⏎ ")
}

/// References that a pod template requires.
pub(crate) fn template_references(template: &Value) -> Vec<Reference> {
    template.get("spec").map(required).unwrap_or_default().into_keys().collect()
}
