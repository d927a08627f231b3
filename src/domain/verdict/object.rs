//! The live object as samples keep it.

use crate::domain::diagnose::fields::{items, text};
use crate::domain::text::redact_value;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A sample goes into the log, which has room for so much of an object, in bytes of JSON.
pub(super) const MOST: usize = 12_000;
/// Annotations beyond this are data of some tool.
const ANNOTATION: usize = 512;

/// The object without what only servers and tools write, without data, with secrets hidden; `None` when that is still
/// too large.
pub(super) fn cleaned(object: &Value) -> Option<Value> {
    let mut object = object.clone();
    if let Some(top) = object.as_object_mut() {
        for key in ["data", "binaryData", "stringData"] {
            top.remove(key);
        }
    }
    if let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        meta.remove("managedFields");
        if let Some(annotations) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
            shorten(annotations);
        }
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        // A node lists every image that it has.
        status.remove("images");
    }
    redact_value(&mut object);
    (object.to_string().len() <= MOST).then_some(object)
}

fn shorten(annotations: &mut Map<String, Value>) {
    annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    annotations.retain(|_, value| value.as_str().is_some_and(|text| text.len() <= ANNOTATION));
}

/// Type → status of the object's conditions.
pub(super) fn conditions(object: &Value) -> BTreeMap<String, String> {
    items(object, &["status", "conditions"])
        .iter()
        .map(|one| (text(one, &["type"]).to_string(), text(one, &["status"]).to_string()))
        .filter(|(kind, _)| !kind.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_sample_keeps_neither_data_nor_what_tools_wrote_nor_secrets() {
        let object = json!({"kind": "ConfigMap", "data": {"a": "b"}, "metadata": {
            "managedFields": [1], "name": "x", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "why": "planned", "huge": "x".repeat(600)}},
            "spec": {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}]}});
        let kept = cleaned(&object).expect("it is small");
        assert_eq!(kept["metadata"], json!({"name": "x", "annotations": {"why": "planned"}}));
        assert!(kept.get("data").is_none() && !kept.to_string().contains("hunter2"), "{kept}");
    }

    #[test]
    fn what_is_too_large_is_left_out_and_not_cut() {
        assert_eq!(cleaned(&json!({"spec": {"text": "x".repeat(MOST)}})), None);
    }
}
