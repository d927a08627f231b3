//! The workload that an action changes: what every change of a pod template has to look at first.
//!
//! Refused, since the change would not reach the pods or reach something else: another uid, an object that is being
//! deleted, a kind without a pod template, a paused rollout, `OnDelete`, a partition above all pods. Noted: how many
//! pods go at once, a partition, a scale of zero.

use super::request::ActionError;
use crate::domain::diagnose::chain::controlled_by;
use crate::domain::diagnose::container::{Doing, Pod, Run};
use crate::domain::diagnose::fields::{flag, int, selector, terminating, text, uid, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::operation::FieldChange;
use crate::domain::resource::{FieldPath, ObjectRef};
use serde_json::Value;

/// The object as it is; `None` while it has to be read.
pub(super) fn live<'a>(
    target: &ObjectRef,
    reader: &mut Reader<'a>,
) -> Result<Option<&'a Value>, ActionError> {
    match seen(target, reader)? {
        Some(object) if terminating(object) => {
            Err(ActionError(format!("{} is being deleted", target.key.path())))
        }
        found => Ok(found),
    }
}

/// The target as it was read, also while it is being deleted: for what only looks.
pub(super) fn seen<'a>(
    target: &ObjectRef,
    reader: &mut Reader<'a>,
) -> Result<Option<&'a Value>, ActionError> {
    let path = target.key.path();
    match reader.look(&target.key) {
        Got::Pending => Ok(None),
        Got::Have(object) if uid(object) != target.uid => Err(ActionError(format!(
            "{path} was deleted and made anew: it has another uid than the one diagnosed"
        ))),
        Got::Have(object) => Ok(Some(object)),
        Got::Gone => Err(ActionError(format!("{path} does not exist any more"))),
        Got::Unreadable(why) => Err(ActionError(format!("{path} can't be read: {why}"))),
    }
}

/// `spec.template`.
pub(super) fn template_path() -> FieldPath {
    FieldPath::keys(&["spec", "template"])
}

/// The guard that makes any other change of the pod template void the plan.
pub(super) fn template_guard(object: &Value) -> FieldChange {
    let path = template_path();
    let template = path.get(object).cloned();
    FieldChange { path, before: template.clone(), after: template }
}

/// Notes about how a new pod template reaches the pods; an error when it does not.
pub(super) fn rolls(target: &ObjectRef, object: &Value) -> Result<Vec<String>, ActionError> {
    let path = target.key.path();
    let kind = target.key.kind.as_str();
    if target.key.api_version != "apps/v1" || template_path().get(object).is_none_or(Value::is_null)
    {
        return Err(ActionError(format!(
            "{path} is no Deployment, StatefulSet or DaemonSet: its pods can't be rolled"
        )));
    }
    let mut notes = Vec::new();
    match kind {
        "Deployment" => {
            if flag(object, &["spec", "paused"]) {
                return Err(ActionError(format!(
                    "the rollout of {path} is paused: a change would not reach its pods"
                )));
            }
            if text(object, &["spec", "strategy", "type"]) == "Recreate" {
                notes.push("strategy Recreate: all pods stop before new ones start".into());
            } else {
                let rolling =
                    |key| shown(value(object, &["spec", "strategy", "rollingUpdate", key]));
                notes.push(format!(
                    "rolls with at most {} unavailable and {} more",
                    rolling("maxUnavailable"),
                    rolling("maxSurge")
                ));
            }
        }
        "StatefulSet" => stateful(&path, object, &mut notes)?,
        "DaemonSet" => {
            if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
                return Err(on_delete(&path));
            }
            let most = shown(value(
                object,
                &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"],
            ));
            notes.push(format!("rolls node by node, at most {most} unavailable"));
        }
        _ => {
            return Err(ActionError(format!(
                "{path}: pods of a {kind} can't be rolled; only those of a Deployment, StatefulSet or DaemonSet"
            )));
        }
    }
    if int(object, &["spec", "replicas"]) == Some(0) {
        notes
            .push("it is scaled to zero: no pod runs with the change until it is scaled up".into());
    }
    Ok(notes)
}

fn stateful(path: &str, object: &Value, notes: &mut Vec<String>) -> Result<(), ActionError> {
    if text(object, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Err(on_delete(path));
    }
    let partition =
        int(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
    let replicas = int(object, &["spec", "replicas"]).unwrap_or(1);
    if partition > 0 && partition >= replicas {
        return Err(ActionError(format!(
            "{path} has partition {partition} and {replicas} replicas: a change would reach no pod"
        )));
    }
    if partition > 0 {
        notes.push(format!(
            "partition {partition}: pods 0 to {} keep the old template",
            partition - 1
        ));
    }
    notes.push("rolls one pod at a time, from the highest ordinal".into());
    Ok(())
}

fn on_delete(path: &str) -> ActionError {
    ActionError(format!(
        "{path} updates OnDelete: a change of its template does nothing until somebody deletes each pod"
    ))
}

fn shown(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "25%".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// kubectl's form of the workload's pod selector. An empty one is an error, never *all pods*.
pub(super) fn pod_selector(target: &ObjectRef, object: &Value) -> Result<String, ActionError> {
    selector(value(object, &["spec", "selector"])).ok_or_else(|| {
        ActionError(format!("{} has no pod selector, or one that selects all", target.key.path()))
    })
}

/// kubectl's form of the labels that an object selects pods by: a workload's selector, or a Service's plain labels.
/// `None` where it selects none, or all.
pub(super) fn pod_labels(object: &Value) -> Option<String> {
    let found = value(object, &["spec", "selector"])?;
    let plain = found
        .as_object()
        .filter(|labels| !labels.is_empty() && labels.values().all(Value::is_string));
    match plain {
        Some(labels) => {
            let pairs = labels.iter().filter_map(|(key, value)| Some((key, value.as_str()?)));
            let pairs = pairs.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
            Some(pairs.join(","))
        }
        None => selector(Some(found)),
    }
}

/// The workload's own pods. `None` while they have to be read.
pub(super) fn own_pods<'a>(
    target: &ObjectRef,
    object: &Value,
    reader: &mut Reader<'a>,
) -> Result<Option<Vec<&'a Value>>, ActionError> {
    let labels = pod_selector(target, object)?;
    let namespace = &target.key.namespace;
    let pods = reader.whole_list("pods", "v1", "Pod", namespace, &labels);
    let sets = if target.key.kind == "Deployment" {
        reader.whole_list("revisions", "apps/v1", "ReplicaSet", namespace, &labels)
    } else {
        Got::Have(&[][..])
    };
    let unread = |why| ActionError(format!("pods of {}: {why}", target.key.path()));
    let (pods, sets) = match (pods, sets) {
        (Got::Pending, _) | (_, Got::Pending) => return Ok(None),
        (Got::Unreadable(why), _) | (_, Got::Unreadable(why)) => return Err(unread(why)),
        (pods, sets) => (pods.have().unwrap_or_default(), sets.have().unwrap_or_default()),
    };
    let sets = sets.iter().filter(|set| controlled_by(set, &target.uid)).map(uid);
    let owners = sets.chain([target.uid.as_str()]).collect::<Vec<_>>();
    let own = |pod: &&Value| owners.iter().any(|owner| controlled_by(pod, owner));
    Ok(Some(pods.iter().filter(own).collect()))
}

/// Pods that are not ready, for which an ordered StatefulSet would wait before it changes any. `None` while they have to
/// be read.
pub(super) fn blocking<'a>(
    target: &ObjectRef,
    object: &Value,
    reader: &mut Reader<'a>,
) -> Result<Option<Vec<&'a Value>>, ActionError> {
    let parallel = text(object, &["spec", "podManagementPolicy"]) == "Parallel";
    if target.key.kind != "StatefulSet" || parallel {
        return Ok(Some(Vec::new()));
    }
    let Some(pods) = own_pods(target, object, reader)? else { return Ok(None) };
    Ok(Some(pods.into_iter().filter(|pod| !terminating(pod) && !Pod::of(pod).ready()).collect()))
}

/// Runs shorter than this never count as ready: a kubelet reports less often.
const READY_AFTER_S: i64 = 3;

/// Pods of an ordered StatefulSet that a roll would wait for before it changes any. Its controller goes on only while
/// all pods are ready at the same time (seen on a real cluster: a template put back under two pods that end at once
/// never reaches them). So: `Err` where that won't happen by itself, a note where it may. `None` while reads are due.
pub(super) fn ordered(
    target: &ObjectRef,
    object: &Value,
    reader: &mut Reader<'_>,
) -> Result<Option<Vec<String>>, ActionError> {
    if target.key.kind != "StatefulSet"
        || text(object, &["spec", "podManagementPolicy"]) == "Parallel"
    {
        return Ok(Some(Vec::new()));
    }
    let labels = pod_selector(target, object)?;
    let pods = match reader.list("missing-pods", "v1", "Pod", &target.key.namespace, &labels) {
        Got::Pending => return Ok(None),
        Got::Gone => &[],
        Got::Unreadable(why) => {
            let what = "with OrderedReady a pod that is not ready blocks the roll";
            return Ok(Some(vec![format!("its pods can't be read ({why}); {what}")]));
        }
        Got::Have(pods) => pods,
    };
    let unready = pods
        .iter()
        .filter(|pod| controlled_by(pod, &target.uid) && !terminating(pod))
        .map(Pod::of)
        .filter(|pod| !pod.ready())
        .collect::<Vec<_>>();
    let names = unready.iter().map(Pod::name).collect::<Vec<_>>().join(", ");
    let blocked = |why: &str| {
        Err(ActionError(format!(
            "{} is OrderedReady: its controller changes no pod before all are ready at once, and {why}. Change the \
             template by hand, then delete {names}",
            target.key.path()
        )))
    };
    match unready.as_slice() {
        [] => Ok(Some(Vec::new())),
        [one] => match never_ready(one) {
            Some(why) => blocked(&format!("pod {} {why}", one.name())),
            None => Ok(Some(vec![format!(
                "pod {names} is not ready, and the set is OrderedReady: the roll waits until it is ready for a \
                 moment; if it never is, it has to be deleted by hand after the change"
            )])),
        },
        [..] => blocked(&format!("pods {names} are not ready")),
    }
}

/// Why a pod won't become ready by itself, where that can be told.
fn never_ready(pod: &Pod<'_>) -> Option<String> {
    pod.containers.iter().find_map(|container| {
        let (reason, _) = container.waiting();
        match reason {
            "" | "ContainerCreating" | "PodInitializing" | "CrashLoopBackOff" => {}
            other => return Some(format!("waits for {other}")),
        }
        let seconds = container.last_run().and_then(Run::seconds)?;
        let ended = !matches!(container.doing, Doing::Running { .. });
        (ended && seconds < READY_AFTER_S)
            .then(|| format!("ends after {seconds}s each time it starts"))
    })
}
