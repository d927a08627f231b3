//! `enable_debug_mode`: one variable of one container gets another value until the case ends; then the old value comes
//! back by itself, in whatever way the case ends, and when this engine died, by the next one.
//!
//! What is to come back stands on the object as well (annotation `pilothouse.dev/debug-mode`), so that people see it and
//! can put it back without any engine.

use super::parameter::{ActionParameter, ActionParameterKind::Text};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::{live, ordered, rolls, template_guard, template_path};
use crate::domain::diagnose::fields::{items, named, text, value};
use crate::domain::diagnose::reader::Reader;
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::FieldPath;
use crate::domain::time::parse_duration;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::{Value, json};

/// Tells what the variable was.
const MARK: &str = "pilothouse.dev/debug-mode";
/// Tells how long.
const TIME: &str = "pilothouse.dev/debug-time";

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Restart,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Sets one variable of a container (such as LOG_LEVEL) until the case ends; its pods roll.",
    undone_by: "by itself when the case ends, in whatever way; what was there stands on the object too",
    needs: "",
    parameters: &[
        ActionParameter::required("container", Text, "name of the container"),
        ActionParameter::required("variable", Text, "name of the variable"),
        ActionParameter::required("value", Text, "its value meanwhile"),
        ActionParameter::optional("time", Text, "how long, for people and for waits: 15m"),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let target = request.target;
    let Some(object) = live(target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let notes = rolls(target, object)?;
    let Some(waits) = ordered(target, object, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let path = target.key.path();
    let called = request.text("container").unwrap_or_default();
    let variable = request.text("variable").unwrap_or_default();
    let wanted = request.text("value").unwrap_or_default();
    if !is_variable(variable) {
        return Err(ActionError(format!("`{variable}` can't be the name of a variable")));
    }
    let mark = FieldPath::keys(&["metadata", "annotations"]).key(MARK);
    if mark.get(object).is_some_and(Value::is_string) {
        return Err(ActionError(format!("{path} is in debug mode already: see annotation {MARK}")));
    }
    let containers = items(object, &["spec", "template", "spec", "containers"]);
    let container = named(containers, called)
        .ok_or_else(|| ActionError(format!("{path} has no container {called}")))?;
    let at = template_path().key("spec").key("containers").named(called).key("env");
    let known = items(container, &["env"]);
    let entry = json!({"name": variable, "value": wanted});
    let before = named(known, variable);
    if before.is_some_and(|one| value(one, &["valueFrom"]).is_some()) {
        return Err(ActionError(format!(
            "{variable} of {called} comes from elsewhere (valueFrom): change it there"
        )));
    }
    let was = before.map(|one| text(one, &["value"]));
    if was == Some(wanted) {
        return Err(ActionError(format!("{variable} of {called} is {wanted} already")));
    }
    let change = if known.is_empty() {
        FieldChange::of(object, at, Some(json!([entry])))
    } else {
        FieldChange::of(object, at.named(variable), Some(entry))
    };
    let back = json!({"container": called, "variable": variable, "before": was}).to_string();
    let mut changes = vec![change, FieldChange::of(object, mark, Some(back.into()))];
    if let Some(time) = request.text("time") {
        if parse_duration(time).is_err() {
            return Err(ActionError(format!("`time`: {time} is no duration: write 15m")));
        }
        let path = FieldPath::keys(&["metadata", "annotations"]).key(TIME);
        changes.push(FieldChange::of(object, path, Some(time.into())));
    }
    let shown = was.map_or_else(|| "not set".to_string(), |was| format!("`{was}`"));
    let mut ready = Compiled::new(
        format!("debug mode of {called}: {variable} {shown} → `{wanted}` until the case ends"),
        vec![Operation::patch(target.clone(), changes, vec![template_guard(object)])],
        format!("{variable} is {shown} again by itself when the case ends; its pods roll again"),
    );
    ready.notes = notes;
    ready.notes.extend(waits);
    ready.notes.push("its pods roll twice: now, and when the case ends".into());
    Ok(Progress::Ready(ready))
}

fn is_variable(text: &str) -> bool {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    text.len() <= 100
        && text.starts_with(first)
        && text.chars().all(|c| first(c) || c.is_ascii_digit() || c == '.' || c == '-')
}
