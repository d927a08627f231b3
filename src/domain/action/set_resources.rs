//! `set_resources`: requests and limits of one container.
//!
//! Touches only the fields that were asked for. A limit below the request is refused rather than the request lowered;
//! what a LimitRange forbids is refused with its words, or lowered to what it and the quotas admit where `as_allowed` asks
//! for that. Values are written canonically, so that what the server gives
//! back equals what was sent.

use super::allowed::{Pods, lower};
use super::ordered::freed;
use super::parameter::{
    ActionParameter,
    ActionParameterKind::{Cpu, Flag, Memory, Text},
    bytes, milli,
};
use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::workload::{live, rolls, template_guard, template_path};
use crate::domain::diagnose::fields::{items, text, value};
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::evidence::Progress;
use crate::domain::operation::{FieldChange, Operation};
use crate::domain::quantity;
use crate::domain::resource::FieldPath;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;

/// One of the four fields.
pub(super) struct Field {
    parameter: &'static str,
    pub(super) class: &'static str,
    pub(super) resource: &'static str,
}

const FIELDS: [Field; 4] = [
    Field { parameter: "memory_limit", class: "limits", resource: "memory" },
    Field { parameter: "memory_request", class: "requests", resource: "memory" },
    Field { parameter: "cpu_limit", class: "limits", resource: "cpu" },
    Field { parameter: "cpu_request", class: "requests", resource: "cpu" },
];

pub(super) const SPEC: ActionSpec = ActionSpec {
    class: ActionClass::Limits,
    risk: Risk::Medium,
    mutates: true,
    undoable: true,
    timeout_s: 60,
    describe: "Sets requests and limits of one container of a Deployment, StatefulSet or DaemonSet; its pods roll.",
    undone_by: "the prior values, while the fields still hold ours",
    needs: "",
    parameters: &[
        ActionParameter::required("container", Text, "name of the container"),
        ActionParameter::optional("memory_limit", Memory, "new memory limit"),
        ActionParameter::optional("memory_request", Memory, "new memory request"),
        ActionParameter::optional("cpu_limit", Cpu, "new CPU limit"),
        ActionParameter::optional("cpu_request", Cpu, "new CPU request"),
        ActionParameter::optional(
            "as_allowed",
            Flag,
            "raise no further than limit ranges and quotas there admit",
        ),
    ],
    compile,
};

fn compile(request: &ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError> {
    let mut reader = Reader::new(request.gathered);
    let Some(object) = live(request.target, &mut reader)? else {
        return Ok(Progress::Need(reader.needs()));
    };
    let mut notes = rolls(request.target, object)?;
    let freed = freed(request.target, object, &mut reader)?;
    let wanted = request.params.get("container").and_then(Value::as_str).unwrap_or_default();
    let (path, container) = container(object, wanted).ok_or_else(|| {
        ActionError(format!("{} has no container {wanted}", request.target.key.path()))
    })?;
    let mut changes = changes(request, &path, container)?;
    let ranges = reader.list("limit-ranges", "v1", "LimitRange", &request.target.key.namespace, "");
    let as_allowed = request.flag("as_allowed");
    let namespace = request.target.key.namespace.as_str();
    let quotas =
        as_allowed.then(|| reader.list("quotas", "v1", "ResourceQuota", namespace, "").have());
    if reader.pending() {
        return Ok(Progress::Need(reader.needs()));
    }
    if as_allowed {
        let pods = Pods { object, container };
        let (ranges, quotas) = (ranges.clone().have().unwrap_or_default(), quotas.flatten());
        notes.extend(lower(&mut changes, &pods, ranges, quotas.unwrap_or_default())?);
    }
    consistent(&changes, container)?;
    let Some((deletions, held)) = freed else {
        return Ok(Progress::Need(reader.needs()));
    };
    notes.extend(held);
    match ranges {
        Got::Have(ranges) => within(&changes, container, ranges)?,
        Got::Unreadable(why) => notes.push(format!("limit ranges: {why}")),
        Got::Gone | Got::Pending => {}
    }
    notes.extend(quality(&changes, container));
    // Throttling is measured over two minutes.
    let of_cpu = changes.iter().any(|(field, _)| field.resource == "cpu");
    let title = changes.iter().map(|(field, change)| words(field, change, wanted));
    let title = title.collect::<Vec<_>>().join(", ");
    let undo = changes
        .iter()
        .map(|(field, change)| match &change.before {
            Some(before) => {
                format!("{} {} back to {}", field.resource, field.singular(), plain(before))
            }
            None => format!("{} {} removed again", field.resource, field.singular()),
        })
        .collect::<Vec<_>>();
    let operation = Operation::Patch {
        object: request.target.clone(),
        subresource: String::new(),
        changes: changes.into_iter().map(|(_, change)| change).collect(),
        guards: vec![template_guard(object)],
    };
    Ok(Progress::Ready(Compiled {
        operations: std::iter::once(operation).chain(deletions).collect(),
        title,
        undo: format!("{} of {wanted}; its pods roll again", undo.join(", ")),
        notes,
        unknown: Vec::new(),
        blockers: Vec::new(),
        shows_after_s: if of_cpu { 150 } else { 0 },
    }))
}

impl Field {
    pub(super) fn singular(&self) -> &'static str {
        if self.class == "limits" { "limit" } else { "request" }
    }

    /// The amount of a value, in bytes or thousandths.
    pub(super) fn amount(&self, value: &Value) -> Option<u64> {
        if self.resource == "memory" { bytes(value) } else { milli(value) }
    }

    /// What a container has of it.
    pub(super) fn held(&self, container: &Value) -> Option<u64> {
        value(container, &["resources", self.class, self.resource]).and_then(|v| self.amount(v))
    }

    pub(super) fn written(&self, amount: u64) -> String {
        if self.resource == "memory" {
            quantity::format_bytes(amount)
        } else {
            quantity::format_milli(amount)
        }
    }
}

/// The container of that name, and its path. Sidecars are init containers.
pub(super) fn container<'a>(object: &'a Value, name: &str) -> Option<(FieldPath, &'a Value)> {
    ["containers", "initContainers"].into_iter().find_map(|list| {
        let path = template_path().key("spec").key(list).named(name);
        path.get(object).map(|found| (path, found))
    })
}

fn changes(
    request: &ActionRequest<'_>,
    path: &FieldPath,
    container: &Value,
) -> Result<Vec<(&'static Field, FieldChange)>, ActionError> {
    let mut out = Vec::new();
    let mut asked = 0;
    for field in &FIELDS {
        let given = request.params.get(field.parameter).filter(|value| !value.is_null());
        let Some(amount) = given.and_then(|value| field.amount(value)) else { continue };
        asked += 1;
        let before = value(container, &["resources", field.class, field.resource]).cloned();
        if before.as_ref().and_then(|value| field.amount(value)) == Some(amount) {
            continue;
        }
        let path = path.clone().key("resources").key(field.class).key(field.resource);
        let after = Some(Value::String(field.written(amount)));
        out.push((field, FieldChange { path, before, after }));
    }
    if asked == 0 {
        return Err(ActionError("set_resources needs at least one request or limit".into()));
    }
    if out.is_empty() {
        return Err(ActionError("the container has exactly these requests and limits".into()));
    }
    Ok(out)
}

/// The amount that the container would have afterwards.
pub(super) fn afterwards(
    changes: &[(&Field, FieldChange)],
    container: &Value,
    class: &str,
    resource: &str,
) -> Option<u64> {
    let field = FIELDS.iter().find(|f| f.class == class && f.resource == resource)?;
    let changed = changes.iter().find(|(f, _)| f.parameter == field.parameter);
    match changed {
        Some((_, change)) => change.after.as_ref().and_then(|value| field.amount(value)),
        None => value(container, &["resources", class, resource]).and_then(|v| field.amount(v)),
    }
}

/// A request must not be above its limit.
fn consistent(changes: &[(&Field, FieldChange)], container: &Value) -> Result<(), ActionError> {
    for field in &FIELDS[..] {
        if field.class != "limits" {
            continue;
        }
        let limit = afterwards(changes, container, "limits", field.resource);
        let request = afterwards(changes, container, "requests", field.resource);
        if let (Some(limit), Some(request)) = (limit, request)
            && limit < request
        {
            return Err(ActionError(format!(
                "the {} limit {} would be below the request {}",
                field.resource,
                field.written(limit),
                field.written(request)
            )));
        }
    }
    Ok(())
}

/// What LimitRanges allow for containers.
fn within(
    changes: &[(&Field, FieldChange)],
    container: &Value,
    ranges: &[Value],
) -> Result<(), ActionError> {
    let limits = ranges.iter().flat_map(|range| {
        let name = crate::domain::diagnose::fields::name(range);
        items(range, &["spec", "limits"]).iter().map(move |limit| (name, limit))
    });
    for (name, limit) in limits.filter(|(_, limit)| text(limit, &["type"]) == "Container") {
        for (field, _) in changes {
            let amount = afterwards(changes, container, field.class, field.resource);
            let bound = |key| value(limit, &[key, field.resource]).and_then(|v| field.amount(v));
            let (Some(amount), most, least) = (amount, bound("max"), bound("min")) else {
                continue;
            };
            let what = format!("{} {} {}", field.resource, field.singular(), field.written(amount));
            if let Some(most) = most.filter(|most| amount > *most) {
                return Err(ActionError(format!(
                    "LimitRange {name} allows at most {}: {what} is above it",
                    field.written(most)
                )));
            }
            if let Some(least) = least.filter(|least| amount < *least) {
                return Err(ActionError(format!(
                    "LimitRange {name} wants at least {}: {what} is below it",
                    field.written(least)
                )));
            }
        }
    }
    Ok(())
}

/// What the change does to how the kubelet treats the pod.
fn quality(changes: &[(&Field, FieldChange)], container: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    for field in FIELDS.iter().filter(|field| field.class == "limits") {
        let now = |class| {
            value(container, &["resources", class, field.resource]).and_then(|v| field.amount(v))
        };
        let (limit, request) = (now("limits"), now("requests"));
        let after = afterwards(changes, container, "limits", field.resource);
        let asked = afterwards(changes, container, "requests", field.resource);
        if limit == after && request == asked {
            continue;
        }
        if limit.is_some() && limit == request && after != asked {
            notes.push(format!(
                "{} request and limit are equal now and would not be any more: the pod is no longer Guaranteed",
                field.resource
            ));
        }
        if request.is_none() && asked.is_none() && after.is_some() && after != limit {
            notes.push(format!(
                "it has no {} request: Kubernetes takes the limit as request, so each pod reserves {}",
                field.resource,
                after.map(|amount| field.written(amount)).unwrap_or_default()
            ));
        }
    }
    notes
}

fn words(field: &Field, change: &FieldChange, container: &str) -> String {
    let after = change.after.as_ref().map(plain).unwrap_or_default();
    let (resource, singular) = (field.resource, field.singular());
    let Some(before) = &change.before else {
        return format!("set {resource} {singular} of {container} to {after}");
    };
    let amounts = field.amount(before).zip(change.after.as_ref().and_then(|v| field.amount(v)));
    let verb = match amounts {
        Some((before, after)) if after < before => "lower",
        _ => "raise",
    };
    format!("{verb} {resource} {singular} of {container} {} → {after}", plain(before))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}
