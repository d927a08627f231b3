//! Conditions, as controllers write them.

use crate::adapters::sim::json::{items, set, text};
use serde_json::{Value, json};

/// Sets a condition with `lastUpdateTime`, as Deployments have them. `touch`: note the time though nothing moved.
pub(in crate::adapters::sim) fn set_progress(
    object: &mut Value,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
    now: &str,
    touch: bool,
) {
    let mut conditions = items(object, &["status", "conditions"]).to_vec();
    let place = conditions.iter().position(|one| text(one, &["type"]) == kind);
    let old = place.and_then(|place| conditions.get(place)).cloned().unwrap_or(Value::Null);
    let same_status = text(&old, &["status"]) == status;
    if same_status
        && text(&old, &["reason"]) == reason
        && text(&old, &["message"]) == message
        && !touch
    {
        return;
    }
    let transition = if same_status { text(&old, &["lastTransitionTime"]) } else { now };
    let new = json!({
        "lastTransitionTime": transition, "lastUpdateTime": now,
        "message": message, "reason": reason, "status": status, "type": kind,
    });
    match place.and_then(|place| conditions.get_mut(place)) {
        Some(slot) => *slot = new,
        None => conditions.push(new),
    }
    set(object, &["status", "conditions"], Value::Array(conditions));
}

/// Takes a condition out.
pub(in crate::adapters::sim) fn clear(object: &mut Value, kind: &str) {
    let mut conditions = items(object, &["status", "conditions"]).to_vec();
    let before = conditions.len();
    conditions.retain(|one| text(one, &["type"]) != kind);
    if conditions.len() != before {
        set(object, &["status", "conditions"], Value::Array(conditions));
    }
}

/// Sets a condition without `lastUpdateTime`.
pub(in crate::adapters::sim) fn set_plain(object: &mut Value, new: &Value, now: &str) {
    let kind = text(new, &["type"]);
    let mut conditions = items(object, &["status", "conditions"]).to_vec();
    let place = conditions.iter().position(|one| text(one, &["type"]) == kind);
    let old = place.and_then(|place| conditions.get(place)).cloned().unwrap_or(Value::Null);
    let mut new = new.clone();
    let transition = if text(&old, &["status"]) == text(&new, &["status"]) {
        text(&old, &["lastTransitionTime"]).to_string()
    } else {
        now.to_string()
    };
    set(&mut new, &["lastTransitionTime"], Value::from(transition));
    match place.and_then(|place| conditions.get_mut(place)) {
        Some(slot) => *slot = new,
        None => conditions.push(new),
    }
    set(object, &["status", "conditions"], Value::Array(conditions));
}
