//! `roll_back`: the pod template of an earlier revision.

use super::catalogue::{Compiled, Context, Effect, ParamKind, Parameter};
use super::workload::{Live, live, rolls};
use crate::domain::evidence::{Answer, Progress, Read};
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::{FieldPath, ObjectKey};
use serde_json::Value;

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "revision",
        kind: ParamKind::Text,
        required: true,
        describe: "name of the ReplicaSet or ControllerRevision that is brought back",
    },
    Parameter { name: "revision_uid", kind: ParamKind::Text, required: true, describe: "its uid" },
];

pub(super) fn compile(context: &Context<'_>) -> Result<Progress<Compiled>, String> {
    let object = match live(context)? {
        Live::Need(read) => return Ok(Progress::Need(vec![read])),
        Live::Object(object) => object,
    };
    let notes = rolls(context, object)?;
    let kind = context.target.key.kind.as_str();
    let ordered = object.pointer("/spec/podManagementPolicy").and_then(Value::as_str);
    if kind == "StatefulSet" && ordered != Some("Parallel") {
        return Err("a StatefulSet with OrderedReady pods does not replace a broken pod by itself when its template \
                    is rolled back: roll back and delete the broken pod by hand"
            .into());
    }
    let text = |name: &str| context.params.get(name).and_then(Value::as_str).unwrap_or_default();
    let (name, uid) = (text("revision"), text("revision_uid"));
    let revision_kind = if kind == "Deployment" { "ReplicaSet" } else { "ControllerRevision" };
    let key = ObjectKey::new("apps/v1", revision_kind, &context.target.key.namespace, name);
    let revision = match context.gathered.get(&Read::Object(key.clone())) {
        None => return Ok(Progress::Need(vec![Read::Object(key)])),
        Some(Answer::Object(revision)) => revision,
        Some(_) => return Err(format!("revision {} can't be read, or is gone", key.path())),
    };
    let found = revision.pointer("/metadata/uid").and_then(Value::as_str);
    if uid.is_empty() || found != Some(uid) {
        return Err(format!("{} is another object than the diagnosed revision", key.path()));
    }
    if !owned(revision, &context.target.uid) {
        return Err(format!("{} is no revision of {}", key.path(), context.target.key.path()));
    }
    let template =
        template_of(revision).ok_or_else(|| format!("{} holds no pod template", key.path()))?;
    let path = FieldPath::keys(&["spec", "template"]);
    let before = path.get(object).cloned();
    if before.as_ref() == Some(&template) {
        return Err(format!(
            "{} has the pod template of {name} already",
            context.target.key.path()
        ));
    }
    let changes = vec![FieldChange { path, before, after: Some(template) }];
    let operation =
        Operation::Patch { object: context.target.clone(), changes, guards: Vec::new() };
    let undo = operation.undo();
    let number = number(revision);
    Ok(Progress::Ready(Compiled {
        effects: vec![Effect { operation, undo }],
        title: format!("roll back to revision {number} ({name})"),
        undo: "the present pod template is put back, while the old one still is there".into(),
        notes,
        rolls_pods: true,
    }))
}

fn owned(revision: &Value, uid: &str) -> bool {
    let owners = revision.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    owners.into_iter().flatten().any(|owner| owner.get("uid").and_then(Value::as_str) == Some(uid))
}

fn number(revision: &Value) -> String {
    let annotation = revision.pointer("/metadata/annotations/deployment.kubernetes.io~1revision");
    annotation
        .and_then(Value::as_str)
        .map(String::from)
        .or_else(|| revision.get("revision").and_then(Value::as_i64).map(|n| n.to_string()))
        .unwrap_or_else(|| "?".into())
}

/// The pod template of a ReplicaSet (without the hash label that its Deployment added) or of a ControllerRevision.
fn template_of(revision: &Value) -> Option<Value> {
    if let Some(template) = revision.pointer("/data/spec/template") {
        let mut template = template.clone();
        template.as_object_mut()?.remove("$patch");
        return Some(template);
    }
    let mut template = revision.pointer("/spec/template")?.clone();
    if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove("pod-template-hash");
    }
    Some(template)
}
