//! Leaf differences of two JSON values, in the notation of `FieldPath`.

use crate::domain::operation::{ATTEMPT_ANNOTATION, DiffLine};
use crate::domain::resource::FieldPath;
use crate::domain::text::redact_at;
use serde_json::Value;
use std::collections::BTreeSet;

/// Most lines of one diff; a longer one ends with a line that says how many more there are.
const LINES: usize = 200;

/// What differs between two objects (or parts of one), leaf by leaf. Lists whose elements all have a `name` are matched
/// by it, others by position. What the server sets by itself (status, managedFields, resourceVersion, generation, uid, our
/// own attempt annotation) is left out.
#[must_use]
pub fn diff_values(before: &Value, after: &Value) -> Vec<DiffLine> {
    let mut lines = Vec::new();
    walk(String::new(), Some(before), Some(after), &mut lines);
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        lines.truncate(LINES);
        let path = format!("… {more} more fields");
        lines.push(DiffLine { path, before: None, after: None });
    }
    lines
}

/// The same for one field of an object, with the whole path of each leaf.
#[must_use]
pub fn field_lines(
    path: &FieldPath,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Vec<DiffLine> {
    let null = Value::Null;
    let mut lines = diff_values(before.unwrap_or(&null), after.unwrap_or(&null));
    for line in &mut lines {
        line.path = if line.path.is_empty() {
            path.to_string()
        } else if line.path.starts_with('[') {
            format!("{path}{}", line.path)
        } else {
            format!("{path}.{}", line.path)
        };
    }
    lines
}

fn walk(path: String, before: Option<&Value>, after: Option<&Value>, out: &mut Vec<DiffLine>) {
    let before = before.filter(|value| !value.is_null());
    let after = after.filter(|value| !value.is_null());
    if before == after || is_servers(&path) {
        return;
    }
    match (before, after) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            for key in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
                walk(join(&path, key), a.get(key), b.get(key), out);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) => walk_lists(&path, a, b, out),
        (None, Some(Value::Object(b))) if !b.is_empty() => {
            for (key, value) in b {
                walk(join(&path, key), None, Some(value), out);
            }
        }
        (Some(Value::Object(a)), None) if !a.is_empty() => {
            for (key, value) in a {
                walk(join(&path, key), Some(value), None, out);
            }
        }
        (None, Some(Value::Array(b))) => walk_lists(&path, &[], b, out),
        (Some(Value::Array(a)), None) => walk_lists(&path, a, &[], out),
        (before, after) => out.push(leaf(path, before, after)),
    }
}

fn walk_lists(path: &str, a: &[Value], b: &[Value], out: &mut Vec<DiffLine>) {
    let name = |value: &Value| value.get("name").and_then(Value::as_str).map(String::from);
    let named = a.iter().chain(b).all(|item| name(item).is_some());
    if named {
        let names = a.iter().chain(b).filter_map(name).collect::<BTreeSet<_>>();
        for wanted in names {
            let find = |items: &[Value]| {
                items.iter().find(|item| name(item).as_ref() == Some(&wanted)).cloned()
            };
            walk(format!("{path}[{wanted}]"), find(a).as_ref(), find(b).as_ref(), out);
        }
    } else {
        for index in 0..a.len().max(b.len()) {
            walk(format!("{path}[{index}]"), a.get(index), b.get(index), out);
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if key.contains(['.', '/']) {
        format!("{path}[{key:?}]")
    } else if path.is_empty() {
        key.to_string()
    } else {
        format!("{path}.{key}")
    }
}

fn is_servers(path: &str) -> bool {
    matches!(
        path,
        "status"
            | "metadata.managedFields"
            | "metadata.resourceVersion"
            | "metadata.generation"
            | "metadata.uid"
            | "metadata.creationTimestamp"
    ) || path == format!("metadata.annotations[{ATTEMPT_ANNOTATION:?}]")
}

/// Secrets are hidden: that they differ is all that is said of them.
fn leaf(path: String, before: Option<&Value>, after: Option<&Value>) -> DiffLine {
    let shown = |value: Option<&Value>| value.map(|value| redact_at(&path, &scalar(value)));
    let (before, mut after) = (shown(before), shown(after));
    if before == after
        && let Some(after) = &mut after
    {
        after.push_str(" (another value)");
    }
    DiffLine { path, before, after }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            value.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::diff_values;
    use serde_json::json;

    #[test]
    fn leaves_are_named_and_what_the_server_sets_is_left_out() {
        let before = json!({"metadata": {"generation": 1, "resourceVersion": "7"}, "status": {"x": 1},
            "spec": {"containers": [{"name": "a"}, {"name": "b", "limits": {"memory": "1Gi"}}]}});
        let after = json!({"metadata": {"generation": 2, "resourceVersion": "9",
                "annotations": {"pilothouse.dev/attempt": "a-1"}}, "status": {"x": 2},
            "spec": {"containers": [{"name": "b", "limits": {"memory": "2Gi"}}, {"name": "a", "tty": true}]}});
        let lines = diff_values(&before, &after);
        let shown = lines
            .iter()
            .map(|line| format!("{}: {:?} {:?}", line.path, line.before, line.after))
            .collect::<Vec<_>>();
        assert_eq!(
            shown,
            [
                "spec.containers[a].tty: None Some(\"true\")",
                "spec.containers[b].limits.memory: Some(\"1Gi\") Some(\"2Gi\")"
            ]
        );
    }

    #[test]
    fn that_a_secret_differs_is_said_and_not_what_it_is() {
        let of = |password: &str, args: &str| {
            json!({"containers": [{"name": "a", "args": [args],
                "env": [{"name": "DB_PASSWORD", "value": password}]}],
                "automountServiceAccountToken": password == "old"})
        };
        let lines = diff_values(&of("old", "--token=aaaa1"), &of("new", "--token=bbbb2"));
        let shown = lines
            .iter()
            .map(|line| format!("{}: {:?} {:?}", line.path, line.before, line.after))
            .collect::<Vec<_>>();
        assert_eq!(
            shown,
            [
                "automountServiceAccountToken: Some(\"true\") Some(\"false\")",
                "containers[a].args[0]: Some(\"--token=<redacted>\") Some(\"--token=<redacted> (another value)\")",
                "containers[a].env[DB_PASSWORD].value: Some(\"<redacted>\") Some(\"<redacted> (another value)\")",
            ]
        );
    }
}
