//! An object as it would be after changes: for computed diffs, and for steps that come after others.

use crate::domain::operation::{FieldChange, Operation};
use crate::domain::resource::Segment;
use serde_json::{Map, Value};

/// The object after the operation; `None` when the operation is not about it or a field has no place in it.
pub(super) fn after(object: &Value, operation: &Operation) -> Option<Value> {
    let Operation::Patch { changes, .. } = operation else { return None };
    changes.iter().try_fold(object.clone(), |mut object, change| {
        apply(&mut object, change)?;
        Some(object)
    })
}

fn apply(object: &mut Value, change: &FieldChange) -> Option<()> {
    let (last, parents) = change.path.0.split_last()?;
    let mut at = object;
    for segment in parents {
        at = match segment {
            Segment::Key(key) => {
                if change.after.is_none() && at.get(key).is_none() {
                    return Some(());
                }
                let members = members(at)?;
                members.entry(key.clone()).or_insert_with(|| Value::Object(Map::new()))
            }
            Segment::Named(name) => named(at, name)?,
        };
    }
    match (last, &change.after) {
        (Segment::Key(key), Some(value)) => {
            members(at)?.insert(key.clone(), value.clone());
        }
        (Segment::Key(key), None) => {
            members(at)?.remove(key);
        }
        (Segment::Named(name), Some(value)) => match named(at, name) {
            Some(found) => *found = value.clone(),
            None => at.as_array_mut()?.push(value.clone()),
        },
        (Segment::Named(name), None) => {
            at.as_array_mut()?
                .retain(|item| item.get("name").and_then(Value::as_str) != Some(name));
        }
    }
    Some(())
}

/// The members of an object; `null` becomes an empty one.
fn members(value: &mut Value) -> Option<&mut Map<String, Value>> {
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut()
}

fn named<'a>(list: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    list.as_array_mut()?
        .iter_mut()
        .find(|item| item.get("name").and_then(Value::as_str) == Some(name))
}
