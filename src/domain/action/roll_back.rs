//! `roll_back`: the pod template of an earlier revision.
//!
//! The whole template is the touched field: what the revision's holder (ReplicaSet, ControllerRevision) has becomes
//! the workload's, without what controllers stamp on it. Replicas, strategy and the rest of the spec stay as they are.

use super::parameter::{ActionParameter, ActionParameterKind};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::{blocking, live, rolls, template_guard, template_path};
use crate::domain::diagnose::chain::controlled_by;
use crate::domain::diagnose::fields::{int, text, uid, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation, Propagation};
use crate::domain::resource::{FieldPath, ObjectKey, ObjectRef};
use crate::domain::workflow::diff::diff_values;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Restart,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Puts the pod template of an earlier revision back; the pods of the workload roll.",
    undone_by: "the pod template from before, while it still is the one put back",
    needs: "",
    parameters: &[ActionParameter::required(
        "revision",
        ActionParameterKind::Revision,
        "{kind, name, uid} of the ReplicaSet or ControllerRevision",
    )],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let revision = request.params.get("revision").unwrap_or(&Value::Null);
    let holder = holder(request, revision)?;
    let object = live(request.target, &mut reader)?;
    let found = reader.look(&holder);
    let (Some(object), false) = (object, reader.pending()) else {
        return Ok(Progress::Need(reader.needs()));
    };
    let mut notes = rolls(request.target, object)?;
    let held = match found {
        Got::Have(held) => held,
        Got::Gone | Got::Pending => {
            return Err(ActionError(format!(
                "{} does not exist any more: that revision is gone from the history",
                holder.path()
            )));
        }
        Got::Unreadable(why) => {
            return Err(ActionError(format!("{} can't be read: {why}", holder.path())));
        }
    };
    if uid(held) != text(revision, &["uid"]) || !controlled_by(held, &request.target.uid) {
        return Err(ActionError(format!(
            "{} is not the revision of {} that was diagnosed",
            holder.path(),
            request.target.key.path()
        )));
    }
    let Some(broken) = blocking(request.target, object, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let deletions = without(&broken, held, &mut notes);
    let template = template_of(held)
        .ok_or_else(|| ActionError(format!("{} holds no pod template", holder.path())))?;
    let live_template = template_path().get(object).cloned();
    let lines = diff_values(live_template.as_ref().unwrap_or(&Value::Null), &template);
    if lines.is_empty() {
        return Err(ActionError(format!(
            "{} has the pod template of that revision already",
            request.target.key.path()
        )));
    }
    let number = number(held);
    let operation = Operation::Patch {
        object: request.target.clone(),
        subresource: String::new(),
        changes: vec![FieldChange {
            path: template_path(),
            before: live_template,
            after: Some(template),
        }],
        guards: vec![template_guard(object)],
    };
    let name = &request.target.key.name;
    Ok(Progress::Ready(Compiled {
        operations: std::iter::once(operation).chain(deletions).collect(),
        title: format!("roll {name} back to revision {number}"),
        undo: format!("the pod template of {name} as it is now; its pods roll again"),
        notes,
        unknown: Vec::new(),
        blockers: Vec::new(),
        shows_after_s: 0,
    }))
}

/// The pods that an ordered StatefulSet would wait for in vain: each is deleted after the change, while it still is of
/// the revision that goes. Its controller changes no other pod before (seen on a real cluster).
fn without(broken: &[&Value], held: &Value, notes: &mut Vec<String>) -> Vec<Operation> {
    let label = FieldPath::keys(&["metadata", "labels", "controller-revision-hash"]);
    let mut out = Vec::new();
    for pod in broken {
        let name = crate::domain::diagnose::fields::name(pod);
        let revision = label.get(pod).cloned();
        let of_held = revision.as_ref().and_then(Value::as_str)
            == Some(crate::domain::diagnose::fields::name(held));
        match ObjectRef::of(pod) {
            Some(object) if !of_held => {
                notes.push(format!(
                    "pod {name} is not ready and would hold the roll back: it is deleted after the change"
                ));
                let guards = vec![FieldChange {
                    path: label.clone(),
                    before: revision.clone(),
                    after: revision,
                }];
                let propagation = Propagation::Background;
                out.push(Operation::Delete { object, grace_s: None, propagation, guards });
            }
            Some(_) | None => notes.push(format!(
                "pod {name} has that revision and is not ready: the roll waits for it"
            )),
        }
    }
    out
}

/// Where the revision is kept.
fn holder(request: &ActionRequest<'_>, revision: &Value) -> Result<ObjectKey, ActionError> {
    let kind = text(revision, &["kind"]);
    let right = match request.target.key.kind.as_str() {
        "Deployment" => kind == "ReplicaSet",
        "StatefulSet" | "DaemonSet" => kind == "ControllerRevision",
        _ => false,
    };
    if !right {
        return Err(ActionError(format!(
            "{} can't be rolled back to a {kind}",
            request.target.key.path()
        )));
    }
    let namespace = &request.target.key.namespace;
    Ok(ObjectKey::new("apps/v1", kind, namespace, text(revision, &["name"])))
}

/// The template as the workload had it.
fn template_of(held: &Value) -> Option<Value> {
    let replica_set = text(held, &["kind"]) == "ReplicaSet";
    let path: &[&str] =
        if replica_set { &["spec", "template"] } else { &["data", "spec", "template"] };
    let mut template = value(held, path)?.clone();
    let members = template.as_object_mut()?;
    // A ControllerRevision holds a patch that replaces the template.
    members.remove("$patch");
    if let Some(metadata) = members.get_mut("metadata").and_then(Value::as_object_mut) {
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
        if metadata.get("creationTimestamp").is_some_and(Value::is_null) {
            metadata.remove("creationTimestamp");
        }
    }
    Some(template)
}

fn number(held: &Value) -> String {
    let by_annotation =
        text(held, &["metadata", "annotations", "deployment.kubernetes.io/revision"]);
    match int(held, &["revision"]) {
        _ if !by_annotation.is_empty() => by_annotation.to_string(),
        Some(number) => number.to_string(),
        None => crate::domain::diagnose::fields::name(held).to_string(),
    }
}
