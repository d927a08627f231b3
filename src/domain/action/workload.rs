//! The live workload that an action changes, and what changing its pod template means.

use super::catalogue::Context;
use crate::domain::evidence::{Answer, Read};
use crate::domain::operation::FieldChange;
use crate::domain::resource::FieldPath;
use serde_json::Value;

/// The live target, or what has to be read, or why not.
pub(super) enum Live<'a> {
    Object(&'a Value),
    Need(Read),
}

/// The live target of an action; its uid must still be the diagnosed one.
pub(super) fn live<'a>(context: &Context<'a>) -> Result<Live<'a>, String> {
    let path = context.target.key.path();
    let read = Read::Object(context.target.key.clone());
    match context.gathered.get(&read) {
        None => Ok(Live::Need(read)),
        Some(Answer::Object(object)) => {
            let uid = object.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default();
            if uid == context.target.uid {
                Ok(Live::Object(object))
            } else {
                Err(format!("{path} was deleted and made anew since the diagnosis"))
            }
        }
        Some(Answer::NotFound) => Err(format!("{path} does not exist any more")),
        Some(Answer::NotPermitted(why) | Answer::Unavailable(why)) => {
            Err(format!("{path} can't be read: {why}"))
        }
        Some(Answer::Items { .. } | Answer::Text(_) | Answer::Series(_) | Answer::Alerts(_)) => {
            Err(format!("{path}: something else than an object came back"))
        }
    }
}

/// Whether a changed pod template reaches the pods by itself; else a sentence.
pub(super) fn rolls(context: &Context<'_>, object: &Value) -> Result<Vec<String>, String> {
    let path = context.target.key.path();
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let mut notes = Vec::new();
    match context.target.key.kind.as_str() {
        "Deployment" => {
            if object.pointer("/spec/paused").and_then(Value::as_bool) == Some(true) {
                return Err(format!(
                    "the rollout of {path} is paused: a change would not reach its pods"
                ));
            }
            if text("/spec/strategy/type") == "Recreate" {
                notes.push("strategy Recreate: all pods stop before new ones start".into());
            }
        }
        "StatefulSet" | "DaemonSet" => {
            if text("/spec/updateStrategy/type") == "OnDelete" {
                return Err(format!(
                    "{path} has update strategy OnDelete: a change would reach pods only when somebody deletes them"
                ));
            }
            let partition = object.pointer("/spec/updateStrategy/rollingUpdate/partition");
            if let Some(partition) = partition.and_then(Value::as_i64).filter(|p| *p > 0) {
                return Err(format!(
                    "{path} has partition {partition}: a change would reach only some pods"
                ));
            }
        }
        kind => {
            return Err(format!(
                "{path}: a {kind} has no pod template that this action can change"
            ));
        }
    }
    Ok(notes)
}

/// The guard of every change that rolls pods: the whole pod template as it is now.
pub(super) fn template_guard(object: &Value) -> Vec<FieldChange> {
    let path = FieldPath::keys(&["spec", "template"]);
    let before = path.get(object).cloned();
    vec![FieldChange { path, before: before.clone(), after: before }]
}
