//! Whether values are the same, and whether an object still holds what a plan expects.

use crate::domain::operation::FieldChange;
use crate::domain::text::{clean, shorten};
use serde_json::Value;

/// Whether two values mean the same to Kubernetes: absent and `null` are one.
/// Quantities are compared as they are written, since the server writes them canonically.
pub(super) fn same(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left.unwrap_or(&Value::Null), right.unwrap_or(&Value::Null)) {
        (Value::Object(left), Value::Object(right)) => {
            left.iter().all(|(key, value)| same(Some(value), right.get(key)))
                && right.iter().all(|(key, value)| left.contains_key(key) || value.is_null())
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(Some(left), Some(right)))
        }
        (Value::Number(left), Value::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        (left, right) => left == right,
    }
}

/// Whether the object holds the prior value of that field.
pub(super) fn holds_before(object: &Value, change: &FieldChange) -> bool {
    same(change.path.get(object), change.before.as_ref())
}

/// Whether the object holds the new value of that field.
pub(super) fn holds_after(object: &Value, change: &FieldChange) -> bool {
    same(change.path.get(object), change.after.as_ref())
}

/// The first field that does not hold what the plan was made on, in words.
pub(super) fn drift<'a>(
    object: &Value,
    fields: impl IntoIterator<Item = &'a FieldChange>,
) -> Option<String> {
    fields.into_iter().find(|change| !holds_before(object, change)).map(|change| {
        format!(
            "{} holds {}, and the plan was made on {}",
            change.path,
            held(object, change),
            shown(change.redacted().before.as_ref())
        )
    })
}

/// A value for a sentence.
fn shown(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => return "nothing".into(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    shorten(&clean(&text), 120)
}

/// What the object holds in that field, for a sentence.
pub(super) fn held(object: &Value, change: &FieldChange) -> String {
    let now = change.path.get(object).cloned();
    shown(FieldChange { after: now, ..change.clone() }.redacted().after.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::resource::FieldPath;
    use serde_json::json;

    #[test]
    fn absent_and_null_are_the_same_at_any_depth() {
        assert!(same(None, Some(&Value::Null)));
        assert!(same(Some(&json!({"a": 1, "b": null})), Some(&json!({"a": 1}))));
        assert!(same(Some(&json!({"a": 1})), Some(&json!({"a": 1, "b": null}))));
        assert!(same(Some(&json!([{"a": null}])), Some(&json!([{}]))));
        assert!(same(Some(&json!(1)), Some(&json!(1.0))));
        assert!(!same(Some(&json!({"a": 1})), Some(&json!({"a": 1, "b": 2}))));
        assert!(!same(Some(&json!({"a": 1, "b": 2})), Some(&json!({"a": 1}))));
        assert!(!same(Some(&json!([1, 2])), Some(&json!([2, 1]))));
        assert!(!same(Some(&json!("1Gi")), Some(&json!("1024Mi"))));
        assert!(!same(None, Some(&json!(""))));
    }

    #[test]
    fn drift_names_the_field_and_both_values() {
        let change = FieldChange {
            path: FieldPath::keys(&["spec", "replicas"]),
            before: Some(json!(3)),
            after: Some(json!(4)),
        };
        assert_eq!(drift(&json!({"spec": {"replicas": 3}}), [&change]), None);
        assert_eq!(
            drift(&json!({"spec": {"replicas": 5}}), [&change]).unwrap(),
            "spec.replicas holds 5, and the plan was made on 3"
        );
        assert_eq!(
            drift(&json!({}), [&change]).unwrap(),
            "spec.replicas holds nothing, and the plan was made on 3"
        );
    }
}
