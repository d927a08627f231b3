//! From field changes to a JSON Patch (RFC 6902) on the object as it is now.
//!
//! Promises: touches the named fields and what is needed to hold them, nothing else; under the uid and
//! resourceVersion that were read. Values that were cleaned on the way in are never written back.

use crate::domain::operation::{ATTEMPT_ANNOTATION, FieldChange};
use crate::domain::resource::{FieldPath, Segment};
use crate::domain::text::is_marked;
use serde_json::{Map, Value, json};

/// The patch for these changes on that object.
///
/// # Errors
/// Which field can't be changed, and why.
pub(super) fn json_patch(
    live: &Value,
    (changes, subresource): (&[FieldChange], &str),
    attempt: Option<&str>,
) -> Result<Value, String> {
    let mut builder = Builder { object: live.clone(), steps: Vec::new() };
    builder.pin("/metadata/uid", "test")?;
    // Replaced by itself, not tested: a failed test is an invalid request, a changed version a conflict.
    builder.pin("/metadata/resourceVersion", "replace")?;
    for change in changes {
        check(change, subresource)?;
        builder
            .apply(&change.path, change.after.clone())
            .map_err(|why| format!("{} can't be changed: {why}", change.path))?;
    }
    if let Some(attempt) = attempt {
        let path = FieldPath::keys(&["metadata", "annotations"]).key(ATTEMPT_ANNOTATION);
        builder.apply(&path, Some(attempt.into()))?;
    }
    Ok(Value::Array(builder.steps))
}

/// Refuses what must not be written.
fn check(change: &FieldChange, subresource: &str) -> Result<(), String> {
    let path = &change.path;
    let odd_key = path.0.iter().any(|segment| match segment {
        Segment::Key(text) | Segment::Named(text) => is_marked(&Value::String(text.clone())),
    });
    if odd_key || change.after.as_ref().is_some_and(is_marked) {
        return Err(format!(
            "{path} would get text that held control or invisible characters, which were taken out when it \
             was read; change it with kubectl"
        ));
    }
    match path.0.as_slice() {
        // Some operators are asked through it; then it is named.
        [Segment::Key(status)] | [Segment::Key(status), ..]
            if status == "status" && subresource != "status" =>
        {
            Err(format!("{path} is set by the cluster, not by people"))
        }
        [] => Err("a change names no field".into()),
        [..] => Ok(()),
    }
}

/// Builds the steps on a copy, so that each one is right after those before it.
struct Builder {
    object: Value,
    steps: Vec<Value>,
}

impl Builder {
    fn pin(&mut self, pointer: &str, op: &str) -> Result<(), String> {
        let value = self
            .object
            .pointer(pointer)
            .filter(|value| value.as_str().is_some_and(|text| !text.is_empty()))
            .ok_or_else(|| format!("the object that was read has no {pointer}"))?;
        self.steps.push(json!({"op": op, "path": pointer, "value": value}));
        Ok(())
    }

    fn apply(&mut self, path: &FieldPath, after: Option<Value>) -> Result<(), String> {
        let Some((last, parents)) = path.0.split_last() else {
            return Err("it names no field".into());
        };
        let mut pointer = String::new();
        let mut place = &mut self.object;
        for segment in parents {
            if after.is_none() && find(place, segment).is_none() {
                return Ok(());
            }
            place = match segment {
                Segment::Key(key) => {
                    push(&mut pointer, key);
                    let map = as_map(place, &pointer)?;
                    if map.get(key).is_none_or(Value::is_null) {
                        self.steps.push(json!({"op": "add", "path": pointer, "value": {}}));
                        map.insert(key.clone(), Value::Object(Map::new()));
                    }
                    map.get_mut(key).ok_or("it is gone")?
                }
                Segment::Named(name) => {
                    let index = position(place, name)
                        .ok_or_else(|| format!("there is no element named {name}"))?;
                    push(&mut pointer, &index.to_string());
                    place.get_mut(index).ok_or("it is gone")?
                }
            };
        }
        let step = match last {
            Segment::Key(key) => {
                push(&mut pointer, key);
                set_key(as_map(place, &pointer)?, key, after, &pointer)
            }
            Segment::Named(name) => set_named(place, name, after, &pointer)?,
        };
        self.steps.extend(step);
        Ok(())
    }
}

fn set_key(
    map: &mut Map<String, Value>,
    key: &str,
    after: Option<Value>,
    pointer: &str,
) -> Option<Value> {
    match after {
        Some(value) => {
            map.insert(key.into(), value.clone());
            Some(json!({"op": "add", "path": pointer, "value": value}))
        }
        None => map.remove(key).map(|_| json!({"op": "remove", "path": pointer})),
    }
}

fn set_named(
    list: &mut Value,
    name: &str,
    after: Option<Value>,
    pointer: &str,
) -> Result<Option<Value>, String> {
    let index = position(list, name);
    let items = list.as_array_mut().ok_or("it is in no list")?;
    Ok(match (index, after) {
        (Some(index), Some(value)) => {
            if let Some(item) = items.get_mut(index) {
                *item = value.clone();
            }
            Some(json!({"op": "replace", "path": format!("{pointer}/{index}"), "value": value}))
        }
        (None, Some(value)) => {
            items.push(value.clone());
            Some(json!({"op": "add", "path": format!("{pointer}/-"), "value": value}))
        }
        (Some(index), None) => {
            items.remove(index);
            Some(json!({"op": "remove", "path": format!("{pointer}/{index}")}))
        }
        (None, None) => None,
    })
}

fn find<'a>(value: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match segment {
        Segment::Key(key) => value.get(key).filter(|value| !value.is_null()),
        Segment::Named(name) => value.get(position(value, name)?),
    }
}

fn position(list: &Value, name: &str) -> Option<usize> {
    let mut found = list
        .as_array()?
        .iter()
        .enumerate()
        .filter(|(_, item)| item.get("name").and_then(Value::as_str) == Some(name));
    let (index, _) = found.next()?;
    // Two elements of one name: which one is meant can't be told.
    found.next().is_none().then_some(index)
}

fn as_map<'a>(value: &'a mut Value, pointer: &str) -> Result<&'a mut Map<String, Value>, String> {
    value.as_object_mut().ok_or_else(|| format!("what is above {pointer} is not an object"))
}

fn push(pointer: &mut String, segment: &str) {
    pointer.push('/');
    pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live() -> Value {
        json!({
            "metadata": {"uid": "u1", "resourceVersion": "7"},
            "spec": {"replicas": 3, "template": {"spec": {"containers": [
                {"name": "side"},
                {"name": "app", "resources": {"limits": {"memory": "256Mi"}}},
            ]}}},
        })
    }

    fn change(path: FieldPath, after: Option<Value>) -> FieldChange {
        FieldChange { path, before: None, after }
    }

    fn container(name: &str) -> FieldPath {
        FieldPath::keys(&["spec", "template", "spec", "containers"]).named(name)
    }

    fn steps(changes: &[FieldChange], attempt: Option<&str>) -> Vec<Value> {
        let patch = json_patch(&live(), (changes, ""), attempt).unwrap();
        assert_eq!(patch[0], json!({"op": "test", "path": "/metadata/uid", "value": "u1"}));
        assert_eq!(patch[1]["path"], "/metadata/resourceVersion");
        patch.as_array().unwrap()[2..].to_vec()
    }

    #[test]
    fn a_field_of_a_named_container_is_found_by_name() {
        let path = container("app").key("resources").key("limits").key("memory");
        assert_eq!(
            steps(&[change(path, Some("512Mi".into()))], None),
            [json!({"op": "add", "value": "512Mi",
                "path": "/spec/template/spec/containers/1/resources/limits/memory"})]
        );
    }

    #[test]
    fn missing_parents_are_made_once() {
        let base = container("side").key("resources").key("limits");
        let changes = [
            change(base.clone().key("memory"), Some("1Gi".into())),
            change(base.key("cpu"), Some("1".into())),
        ];
        let at = "/spec/template/spec/containers/0/resources";
        assert_eq!(
            steps(&changes, None),
            [
                json!({"op": "add", "path": at, "value": {}}),
                json!({"op": "add", "path": format!("{at}/limits"), "value": {}}),
                json!({"op": "add", "path": format!("{at}/limits/memory"), "value": "1Gi"}),
                json!({"op": "add", "path": format!("{at}/limits/cpu"), "value": "1"}),
            ]
        );
    }

    #[test]
    fn the_stamp_is_in_the_same_patch_and_its_key_is_escaped() {
        assert_eq!(
            steps(&[], Some("a1")),
            [
                json!({"op": "add", "path": "/metadata/annotations", "value": {}}),
                json!({"op": "add", "path": "/metadata/annotations/pilothouse.dev~1attempt",
                    "value": "a1"}),
            ]
        );
    }

    #[test]
    fn removing_what_is_not_there_changes_nothing() {
        let gone = FieldPath::keys(&["spec", "strategy", "type"]);
        assert_eq!(steps(&[change(gone, None)], None), Vec::<Value>::new());
        let replicas = FieldPath::keys(&["spec", "replicas"]);
        assert_eq!(
            steps(&[change(replicas, None)], None),
            [json!({"op": "remove", "path": "/spec/replicas"})]
        );
    }

    #[test]
    fn positions_stay_right_after_an_element_was_removed() {
        let memory = container("app").key("image");
        let changes = [change(container("side"), None), change(memory, Some("b".into()))];
        assert_eq!(
            steps(&changes, None),
            [
                json!({"op": "remove", "path": "/spec/template/spec/containers/0"}),
                json!({"op": "add", "path": "/spec/template/spec/containers/0/image", "value": "b"}),
            ]
        );
    }

    #[test]
    fn what_can_not_be_changed_safely_is_refused_in_words() {
        let cases = [
            (change(container("other").key("image"), Some("x".into())), "no element named other"),
            (change(FieldPath::keys(&["spec", "replicas", "x"]), Some(json!(1))), "not an object"),
            (change(FieldPath::keys(&["status", "phase"]), Some(json!(1))), "set by the cluster"),
            (change(FieldPath::keys(&["spec", "a"]), Some("x\u{FFFD}y".into())), "kubectl"),
            (change(FieldPath(Vec::new()), Some(json!({}))), "names no field"),
        ];
        for (change, expected) in cases {
            let error = json_patch(&live(), (&[change], ""), None).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(json_patch(&json!({"metadata": {"uid": "u"}}), (&[], ""), None).is_err());
        let twins = json!({"metadata": {"uid": "u", "resourceVersion": "1"},
            "spec": [{"name": "a"}, {"name": "a"}]});
        let path = FieldPath::keys(&["spec"]).named("a").key("x");
        assert!(json_patch(&twins, (&[change(path, Some(json!(1)))], ""), None).is_err());
    }
}
