//! Where an object's source is, and the patch that a change of it comes down to there.

use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::{ObjectKey, Segment};
use crate::domain::text::clean;
use serde_json::{Map, Value, json};

/// Where a change has to be committed. Empty parts are not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// Lines as a person reads them: `repository: https://…`, `path: apps/shop`.
    pub(crate) lines: Vec<String>,
    /// What of it could not be found out.
    pub(crate) unknown: String,
}

impl Source {
    /// A source that is not known.
    pub(crate) fn unknown(why: impl Into<String>) -> Self {
        Self { lines: Vec::new(), unknown: why.into() }
    }

    /// Adds `name: value` unless the value is empty.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        let value = clean(value);
        if !value.is_empty() {
            self.lines.push(format!("{name}: {}", without_credentials(&value)));
        }
    }

    /// All of it, one line each.
    pub(crate) fn text(&self) -> String {
        let mut lines = self.lines.clone();
        if !self.unknown.is_empty() {
            lines.push(format!("not known: {}", self.unknown));
        }
        lines.join("\n")
    }
}

/// A URL without the user and password that it may carry.
fn without_credentials(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_string() };
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match host.rsplit_once('@') {
        Some((_, host)) if scheme != "ssh" => format!("{scheme}://{host}{path}"),
        Some(_) | None => text.to_string(),
    }
}

/// What the operations change of one object, as a strategic merge patch in YAML; nothing where none changes a field.
pub(crate) fn patch_text<'a>(
    key: &ObjectKey,
    operations: impl Iterator<Item = &'a Operation>,
) -> Option<String> {
    let mut patch = json!({"apiVersion": key.api_version, "kind": key.kind,
        "metadata": {"name": key.name, "namespace": key.namespace}});
    let mut any = false;
    for operation in operations {
        let Operation::Patch { object, subresource, changes, .. } = operation else { continue };
        if object.key != *key || !(subresource.is_empty() || subresource == "scale") {
            continue;
        }
        for change in changes {
            any = true;
            put(&mut patch, change);
        }
    }
    if !any {
        return None;
    }
    let mut out = String::new();
    let members = patch.as_object()?;
    // Kubernetes' own order, not the alphabet's.
    let first = ["apiVersion", "kind", "metadata"];
    let rest = members.keys().map(String::as_str).filter(|name| !first.contains(name));
    for name in first.into_iter().chain(rest) {
        if let Some(value) = members.get(name) {
            write_member(&mut out, 0, name, value);
        }
    }
    Some(out)
}

fn put(patch: &mut Value, change: &FieldChange) {
    let after = change.after.clone().unwrap_or(Value::Null);
    let mut at = patch;
    let segments = &change.path.0;
    for (index, segment) in segments.iter().enumerate() {
        let last = index + 1 == segments.len();
        let listed = matches!(segments.get(index + 1), Some(Segment::Named(_)));
        let Some(next) = enter(at, segment, listed) else { return };
        if last {
            match (segment, &change.after) {
                (Segment::Named(name), None) => *next = json!({"name": name, "$patch": "delete"}),
                (Segment::Named(_), Some(_)) | (Segment::Key(_), _) => *next = after,
            }
            return;
        }
        at = next;
    }
}

/// The member or element of that name, made where it is missing.
fn enter<'a>(at: &'a mut Value, segment: &Segment, listed: bool) -> Option<&'a mut Value> {
    match segment {
        Segment::Key(key) => {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            let fresh = if listed { json!([]) } else { json!({}) };
            Some(at.as_object_mut()?.entry(key.clone()).or_insert(fresh))
        }
        Segment::Named(name) => {
            let list = at.as_array_mut()?;
            let is_it = |item: &Value| item.get("name").and_then(Value::as_str) == Some(name);
            let index = list.iter().position(is_it).unwrap_or_else(|| {
                list.push(json!({ "name": name }));
                list.len() - 1
            });
            list.get_mut(index)
        }
    }
}

fn write_member(out: &mut String, indent: usize, name: &str, value: &Value) {
    let pad = " ".repeat(indent);
    let name = scalar(&Value::String(name.into()));
    out.push_str(&pad);
    out.push_str(&name);
    match value {
        Value::Object(members) if !members.is_empty() => {
            out.push_str(":\n");
            for (name, value) in members {
                write_member(out, indent + 2, name, value);
            }
        }
        Value::Array(list) if !list.is_empty() && list.iter().all(Value::is_object) => {
            out.push_str(":\n");
            for item in list {
                let mut inner = String::new();
                // The name first, as people write it.
                let members = item.as_object().into_iter().flatten();
                let (own, rest): (Vec<_>, Vec<_>) = members.partition(|(key, _)| *key == "name");
                for (name, value) in own.into_iter().chain(rest) {
                    write_member(&mut inner, indent + 2, name, value);
                }
                if inner.is_empty() {
                    inner = format!("{pad}- {{}}\n");
                } else {
                    inner.replace_range(indent..indent + 2, "- ");
                }
                out.push_str(&inner);
            }
        }
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => {
            out.push_str(": ");
            out.push_str(&scalar(value));
            out.push('\n');
        }
    }
}

/// Plain where nobody could misread it, else as JSON, which is YAML too.
fn scalar(value: &Value) -> String {
    let plain = |text: &str| {
        !text.is_empty()
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./".contains(c))
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
                .contains(&text.to_ascii_lowercase().as_str())
    };
    match value {
        Value::String(text) if plain(text) => text.clone(),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => value.to_string(),
    }
}
