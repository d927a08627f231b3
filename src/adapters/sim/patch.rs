//! Applying an operation's field changes to an object, with the checks of the API server.

use super::controllers::amount;
use super::json::{items, text};
use super::rights::resource_of;
use crate::domain::operation::FieldChange;
use crate::domain::quantity::{format_bytes, format_milli, parse_bytes, parse_milli};
use crate::domain::resource::{FieldPath, Segment};
use serde_json::{Map, Value};

/// The object with the changes made, or the server's words when it would refuse it (422).
pub(super) fn apply(object: &Value, changes: &[FieldChange]) -> Result<Value, String> {
    let mut object = object.clone();
    for change in changes {
        put(&mut object, &change.path, change.after.as_ref())?;
    }
    canonical(&mut object)?;
    validate(&object)?;
    Ok(object)
}

/// The first field of `fields` that no longer holds its `before` value, in words.
pub(super) fn moved(object: &Value, fields: &[FieldChange]) -> Option<String> {
    fields.iter().find_map(|field| {
        let now = field.path.get(object);
        (now != field.before.as_ref()).then(|| {
            let show = |value: Option<&Value>| {
                value.map_or_else(|| "absent".to_string(), Value::to_string)
            };
            format!("{} is {}, expected {}", field.path, show(now), show(field.before.as_ref()))
        })
    })
}

fn put(object: &mut Value, path: &FieldPath, after: Option<&Value>) -> Result<(), String> {
    let Some((last, parents)) = path.0.split_last() else {
        return Err("an empty path changes nothing".into());
    };
    let mut place = object;
    for segment in parents {
        let missing = || format!("{path}: there is no {segment:?}");
        place = match segment {
            Segment::Key(key) => {
                if place.is_null() {
                    *place = Value::Object(Map::new());
                }
                let map = place.as_object_mut().ok_or_else(missing)?;
                if after.is_none() && !map.contains_key(key) {
                    return Ok(());
                }
                map.entry(key.clone()).or_insert(Value::Null)
            }
            Segment::Named(name) => element(place, name).ok_or_else(missing)?,
        };
    }
    match (last, after) {
        (Segment::Key(key), Some(value)) => {
            if place.is_null() {
                *place = Value::Object(Map::new());
            }
            let map =
                place.as_object_mut().ok_or_else(|| format!("{path}: its parent is no object"))?;
            map.insert(key.clone(), value.clone());
        }
        (Segment::Key(key), None) => {
            if let Some(map) = place.as_object_mut() {
                map.remove(key);
            }
        }
        (Segment::Named(name), Some(value)) => {
            if let Some(slot) = element(place, name) {
                *slot = value.clone();
            } else {
                if place.is_null() {
                    *place = Value::Array(Vec::new());
                }
                let list = place.as_array_mut();
                list.ok_or_else(|| format!("{path}: its parent is no list"))?.push(value.clone());
            }
        }
        (Segment::Named(name), None) => {
            if let Some(list) = place.as_array_mut() {
                list.retain(|item| text(item, &["name"]) != name);
            }
        }
    }
    Ok(())
}

fn element<'a>(place: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    place.as_array_mut()?.iter_mut().find(|item| text(item, &["name"]) == name)
}

/// Writes quantities as the API server gives them back; requests follow from limits where there are none.
pub(super) fn canonical(object: &mut Value) -> Result<(), String> {
    let pointer = if text(object, &["kind"]) == "Pod" {
        "/spec/containers"
    } else {
        "/spec/template/spec/containers"
    };
    let Some(containers) = object.pointer_mut(pointer).and_then(Value::as_array_mut) else {
        return Ok(());
    };
    for container in containers {
        for part in ["limits", "requests"] {
            let Some(Value::Object(set)) = container.pointer_mut(&format!("/resources/{part}"))
            else {
                continue;
            };
            for (what, quantity) in set.iter_mut() {
                let written = quantity.as_str().map_or_else(|| quantity.to_string(), String::from);
                let canonical = match what.as_str() {
                    "cpu" => parse_milli(&written).map(format_milli),
                    _ => parse_bytes(&written).map(format_bytes),
                };
                *quantity = Value::from(canonical.ok_or_else(|| {
                    format!("resources.{part}.{what}: Invalid value: {written:?}: quantities must match the regular expression")
                })?);
            }
        }
    }
    Ok(())
}

/// What the API server would refuse.
fn validate(object: &Value) -> Result<(), String> {
    let name = text(object, &["metadata", "name"]);
    let kind = text(object, &["kind"]);
    let group = resource_of(text(object, &["apiVersion"]), kind).map_or("", |(_, group)| group);
    let title = if group.is_empty() { kind.to_string() } else { format!("{kind}.{group}") };
    let refuse = |why: String| Err(format!("{title} {name:?} is invalid: {why}"));
    if object
        .pointer("/spec/replicas")
        .is_some_and(|count| count.as_i64().is_none_or(|count| count < 0))
    {
        return refuse("spec.replicas: Invalid value: must be greater than or equal to 0".into());
    }
    for (index, container) in
        items(object, &["spec", "template", "spec", "containers"]).iter().enumerate()
    {
        let place = format!("spec.template.spec.containers[{index}]");
        if text(container, &["image"]).is_empty() {
            return refuse(format!("{place}.image: Required value"));
        }
        for what in ["cpu", "memory"] {
            let (asks, most) =
                (amount(container, "requests", what), amount(container, "limits", what));
            if most > 0 && asks > most {
                let shown = text(container, &["resources", "requests", what]);
                let limit = text(container, &["resources", "limits", what]);
                return refuse(format!(
                    "{place}.resources.requests: Invalid value: {shown:?}: must be less than or equal to {what} \
                     limit of {limit}"
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 1,
            "template": {"spec": {"containers": [{"name": "app", "image": "a:1",
                "resources": {"limits": {"memory": "512Mi"}, "requests": {"memory": "256Mi"}}}]}}}})
    }

    fn limit(after: &str) -> FieldChange {
        let path = FieldPath::keys(&["spec", "template", "spec", "containers"])
            .named("app")
            .key("resources")
            .key("limits")
            .key("memory");
        FieldChange { path, before: Some(json!("512Mi")), after: Some(json!(after)) }
    }

    #[test]
    fn quantities_come_back_canonical() {
        let after = apply(&deployment(), &[limit("1024Mi")]).unwrap();
        assert_eq!(limit("x").path.get(&after), Some(&json!("1Gi")));
    }

    #[test]
    fn a_limit_below_the_request_is_refused_in_the_servers_words() {
        let why = apply(&deployment(), &[limit("128Mi")]).unwrap_err();
        assert!(why.contains("must be less than or equal to memory limit of 128Mi"), "{why}");
    }

    #[test]
    fn a_container_that_is_not_there_can_not_be_patched() {
        let path =
            FieldPath::keys(&["spec", "template", "spec", "containers"]).named("gone").key("image");
        assert!(
            apply(&deployment(), &[FieldChange { path, before: None, after: Some(json!("b")) }])
                .is_err()
        );
    }
}
