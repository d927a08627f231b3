//! Everything that was read about one target, put together before any rule looks at it.
//!
//! Rounds of reads: the chain up (at most 3, one more for a pod that is gone); pods, ReplicaSets or ControllerRevisions,
//! autoscalers; then events, logs, references, usage and the events of earlier revisions; then those of their pods.

use super::chain::Chain;
use super::container::{Container, Doing, Pod, Role, Trouble};
use super::event::Event;
use super::fields::{moment, text, uid};
use super::memory::{Usage, usage};
use super::named;
use super::reader::{Got, Reader};
use super::references::{Presence, Reference, presence, required};
use super::revisions::{History, history, revisions};
use super::workload::Workload;
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::evidence::{Fact, Read};
use crate::domain::quantity::parse_bytes;
use crate::domain::resource::ObjectKey;
use crate::domain::time::{Timestamp, seconds_between};
use serde_json::Value;
use std::collections::BTreeMap;

/// Failing pods whose events are read.
const PODS_LOOKED_AT: usize = 3;
/// Pods whose memory is asked for in one query.
const PODS_MEASURED: usize = 8;
/// ConfigMaps and Secrets that are looked up.
const REFERENCES_READ: usize = 40;

/// The container that the case is about.
#[derive(Debug, Clone)]
pub(crate) struct Focus<'a> {
    pub(crate) container: Container<'a>,
    /// The pod whose container this is: the one with the newest trouble.
    pub(crate) pod: &'a str,
    /// `None`: nothing is wrong with it that its status tells.
    pub(crate) trouble: Option<Trouble>,
    /// Pods in which the same container is in trouble.
    pub(crate) pods: Vec<Pod<'a>>,
    /// Names of other containers in trouble.
    pub(crate) others: Vec<&'a str>,
}

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
    /// Source and end of the log of the failed run.
    pub(crate) log: Option<(String, &'a str)>,
    pub(crate) usage: Option<Usage>,
    pub(crate) autoscalers: Vec<&'a Value>,
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
            .filter(|pod| !matches!(pod.phase(), "Succeeded" | "Failed"))
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
            log: None,
            usage: None,
            autoscalers,
            chain,
            missing: Vec::new(),
        };
        picture.read_events(reader);
        picture.read_log(reader);
        picture.read_usage(reader);
        if in_trouble || !picture.stuck.is_empty() {
            picture.read_references(reader);
            picture.history = history(&picture.workload, revisions, now, reader);
        }
        if reader.pending() {
            return None;
        }
        picture.missing = reader.missing().to_vec();
        Some(picture)
    }

    /// Pods that deserve a look: those in trouble, else those that are stuck.
    pub(crate) fn pods_in_trouble(&self) -> Vec<&Pod<'a>> {
        let troubled = self.focus.as_ref().map(|focus| &focus.pods);
        let pods = troubled.filter(|pods| !pods.is_empty()).unwrap_or(&self.stuck);
        pods.iter().collect()
    }

    fn read_events(&mut self, reader: &mut Reader<'a>) {
        let mut found = Vec::new();
        for pod in self.pods_in_trouble().into_iter().take(PODS_LOOKED_AT) {
            let key = ObjectKey::new("v1", "Pod", self.namespace(), pod.name());
            for event in reader.events(&key).have().unwrap_or_default() {
                if text(event, &["involvedObject", "uid"]) == uid(pod.object) {
                    found.push(Event(event));
                }
            }
        }
        self.events = found;
    }

    fn read_log(&mut self, reader: &mut Reader<'a>) {
        let Some(focus) = self.focus.as_ref().filter(|focus| focus.trouble == Some(Trouble::Crash))
        else {
            return;
        };
        let previous = focus.container.doing != Doing::Ended;
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

/// Chooses the container that the case is about: of those in trouble the one that the alert names, else the one that
/// fails in most pods; when none is in trouble, the one that the alert names, else the only one.
fn focus<'a>(alerts: &[Alert], workload: &Workload<'a>, now: Timestamp) -> Option<Focus<'a>> {
    let wanted = alerts.iter().find_map(named::container);
    let mut troubled: BTreeMap<&'a str, Vec<(&Pod<'a>, &Container<'a>, Trouble)>> = BTreeMap::new();
    for pod in &workload.pods {
        for (container, trouble) in pod.troubled(now) {
            troubled.entry(container.name).or_default().push((pod, container, trouble));
        }
    }
    let weight = |name: &str, found: &[(&Pod<'_>, &Container<'_>, Trouble)]| {
        let init = found.iter().any(|(_, container, _)| container.role == Role::Init);
        let restarts = found.iter().map(|(_, container, _)| container.restarts).sum::<i64>();
        (wanted == Some(name), init, found.len(), restarts)
    };
    let chosen =
        troubled.iter().max_by_key(|(name, found)| weight(name, found)).map(|(name, _)| *name);
    if let Some(name) = chosen {
        let found = troubled.remove(name)?;
        let newest = |container: &Container<'_>| container.last_run().and_then(|run| run.finished);
        let (pod, container, trouble) =
            found.iter().max_by_key(|(_, container, _)| newest(container)).copied()?;
        return Some(Focus {
            container: container.clone(),
            pod: pod.name(),
            trouble: Some(trouble),
            pods: found.iter().map(|(pod, _, _)| (*pod).clone()).collect(),
            others: troubled.into_keys().collect(),
        });
    }
    let named_pod = alerts.iter().find_map(|alert| alert.label(&["exported_pod", "pod"]));
    let pod = workload
        .pods
        .iter()
        .find(|pod| Some(pod.name()) == named_pod)
        .or_else(|| workload.pods.first())?;
    let mut mains = pod.containers.iter().filter(|one| one.role != Role::Init);
    let container = match wanted {
        Some(name) => pod.containers.iter().find(|one| one.name == name),
        None => mains.next().filter(|_| mains.next().is_none()),
    }?;
    Some(Focus {
        container: container.clone(),
        pod: pod.name(),
        trouble: None,
        pods: Vec::new(),
        others: Vec::new(),
    })
}

/// How the pods of a workload can't be placed, by the scheduler's own words.
pub(crate) fn unschedulable<'p>(pods: &'p [Pod<'_>]) -> Option<(&'p str, &'p str)> {
    pods.iter().find_map(|pod| {
        let condition = pod.condition("PodScheduled")?;
        (text(condition, &["status"]) == "False")
            .then(|| (pod.name(), text(condition, &["message"])))
    })
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
