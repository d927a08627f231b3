//! Reading and writing inside Kubernetes objects that are plain JSON.

use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value};

/// The value at a path of keys.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| value.get(key))
}

/// The text at a path; empty when there is none.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The whole number at a path; 0 when there is none.
pub(super) fn int(value: &Value, path: &[&str]) -> i64 {
    at(value, path).and_then(Value::as_i64).unwrap_or_default()
}

/// The list at a path; empty when there is none.
pub(super) fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Sets the value at a path of keys, making objects on the way.
pub(super) fn set(value: &mut Value, path: &[&str], new: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut place = value;
    for key in parents {
        place = child(place, key);
    }
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    if let Some(map) = place.as_object_mut() {
        map.insert((*last).to_string(), new);
    }
}

fn child<'a>(place: &'a mut Value, key: &str) -> &'a mut Value {
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    match place {
        Value::Object(map) => map.entry(key).or_insert_with(|| Value::Object(Map::new())),
        other => other,
    }
}

/// Takes the value at a path of keys out.
pub(super) fn remove(value: &mut Value, path: &[&str]) {
    let Some((last, parents)) = path.split_last() else { return };
    let mut place = value;
    for key in parents {
        let Some(next) = place.get_mut(key) else { return };
        place = next;
    }
    if let Some(map) = place.as_object_mut() {
        map.remove(*last);
    }
}

/// Sets a number, or takes it out when it is 0, as the API server leaves out zero counts.
pub(super) fn set_count(value: &mut Value, path: &[&str], count: i64) {
    if count == 0 {
        remove(value, path);
    } else {
        set(value, path, Value::from(count));
    }
}

/// Kind and place of an object.
pub(super) fn key(object: &Value) -> ObjectKey {
    ObjectKey::new(
        text(object, &["apiVersion"]),
        text(object, &["kind"]),
        text(object, &["metadata", "namespace"]),
        text(object, &["metadata", "name"]),
    )
}

/// `metadata.uid`.
pub(super) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

/// `metadata.name`.
pub(super) fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

/// Whether deletion was asked for.
pub(super) fn deleting(object: &Value) -> bool {
    !text(object, &["metadata", "deletionTimestamp"]).is_empty()
}

/// The owner reference that is the controller.
pub(super) fn controller(object: &Value) -> Option<&Value> {
    items(object, &["metadata", "ownerReferences"])
        .iter()
        .find(|owner| owner.get("controller").and_then(Value::as_bool) == Some(true))
}

/// The owner reference that a controller puts on what it makes.
pub(super) fn owner_reference(owner: &Value) -> Value {
    serde_json::json!({
        "apiVersion": text(owner, &["apiVersion"]),
        "blockOwnerDeletion": true,
        "controller": true,
        "kind": text(owner, &["kind"]),
        "name": name(owner),
        "uid": uid(owner),
    })
}

/// A time as objects carry it: whole seconds.
pub(super) fn stamp(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// A time with microseconds, as Leases and new-style Events carry it.
pub(super) fn micro_stamp(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// Reads a time.
pub(super) fn time(value: &Value, path: &[&str]) -> Option<Timestamp> {
    DateTime::parse_from_rfc3339(text(value, path)).ok().map(|at| at.with_timezone(&Utc))
}

/// The condition of a type.
pub(super) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    items(object, &["status", "conditions"]).iter().find(|item| text(item, &["type"]) == kind)
}

/// Whether a condition is `True`.
pub(super) fn is_true(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|item| text(item, &["status"]) == "True")
}

/// A count that is a number or a percentage of `total`.
pub(super) fn share(value: Option<&Value>, total: i64, round_up: bool) -> Option<i64> {
    let value = value?;
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let percent = value.as_str()?.strip_suffix('%')?.parse::<i64>().ok()?;
    let product = total.saturating_mul(percent);
    Some(if round_up { (product + 99) / 100 } else { product / 100 })
}

/// A whole number as a float, for figures.
#[allow(clippy::cast_precision_loss, reason = "figures of metrics are floats; 2^53 bytes suffice")]
pub(super) fn float(number: i64) -> f64 {
    number as f64
}

/// Its version, in words.
pub(super) fn version_note(object: &Value) -> String {
    format!(
        "resourceVersion {}, generation {}",
        text(object, &["metadata", "resourceVersion"]),
        int(object, &["metadata", "generation"])
    )
}
