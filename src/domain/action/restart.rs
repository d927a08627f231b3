//! `restart_workload`: all pods anew, as `kubectl rollout restart` does it.
//!
//! The annotation on the pod template holds a digest of the template and not the time: the same restart of the same
//! template is the same change, so that its plan has one digest however often it is made.

use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::{live, ordered, rolls, template_guard, template_path};
use crate::domain::diagnose::reader::Reader;
use crate::domain::digest::canonical_sha256;
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

/// Set on the pod template by a restart.
pub(super) const RESTART_ANNOTATION: &str = "pilothouse.dev/restart-of";

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Restart,
    risk: Risk::Medium,
    mutates: true,
    undoable: false,
    timeout_s: 60,
    describe: "Replaces all pods, a few at a time as the strategy has it.",
    undone_by: "can't be undone: the pods that ran are gone",
    needs: "",
    parameters: &[],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let Some(object) = live(request.target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let mut notes = rolls(request.target, object)?;
    let Some(waits) = ordered(request.target, object, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    notes.extend(waits);
    let template = template_path().get(object).unwrap_or(&Value::Null);
    let digest = canonical_sha256(template)
        .map_err(|error| ActionError(format!("the pod template has no digest: {error}")))?;
    let path = template_path().key("metadata").key("annotations").key(RESTART_ANNOTATION);
    let before = path.get(object).cloned();
    let after = digest.get(..16).map(|short| Value::String(short.into()));
    let name = &request.target.key.name;
    Ok(Progress::Ready(Compiled {
        operations: vec![Operation::Patch {
            object: request.target.clone(),
            subresource: String::new(),
            changes: vec![FieldChange { path, before, after }],
            guards: vec![template_guard(object)],
        }],
        title: format!("restart the pods of {name}"),
        undo: "a restart can't be undone: the pods that ran are gone".into(),
        notes,
        unknown: Vec::new(),
        blockers: Vec::new(),
        shows_after_s: 0,
    }))
}
