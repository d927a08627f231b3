//! `metadata.managedFields`: who wrote which field, and when.
//!
//! Promises: an update moves exactly the fields that it changed to the updating manager, with the time, as the API
//! server does. Of `status` only the top-level fields are recorded.

use super::json::text;
use serde_json::{Map, Value, json};

/// Notes in `object` that `manager` wrote what differs from `old`, at `time`. `status`: through the status subresource.
pub(super) fn record(
    old: Option<&Value>,
    object: &mut Value,
    manager: &str,
    status: bool,
    time: &str,
) {
    let none = Value::Null;
    let before = old.unwrap_or(&none);
    let changed = if status { status_fields(before, object) } else { spec_fields(before, object) };
    let Some(changed) = changed else { return };
    let version = text(object, &["apiVersion"]).to_string();
    let known = object.pointer_mut("/metadata/managedFields").map(Value::take);
    let mut entries = match known {
        Some(Value::Array(entries)) => entries,
        Some(_) | None => Vec::new(),
    };
    for entry in &mut entries {
        if is_entry(entry, manager, status) {
            continue;
        }
        if let Some(fields) = entry.get_mut("fieldsV1") {
            subtract(fields, &changed);
        }
    }
    entries.retain(|entry| {
        entry.get("fieldsV1").and_then(Value::as_object).is_some_and(|map| !map.is_empty())
    });
    if let Some(entry) = entries.iter_mut().find(|entry| is_entry(entry, manager, status)) {
        if let Some(fields) = entry.get_mut("fieldsV1") {
            unite(fields, &changed);
        }
        super::json::set(entry, &["time"], Value::from(time));
    } else {
        let mut entry = json!({
            "apiVersion": version, "fieldsType": "FieldsV1", "fieldsV1": changed,
            "manager": manager, "operation": "Update", "time": time,
        });
        if status {
            super::json::set(&mut entry, &["subresource"], Value::from("status"));
        }
        entries.push(entry);
    }
    super::json::set(object, &["metadata", "managedFields"], Value::Array(entries));
}

fn is_entry(entry: &Value, manager: &str, status: bool) -> bool {
    text(entry, &["manager"]) == manager && (text(entry, &["subresource"]) == "status") == status
}

/// The changed fields outside `status`, as FieldsV1; `None` when nothing changed.
fn spec_fields(old: &Value, new: &Value) -> Option<Value> {
    let mut out = Map::new();
    let members = new.as_object()?;
    for (name, value) in members {
        let before = old.get(name).unwrap_or(&Value::Null);
        match name.as_str() {
            "apiVersion" | "kind" | "status" => {}
            "metadata" => {
                let mut meta = Map::new();
                for part in ["annotations", "labels", "ownerReferences", "generateName"] {
                    let now = value.get(part).unwrap_or(&Value::Null);
                    let was = before.get(part).unwrap_or(&Value::Null);
                    if let Some(fields) = difference(was, now) {
                        meta.insert(format!("f:{part}"), fields);
                    }
                }
                if !meta.is_empty() {
                    out.insert("f:metadata".into(), Value::Object(meta));
                }
            }
            _ => {
                if let Some(fields) = difference(before, value) {
                    out.insert(format!("f:{name}"), fields);
                }
            }
        }
    }
    (!out.is_empty()).then_some(Value::Object(out))
}

fn status_fields(old: &Value, new: &Value) -> Option<Value> {
    let mut out = Map::new();
    let status = new.get("status").and_then(Value::as_object);
    for (name, value) in status.into_iter().flatten() {
        if old.get("status").and_then(|status| status.get(name)) != Some(value) {
            out.insert(format!("f:{name}"), json!({}));
        }
    }
    let mut fields = Map::new();
    if !out.is_empty() {
        fields.insert("f:status".into(), Value::Object(out));
    }
    // Controllers keep their notes in annotations.
    let none = Value::Null;
    let was = old.pointer("/metadata/annotations").unwrap_or(&none);
    let now = new.pointer("/metadata/annotations").unwrap_or(&none);
    if let Some(changed) = difference(was, now) {
        fields.insert("f:metadata".into(), json!({ "f:annotations": changed }));
    }
    (!fields.is_empty()).then_some(Value::Object(fields))
}

/// What of `new` differs from `old`, as FieldsV1.
fn difference(old: &Value, new: &Value) -> Option<Value> {
    if old == new || new.is_null() {
        return None;
    }
    match new {
        Value::Object(members) if !members.is_empty() => {
            let fields = members
                .iter()
                .filter_map(|(name, value)| {
                    let before = old.get(name).unwrap_or(&Value::Null);
                    difference(before, value).map(|fields| (format!("f:{name}"), fields))
                })
                .collect::<Map<_, _>>();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        Value::Array(list) if list.iter().all(|item| named(item).is_some()) && !list.is_empty() => {
            let fields = list
                .iter()
                .filter_map(|item| {
                    let name = named(item)?;
                    let before = old
                        .as_array()
                        .and_then(|old| old.iter().find(|other| named(other) == Some(name)))
                        .unwrap_or(&Value::Null);
                    let key = format!("k:{}", json!({ "name": name }));
                    difference(before, item).map(|fields| (key, fields))
                })
                .collect::<Map<_, _>>();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        _ => Some(json!({})),
    }
}

fn named(item: &Value) -> Option<&str> {
    item.get("name").and_then(Value::as_str)
}

fn unite(fields: &mut Value, more: &Value) {
    let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) else { return };
    for (name, value) in more {
        match fields.get_mut(name) {
            Some(have) => unite(have, value),
            None => {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
}

fn subtract(fields: &mut Value, taken: &Value) {
    let (Some(fields), Some(taken)) = (fields.as_object_mut(), taken.as_object()) else { return };
    for (name, value) in taken {
        let leaf = value.as_object().is_some_and(Map::is_empty);
        if let Some(have) = fields.get_mut(name) {
            if !leaf {
                subtract(have, value);
            }
            if leaf || have.as_object().is_some_and(Map::is_empty) {
                fields.remove(name);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_moves_only_the_field_it_changed_to_the_editor() {
        let container =
            |image: &str| json!({"containers": [{"name": "app", "image": image, "tty": true}]});
        let mut first = json!({"apiVersion": "v1", "spec": container("a:1")});
        record(None, &mut first, "kubectl-client-side-apply", false, "t1");
        let mut second = first.clone();
        second["spec"] = container("a:2");
        record(Some(&first), &mut second, "kubectl-edit", false, "t2");
        let entries = second["metadata"]["managedFields"].as_array().unwrap();
        assert_eq!(entries.len(), 2);
        let app = "k:{\"name\":\"app\"}";
        let of = |index: usize| &entries[index]["fieldsV1"]["f:spec"]["f:containers"][app];
        assert_eq!(of(1), &json!({"f:image": {}}));
        assert_eq!(of(0), &json!({"f:name": {}, "f:tty": {}}));
        assert_eq!(entries[1]["manager"], "kubectl-edit");
        assert_eq!(entries[1]["time"], "t2");
    }
}
