//! `pause_rollout`, `resume_rollout`: whether a Deployment's controller replaces its pods.

use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::{live, template_guard};
use crate::domain::diagnose::fields::{flag, int};
use crate::domain::diagnose::reader::Reader;
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::FieldPath;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

pub(super) const PAUSE: ActionSpec = ActionSpec {
    class: ActionClass::Restart,
    risk: Risk::Low,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Pauses the rollout of a Deployment: pods stay as they are until it is resumed.",
    undone_by: "resumed, while it still is paused",
    needs: "",
    parameters: &[],
    compile: pause,
};

pub(super) const RESUME: ActionSpec = ActionSpec {
    class: ActionClass::Restart,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Resumes the paused rollout of a Deployment: what was changed meanwhile reaches its pods.",
    undone_by: "paused again; pods that were replaced by then stay",
    needs: "",
    parameters: &[],
    compile: resume,
};

fn pause(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    toggle(request, true)
}

fn resume(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    toggle(request, false)
}

fn toggle(request: &ActionRequest<'_>, pause: bool) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let path = target.key.path();
    if target.key.kind != "Deployment" {
        return Err(ActionError(format!("{path}: only the rollout of a Deployment is paused")));
    }
    let Some(object) = live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    if flag(object, &["spec", "paused"]) == pause {
        let state = if pause { "paused already" } else { "not paused" };
        return Err(ActionError(format!("the rollout of {path} is {state}")));
    }
    let after = pause.then_some(Value::Bool(true));
    let change = FieldChange::of(object, FieldPath::keys(&["spec", "paused"]), after);
    let name = &target.key.name;
    let (verb, back) = if pause { ("pause", "resume") } else { ("resume", "pause") };
    let mut compiled = Compiled::new(
        format!("{verb} the rollout of {name}"),
        vec![Operation::patch(target.clone(), vec![change], vec![template_guard(object)])],
        format!("{back} the rollout of {name}"),
    );
    compiled.notes.push(pending(object, pause));
    Ok(Progress::Ready(compiled))
}

/// How far the rollout is.
fn pending(object: &Value, pause: bool) -> String {
    let count = |field: &str| int(object, &["status", field]).unwrap_or(0);
    let wanted = int(object, &["spec", "replicas"]).unwrap_or(1);
    let left = wanted.saturating_sub(count("updatedReplicas")).max(0);
    if pause {
        format!("{left} of {wanted} pods keep the old template meanwhile")
    } else {
        format!(
            "at least {left} of {wanted} pods are replaced, and all of them where the template changed since"
        )
    }
}
