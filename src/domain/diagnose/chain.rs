//! From the object that an alert names to the owner at the top of the chain.
//!
//! ```text
//! Pod ─► ReplicaSet ─► Deployment      Pod ─► StatefulSet      Pod ─► DaemonSet      Pod ─► Job ─► CronJob
//! ```
//!
//! Promises: follows only `ownerReferences` with `controller: true` and only while the uid matches, inside one
//! namespace. The chain ends below an owner of any other kind (an operator's resource, a Node of a static pod): that
//! owner is a manager, not a target. Names are never split to guess an owner. A pod that is gone is traced by what its
//! controller wrote: the controller's own events (*Created pod: …*), or kube-state-metrics' `kube_pod_owner`.

use super::fields::{controller, items, name, terminating, text, uid};
use super::guesses::{Guessed, guess};
use super::named::candidates;
use super::reader::{Got, Reader};
use crate::domain::alert::Alert;
use crate::domain::evidence::{Gathered, Progress, Read, Series};
use crate::domain::resource::{ObjectKey, ObjectRef};
use serde_json::Value;

/// What became of the object that an alert names.
#[derive(Debug, Clone)]
pub(crate) enum Located<'a> {
    /// Found.
    Found(Chain<'a>),
    /// It is gone, and nothing says whose it was.
    Gone(ObjectKey),
    /// It can't be read; why.
    Unreadable(ObjectKey, String),
    /// The labels name no object.
    Nameless,
    /// More has to be read.
    Pending,
}

/// The way up.
#[derive(Debug, Clone)]
pub(crate) struct Chain<'a> {
    /// Whether that object is gone, and its owner was found by other evidence: in words, and from where.
    pub(crate) gone: Option<(String, String)>,
    /// The objects from the lowest to the top, each with its reference.
    pub(crate) links: Vec<(ObjectRef, &'a Value)>,
    /// The owner reference that the chain does not follow, if the top has a controller.
    pub(crate) beyond: Option<ObjectRef>,
    /// Whether the chain broke before its end (an owner that can't be read or has another uid).
    pub(crate) broken: bool,
}

impl<'a> Chain<'a> {
    pub(crate) fn top(&self) -> Option<&(ObjectRef, &'a Value)> {
        self.links.last()
    }
}

/// Finds the owner at the top of the chain pod → ReplicaSet → Deployment / StatefulSet / DaemonSet, Job → CronJob.
/// `Ready(None)` when the object is gone or can't be read.
#[must_use]
pub fn owner(alert: &Alert, gathered: &Gathered) -> Progress<Option<ObjectKey>> {
    let mut reader = Reader::new(gathered);
    let located = locate(alert, &mut reader);
    if reader.pending() {
        return Progress::Need(reader.needs());
    }
    Progress::Ready(match located {
        Located::Found(chain) => chain.top().map(|(top, _)| top.key.clone()),
        Located::Gone(_) | Located::Unreadable(..) | Located::Nameless | Located::Pending => None,
    })
}

/// Looks for the object that the alert's labels name, and climbs.
pub(crate) fn locate<'a>(alert: &Alert, reader: &mut Reader<'a>) -> Located<'a> {
    let all = candidates(alert);
    let Some(first) = all.first().cloned() else {
        return match guess(alert, reader) {
            Guessed::Found(key, object) => climb(key, None, object, reader),
            Guessed::Pending => Located::Pending,
            Guessed::Nothing => Located::Nameless,
        };
    };
    // A label such as `deployment` may be an application's own word: then the pod is the object.
    let fallback = |key: &&ObjectKey| **key == first || key.kind == "Pod";
    let mut unreadable = None;
    for key in all.iter().filter(fallback) {
        match reader.look(key) {
            Got::Have(object) => return climb(key.clone(), None, object, reader),
            Got::Unreadable(why) => unreadable = unreadable.or(Some((key.clone(), why))),
            Got::Gone => {}
            Got::Pending => return Located::Pending,
        }
    }
    if let Some((key, why)) = unreadable {
        return Located::Unreadable(key, why);
    }
    let pod = all.iter().find(|key| key.kind == "Pod").cloned();
    pod.map_or_else(|| Located::Gone(first), |pod| trace(pod, reader))
}

/// Looks for one object, and climbs.
pub(crate) fn at<'a>(key: &ObjectKey, reader: &mut Reader<'a>) -> Located<'a> {
    match reader.look(key) {
        Got::Have(object) => climb(key.clone(), None, object, reader),
        Got::Unreadable(why) => Located::Unreadable(key.clone(), why),
        Got::Gone => Located::Gone(key.clone()),
        Got::Pending => Located::Pending,
    }
}

/// Climbs the owners of an object that was found.
pub(crate) fn climb<'a>(
    named: ObjectKey,
    gone: Option<(String, String)>,
    object: &'a Value,
    reader: &mut Reader<'a>,
) -> Located<'a> {
    let Some(first) = reference(&named, object) else {
        return Located::Unreadable(named, "it has no uid".into());
    };
    let mut chain = Chain { gone, links: vec![(first, object)], beyond: None, broken: false };
    let mut at = object;
    while let Some(owner) = controller(at) {
        if !followed(&owner.key) || chain.links.len() > 4 {
            chain.beyond = Some(owner);
            break;
        }
        match reader.look(&owner.key) {
            Got::Have(found) if uid(found) == owner.uid => {
                chain.links.push((owner, found));
                at = found;
            }
            Got::Have(_) => {
                let why = "another object has that name now (its uid differs)";
                reader.miss("missing-owner", &owner.key.path(), why);
                chain.broken = true;
                break;
            }
            Got::Gone => {
                reader.miss("missing-owner", &owner.key.path(), "it does not exist any more");
                chain.broken = true;
                break;
            }
            Got::Unreadable(why) => {
                reader.miss("missing-owner", &owner.key.path(), &why);
                chain.broken = true;
                break;
            }
            Got::Pending => return Located::Pending,
        }
    }
    Located::Found(chain)
}

fn followed(key: &ObjectKey) -> bool {
    matches!(
        (key.api_version.as_str(), key.kind.as_str()),
        ("apps/v1", "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet")
            | ("batch/v1", "Job" | "CronJob")
    )
}

fn reference(key: &ObjectKey, object: &Value) -> Option<ObjectRef> {
    let uid = uid(object);
    (!uid.is_empty()).then(|| ObjectRef { key: key.clone(), uid: uid.into() })
}

/// Looks for the controller of a pod that is gone.
fn trace<'a>(pod: ObjectKey, reader: &mut Reader<'a>) -> Located<'a> {
    let events = reader.list("missing-events", "v1", "Event", &pod.namespace, "");
    let metric = reader.series(Read::Query {
        promql: format!(
            "last_over_time(kube_pod_owner{{namespace=\"{}\",pod=\"{}\",owner_is_controller=\"true\"}}[1h])",
            pod.namespace, pod.name
        ),
    });
    if matches!(events, Got::Pending) || matches!(metric, Got::Pending) {
        return Located::Pending;
    }
    let said = events
        .have()
        .and_then(|events| by_event(&pod, events))
        .or_else(|| metric.have().and_then(|series| by_metric(&pod, series)));
    let Some((owner, wanted_uid, source)) = said else { return Located::Gone(pod) };
    match reader.look(&owner) {
        Got::Have(found)
            if wanted_uid.as_deref().is_none_or(|uid_then| uid_then == uid(found))
                && !terminating(found) =>
        {
            let words = format!("{} is gone; {} made it", pod.path(), owner.path());
            climb(owner, Some((words, source)), found, reader)
        }
        Got::Have(_) | Got::Gone => Located::Gone(pod),
        Got::Unreadable(why) => Located::Unreadable(owner, why),
        Got::Pending => Located::Pending,
    }
}

/// What a controller's event says of a pod: the controller, its uid, and the source.
fn by_event(pod: &ObjectKey, events: &[Value]) -> Option<(ObjectKey, Option<String>, String)> {
    events.iter().find_map(|event| {
        let object = event.get("involvedObject")?;
        let kind = text(object, &["kind"]);
        let api_version = match kind {
            "ReplicaSet" | "StatefulSet" | "DaemonSet" => "apps/v1",
            "Job" => "batch/v1",
            _ => return None,
        };
        if !names_pod(text(event, &["message"]), &pod.name) {
            return None;
        }
        Some((
            ObjectKey::new(api_version, kind, &pod.namespace, text(object, &["name"])),
            Some(text(object, &["uid"]).to_string()),
            format!("event {}", name(event)),
        ))
    })
}

/// Whether a controller's message is about exactly this pod.
pub(crate) fn names_pod(message: &str, pod: &str) -> bool {
    message.strip_prefix("Created pod: ") == Some(pod)
        || message.strip_prefix("Deleted pod: ") == Some(pod)
        || message.starts_with(&format!("create Pod {pod} in StatefulSet "))
        || message.starts_with(&format!("delete Pod {pod} in StatefulSet "))
}

fn by_metric(pod: &ObjectKey, series: &[Series]) -> Option<(ObjectKey, Option<String>, String)> {
    let labels = &series.first()?.labels;
    let kind = labels.get("owner_kind")?;
    let api_version = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    let key = ObjectKey::new(api_version, kind, &pod.namespace, labels.get("owner_name")?);
    followed(&key).then(|| (key, None, "kube_pod_owner".to_string()))
}

/// Whether the object has an owner of that uid that controls it.
pub(crate) fn controlled_by(object: &Value, owner_uid: &str) -> bool {
    items(object, &["metadata", "ownerReferences"]).iter().any(|owner| {
        text(owner, &["uid"]) == owner_uid
            && owner.get("controller").and_then(Value::as_bool) == Some(true)
    })
}
