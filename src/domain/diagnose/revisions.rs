//! Rollout history: the revisions of a workload, what changed, and whether an earlier one worked.

use super::chain::controlled_by;
use super::container::Pod;
use super::differ::{Difference, differences};
use super::event::Event;
use super::fields::{int, moment, name, text, uid, value};
use super::reader::Reader;
use super::workload::{Workload, of_set, revision_number};
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::time::{Timestamp, seconds_between};
use serde_json::Value;

/// A revision that was the newest for this long is taken to have worked, unless something says otherwise.
pub(crate) const STOOD_S: i64 = 600;
/// A pod that ran this long without a failure ran well.
const RAN_S: i64 = 10;
/// Earlier revisions that are looked at.
const LOOK_BACK: usize = 4;

/// What is known about an earlier revision.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Health {
    /// Pods of it are ready now.
    Ready { pods: usize },
    /// Its pods ran and did not fail: seconds of the longest, and the pod.
    Ran { seconds: i64, pod: String },
    /// It was the newest for that many seconds; nothing more is known.
    Stood { seconds: i64 },
    /// Nothing is known.
    NotKnown,
    /// Its pods fail too, or failed; in words.
    Failed(String),
}

/// One revision.
#[derive(Debug, Clone)]
pub(crate) struct Revision<'a> {
    pub(crate) number: i64,
    /// The ReplicaSet or ControllerRevision.
    pub(crate) holder: ObjectRef,
    pub(crate) object: &'a Value,
    pub(crate) created: Option<Timestamp>,
    pub(crate) template: &'a Value,
}

/// An earlier revision with what is known of it.
#[derive(Debug, Clone)]
pub(crate) struct Earlier<'a> {
    pub(crate) revision: Revision<'a>,
    pub(crate) health: Health,
    /// From it to the current one.
    pub(crate) differences: Vec<Difference>,
}

/// The history of a workload.
#[derive(Debug, Clone)]
pub(crate) struct History<'a> {
    pub(crate) current: Revision<'a>,
    /// Newest first; at most [`LOOK_BACK`].
    pub(crate) earlier: Vec<Earlier<'a>>,
}

impl<'a> History<'a> {
    /// The newest earlier revision that is known to work and differs in what runs; else the newest at all.
    pub(crate) fn best(&self) -> Option<&Earlier<'a>> {
        let good = |one: &&Earlier<'_>| {
            one.differences.iter().any(Difference::material)
                && matches!(
                    one.health,
                    Health::Ready { .. } | Health::Ran { .. } | Health::Stood { .. }
                )
        };
        self.earlier.iter().find(good).or_else(|| self.earlier.first())
    }

    /// Whether the pod belongs to the current revision.
    pub(crate) fn is_current(&self, pod: &Pod<'_>) -> bool {
        belongs(pod, &self.current)
    }

    /// Whether the pod belongs to a revision that was made after this one.
    pub(crate) fn made_after(&self, pod: &Pod<'_>, number: i64) -> bool {
        let later = |one: &Earlier<'_>| one.revision.number > number && belongs(pod, &one.revision);
        self.is_current(pod) || self.earlier.iter().any(later)
    }
}

/// The revisions of a workload, newest first; empty when it has none or they can't be read. `None` while reads are due.
pub(crate) fn revisions<'a>(
    workload: &Workload<'a>,
    reader: &mut Reader<'a>,
) -> Option<Vec<Revision<'a>>> {
    let mut found = match workload.kind() {
        "Deployment" => {
            workload.replica_sets.iter().filter_map(|set| of_replica_set(set)).collect()
        }
        "StatefulSet" | "DaemonSet" => {
            let namespace = workload.reference.key.namespace.as_str();
            let labels = super::fields::selector(value(workload.object, &["spec", "selector"]));
            let got = reader.list(
                "missing-revisions",
                "apps/v1",
                "ControllerRevision",
                namespace,
                &labels.unwrap_or_default(),
            );
            if reader.pending() {
                return None;
            }
            got.have()
                .unwrap_or_default()
                .iter()
                .filter(|one| controlled_by(one, &workload.reference.uid))
                .filter_map(of_controller_revision)
                .collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    found.sort_by_key(|revision| std::cmp::Reverse(revision.number));
    Some(found)
}

fn of_replica_set(set: &Value) -> Option<Revision<'_>> {
    Some(Revision {
        number: revision_number(set)?,
        holder: holder(set, "ReplicaSet"),
        object: set,
        created: moment(set, &["metadata", "creationTimestamp"]),
        template: value(set, &["spec", "template"])?,
    })
}

fn of_controller_revision(one: &Value) -> Option<Revision<'_>> {
    Some(Revision {
        number: int(one, &["revision"])?,
        holder: holder(one, "ControllerRevision"),
        object: one,
        created: moment(one, &["metadata", "creationTimestamp"]),
        template: value(one, &["data", "spec", "template"])?,
    })
}

fn holder(object: &Value, kind: &str) -> ObjectRef {
    ObjectRef {
        key: ObjectKey::new("apps/v1", kind, super::fields::namespace(object), name(object)),
        uid: uid(object).into(),
    }
}

fn belongs(pod: &Pod<'_>, revision: &Revision<'_>) -> bool {
    if revision.holder.key.kind == "ReplicaSet" {
        return of_set(pod, revision.object);
    }
    // A StatefulSet labels pods with the revision's name, a DaemonSet with the revision's own hash label.
    let hash = text(pod.object, &["metadata", "labels", "controller-revision-hash"]);
    !hash.is_empty()
        && (hash == revision.holder.key.name
            || hash == text(revision.object, &["metadata", "labels", "controller-revision-hash"]))
}

/// The history, with the health of earlier revisions from their pods that still run, from the events of those that
/// are gone, and from how long they stood. `None` while reads are due, and when there are no revisions.
pub(crate) fn history<'a>(
    workload: &Workload<'a>,
    revisions: Vec<Revision<'a>>,
    now: Timestamp,
    reader: &mut Reader<'a>,
) -> Option<History<'a>> {
    let mut all = revisions.into_iter();
    let current = all.next()?;
    let mut newer = current.clone();
    let mut earlier = Vec::new();
    for revision in all.take(LOOK_BACK) {
        let health = health(workload, &revision, &newer, now, reader);
        let differences = differences(revision.template, current.template);
        newer = revision.clone();
        earlier.push(Earlier { revision, health, differences });
    }
    (!reader.pending()).then_some(History { current, earlier })
}

fn health<'a>(
    workload: &Workload<'a>,
    revision: &Revision<'a>,
    newer: &Revision<'a>,
    now: Timestamp,
    reader: &mut Reader<'a>,
) -> Health {
    let pods = workload.pods.iter().filter(|pod| belongs(pod, revision)).collect::<Vec<_>>();
    if let Some((pod, _)) =
        pods.iter().find_map(|pod| pod.troubled(now).next().map(|trouble| (pod, trouble)))
    {
        return Health::Failed(format!("pod {} of it fails too", pod.name()));
    }
    let ready = pods.iter().filter(|pod| pod.ready()).count();
    if ready > 0 {
        return Health::Ready { pods: ready };
    }
    let span = (revision.created, newer.created);
    match from_events(workload, revision, span, reader) {
        Some(Health::NotKnown) | None => {}
        Some(known) => return known,
    }
    match span {
        (Some(from), Some(to)) if seconds_between(from, to) >= STOOD_S => {
            Health::Stood { seconds: seconds_between(from, to) }
        }
        _ => Health::NotKnown,
    }
}

/// What the events say of the pods that the revision had. `None` while reads are due.
fn from_events<'a>(
    workload: &Workload<'a>,
    revision: &Revision<'a>,
    span: (Option<Timestamp>, Option<Timestamp>),
    reader: &mut Reader<'a>,
) -> Option<Health> {
    let by_set = revision.holder.key.kind == "ReplicaSet";
    let maker = if by_set { &revision.holder } else { &workload.reference };
    let events = reader.events(&maker.key).have()?;
    let within = |event: Event<'_>| {
        by_set
            || matches!((event.first(), span), (Some(at), (Some(from), Some(to))) if at >= from && at < to)
    };
    let mut names = events
        .iter()
        .map(Event)
        .filter(|event| event.about() == maker.uid && within(*event))
        .filter_map(|event| pod_made(event.message()))
        .collect::<Vec<_>>();
    names.sort_unstable();
    names.dedup();
    names.truncate(3);
    let mut best = Health::NotKnown;
    for pod in names {
        let key = ObjectKey::new("v1", "Pod", &maker.key.namespace, pod);
        let events = reader.events(&key).have()?;
        let of_then = events
            .iter()
            .map(Event)
            .filter(|event| match (event.first(), span.1) {
                (Some(at), Some(end)) => by_set || at < end,
                _ => by_set,
            })
            .filter(|event| !workload.pods.iter().any(|now| uid(now.object) == event.about()))
            .collect::<Vec<_>>();
        match ran(pod, &of_then, span.1) {
            Health::Failed(why) => return Some(Health::Failed(why)),
            Health::Ran { seconds, pod } => {
                let longer = match &best {
                    Health::Ran { seconds: known, .. } => seconds > *known,
                    Health::Ready { .. }
                    | Health::Stood { .. }
                    | Health::NotKnown
                    | Health::Failed(_) => true,
                };
                if longer {
                    best = Health::Ran { seconds, pod };
                }
            }
            Health::Ready { .. } | Health::Stood { .. } | Health::NotKnown => {}
        }
    }
    Some(best)
}

/// The pod that a controller says it made.
fn pod_made(message: &str) -> Option<&str> {
    message.strip_prefix("Created pod: ").or_else(|| {
        let (pod, _) = message.strip_prefix("create Pod ")?.split_once(" in StatefulSet ")?;
        Some(pod)
    })
}

/// Whether a pod that is gone ran well, by its events.
fn ran(pod: &str, events: &[Event<'_>], ended: Option<Timestamp>) -> Health {
    let bad = |event: &&Event<'_>| match event.reason() {
        "BackOff" => true,
        "Failed" | "Killing" => {
            event.message().contains("failed liveness probe")
                || event.message().contains("failed startup probe")
                || event.message().starts_with("Error: ")
        }
        "Started" => event.count() > 1,
        _ => false,
    };
    if let Some(event) = events.iter().find(bad) {
        return Health::Failed(format!("pod {pod} of it failed: {}", event.reason()));
    }
    let started =
        events.iter().filter(|event| event.reason() == "Started").filter_map(|e| e.first()).max();
    let stopped = events
        .iter()
        .filter(|event| event.reason() == "Killing")
        .filter_map(|event| event.last())
        .max()
        .or(ended);
    match (started, stopped) {
        (Some(from), Some(to)) if seconds_between(from, to) >= RAN_S => {
            Health::Ran { seconds: seconds_between(from, to), pod: pod.into() }
        }
        _ => Health::NotKnown,
    }
}
