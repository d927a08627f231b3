//! `set_resources`: requests and limits of one container.

use super::catalogue::{Compiled, Context, Effect, ParamKind, Parameter};
use super::workload::{Live, live, rolls, template_guard};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::quantity::{format_bytes, parse_bytes, parse_milli};
use crate::domain::resource::FieldPath;
use serde_json::Value;

const fn quantity(name: &'static str, describe: &'static str) -> Parameter {
    Parameter { name, kind: ParamKind::Quantity, required: false, describe }
}

pub(super) const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "container",
        kind: ParamKind::Text,
        required: true,
        describe: "name of the container",
    },
    quantity("memory_limit", "new memory limit"),
    quantity("memory_request", "new memory request"),
    quantity("cpu_limit", "new CPU limit"),
    quantity("cpu_request", "new CPU request"),
];

pub(super) fn compile(context: &Context<'_>) -> Result<Progress<Compiled>, String> {
    let object = match live(context)? {
        Live::Need(read) => return Ok(Progress::Need(vec![read])),
        Live::Object(object) => object,
    };
    let notes = rolls(context, object)?;
    let name = context.params.get("container").and_then(Value::as_str).unwrap_or_default();
    let container = container_path(object, name)
        .ok_or_else(|| format!("{} has no container `{name}`", context.target.key.path()))?;
    let mut changes = Vec::new();
    let mut titles = Vec::new();
    for (class, resource, word) in [
        ("limits", "memory", "memory limit"),
        ("requests", "memory", "memory request"),
        ("limits", "cpu", "CPU limit"),
        ("requests", "cpu", "CPU request"),
    ] {
        let parameter = format!("{resource}_{}", class.trim_end_matches('s'));
        let Some(wanted) = context.params.get(&parameter) else { continue };
        let wanted = as_quantity(resource, wanted)
            .ok_or_else(|| format!("{parameter}: `{wanted}` is no quantity"))?;
        let path = container.clone().key("resources").key(class).key(resource);
        let before = path.get(object).cloned();
        let shown = before.as_ref().and_then(Value::as_str).unwrap_or("none").to_string();
        if measure(resource, &shown) == measure(resource, &wanted) {
            continue;
        }
        titles.push(format!("{word} of {name} {shown} → {wanted}"));
        changes.push(FieldChange { path, before, after: Some(Value::String(wanted)) });
    }
    if changes.is_empty() {
        return Err(format!("container {name} has these requests and limits already"));
    }
    check(object, &container, &changes)?;
    let raises = changes.iter().all(grows);
    let operation = Operation::Patch {
        object: context.target.clone(),
        changes,
        guards: template_guard(object),
    };
    let undo = operation.undo();
    let verb = if raises { "raise" } else { "set" };
    Ok(Progress::Ready(Compiled {
        effects: vec![Effect { operation, undo }],
        title: format!("{verb} {}", titles.join(", ")),
        undo: "the old values are put back, while they still are ours; its pods restart again"
            .into(),
        notes,
        rolls_pods: true,
    }))
}

fn container_path(object: &Value, name: &str) -> Option<FieldPath> {
    ["containers", "initContainers"].into_iter().find_map(|list| {
        let path = FieldPath::keys(&["spec", "template", "spec", list]).named(name);
        path.get(object).is_some().then_some(path)
    })
}

fn as_quantity(resource: &str, value: &Value) -> Option<String> {
    match value {
        Value::Number(number) if resource == "memory" => number.as_u64().map(format_bytes),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => measure(resource, text).map(|_| text.clone()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn measure(resource: &str, text: &str) -> Option<u64> {
    if resource == "memory" { parse_bytes(text) } else { parse_milli(text) }
}

fn grows(change: &FieldChange) -> bool {
    let resource = if change.path.to_string().ends_with("memory") { "memory" } else { "cpu" };
    let of = |value: &Option<Value>| {
        value.as_ref().and_then(Value::as_str).and_then(|text| measure(resource, text))
    };
    matches!((of(&change.before), of(&change.after)), (Some(before), Some(after)) if after > before)
}

/// A limit below its request is no valid pod: said here, with both values, before the server says it.
fn check(object: &Value, container: &FieldPath, changes: &[FieldChange]) -> Result<(), String> {
    for resource in ["memory", "cpu"] {
        let value = |class: &str| {
            let path = container.clone().key("resources").key(class).key(resource);
            changes
                .iter()
                .find(|change| change.path == path)
                .map_or_else(|| path.get(object).cloned(), |change| change.after.clone())
                .and_then(|value| value.as_str().map(String::from))
        };
        let (Some(request), Some(limit)) = (value("requests"), value("limits")) else { continue };
        if measure(resource, &limit) < measure(resource, &request) {
            return Err(format!("{resource} limit {limit} would be below its request {request}"));
        }
    }
    Ok(())
}
