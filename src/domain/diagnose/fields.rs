//! Reading Kubernetes objects, which are JSON here: absent, null and wrongly typed fields all read as absent.

use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::time::Timestamp;
use serde_json::Value;

/// The value at a path of keys.
pub(crate) fn value<'a>(object: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(object, |at, key| at.get(key)).filter(|found| !found.is_null())
}

/// The text at a path; empty when absent.
pub(crate) fn text<'a>(object: &'a Value, path: &[&str]) -> &'a str {
    value(object, path).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a path.
pub(crate) fn int(object: &Value, path: &[&str]) -> Option<i64> {
    value(object, path).and_then(Value::as_i64)
}

/// The flag at a path; false when absent.
pub(crate) fn flag(object: &Value, path: &[&str]) -> bool {
    value(object, path).and_then(Value::as_bool).unwrap_or(false)
}

/// The list at a path; empty when absent.
pub(crate) fn items<'a>(object: &'a Value, path: &[&str]) -> &'a [Value] {
    value(object, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The moment at a path. The epoch counts as absent: container runtimes write it for *never*.
pub(crate) fn moment(object: &Value, path: &[&str]) -> Option<Timestamp> {
    chrono::DateTime::parse_from_rfc3339(text(object, path))
        .ok()
        .map(|at| at.with_timezone(&chrono::Utc))
        .filter(|at| at.timestamp() > 0)
}

/// `metadata.name`.
pub(crate) fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

/// `metadata.namespace`.
pub(crate) fn namespace(object: &Value) -> &str {
    text(object, &["metadata", "namespace"])
}

/// `metadata.uid`.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

/// The element of that name in a list of named objects.
pub(crate) fn named<'a>(list: &'a [Value], wanted: &str) -> Option<&'a Value> {
    list.iter().find(|item| text(item, &["name"]) == wanted)
}

/// The owner that controls this object (`ownerReferences` with `controller: true`).
pub(crate) fn controller(object: &Value) -> Option<ObjectRef> {
    let owner = items(object, &["metadata", "ownerReferences"])
        .iter()
        .find(|owner| flag(owner, &["controller"]))?;
    let kind = text(owner, &["kind"]);
    let scope = if kind == "Node" { "" } else { namespace(object) };
    Some(ObjectRef {
        key: ObjectKey::new(text(owner, &["apiVersion"]), kind, scope, text(owner, &["name"])),
        uid: text(owner, &["uid"]).into(),
    })
}

/// Whether it is being deleted.
pub(crate) fn terminating(object: &Value) -> bool {
    value(object, &["metadata", "deletionTimestamp"]).is_some()
}

/// A label selector (`matchLabels`, `matchExpressions`) in kubectl's syntax. `None` when it is absent or selects
/// everything, which no workload may mean.
pub(crate) fn selector(selector: Option<&Value>) -> Option<String> {
    let selector = selector?;
    let mut parts = Vec::new();
    if let Some(labels) = value(selector, &["matchLabels"]).and_then(Value::as_object) {
        for (key, wanted) in labels {
            parts.push(format!("{key}={}", wanted.as_str()?));
        }
    }
    for expression in items(selector, &["matchExpressions"]) {
        let key = text(expression, &["key"]);
        let values = items(expression, &["values"])
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(",");
        parts.push(match text(expression, &["operator"]) {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_string(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_selector_is_written_as_kubectl_reads_it_and_an_empty_one_is_refused() {
        let full = json!({"matchLabels": {"app": "web"}, "matchExpressions": [
            {"key": "tier", "operator": "In", "values": ["a", "b"]},
            {"key": "canary", "operator": "DoesNotExist"}]});
        assert_eq!(selector(Some(&full)).as_deref(), Some("app=web,tier in (a,b),!canary"));
        assert_eq!(selector(Some(&json!({}))), None);
        assert_eq!(selector(None), None);
    }

    #[test]
    fn the_epoch_is_no_moment() {
        assert_eq!(moment(&json!({"at": "1970-01-01T00:00:00Z"}), &["at"]), None);
        assert!(moment(&json!({"at": "2026-11-23T23:04:44Z"}), &["at"]).is_some());
    }
}
