//! What differs between two pod templates.
//!
//! Values of environment variables, commands and arguments are not quoted: people put secrets there. List elements
//! are compared by `name`; lists without names as a whole. Fields that controllers stamp, and the annotation of
//! `kubectl rollout restart`, are no difference.

use crate::domain::resource::{FieldPath, Segment};
use serde_json::Value;

/// One difference.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    pub(crate) path: FieldPath,
    /// `a → b`, or just `changed`, `added`, `removed`.
    pub(crate) words: String,
}

impl Difference {
    /// Whether it changes what runs: labels and annotations don't, and rolling them back would not.
    pub(crate) fn material(&self) -> bool {
        self.path.0.first() == Some(&Segment::Key("spec".into()))
    }

    /// The container that it is in, if any.
    pub(crate) fn container(&self) -> Option<&str> {
        match (self.path.0.get(1), self.path.0.get(2)) {
            (Some(Segment::Key(list)), Some(Segment::Named(name)))
                if list == "containers" || list == "initContainers" =>
            {
                Some(name)
            }
            _ => None,
        }
    }

    /// Whether the path ends so: `["image"]`, `["resources", "limits", "memory"]`.
    pub(crate) fn ends(&self, keys: &[&str]) -> bool {
        let tail = self.path.0.iter().rev().take(keys.len()).rev();
        self.path.0.len() >= keys.len()
            && tail.zip(keys).all(|(at, key)| *at == Segment::Key((*key).to_string()))
    }
}

const STAMPS: [&str; 5] = [
    "pod-template-hash",
    "controller-revision-hash",
    "pod-template-generation",
    "kubectl.kubernetes.io/restartedAt",
    "$patch",
];

/// All differences from one pod template (`metadata`, `spec`) to another.
pub(crate) fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(&FieldPath(Vec::new()), Some(before), Some(after), &mut found);
    found
}

fn walk(at: &FieldPath, before: Option<&Value>, after: Option<&Value>, out: &mut Vec<Difference>) {
    match (before.filter(|v| !empty(v)), after.filter(|v| !empty(v))) {
        (None, None) => {}
        (Some(old), Some(new)) if old == new => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let mut keys = old.keys().chain(new.keys()).collect::<Vec<_>>();
            keys.sort();
            keys.dedup();
            for key in keys.into_iter().filter(|key| !STAMPS.contains(&key.as_str())) {
                walk(&at.clone().key(key), old.get(key), new.get(key), out);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if by_name(old) && by_name(new) => {
            let mut names = old.iter().chain(new).map(name_of).collect::<Vec<_>>();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let find = |list: &'_ [Value]| list.iter().position(|item| name_of(item) == name);
                let (left, right) = (find(old), find(new));
                walk(
                    &at.clone().named(name),
                    left.and_then(|index| old.get(index)),
                    right.and_then(|index| new.get(index)),
                    out,
                );
            }
        }
        (old, new) => out.push(Difference { path: at.clone(), words: words(at, old, new) }),
    }
}

/// Absent and empty mean the same here, and so does what holds nothing but stamps.
fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.keys().all(|key| STAMPS.contains(&key.as_str())),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn by_name(list: &[Value]) -> bool {
    let mut names = list.iter().map(name_of).collect::<Vec<_>>();
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    names.len() == before && !names.contains(&"")
}

fn name_of(item: &Value) -> &str {
    item.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn words(at: &FieldPath, old: Option<&Value>, new: Option<&Value>) -> String {
    match (old, new) {
        (None, _) => return "added".into(),
        (_, None) => return "removed".into(),
        (Some(_), Some(_)) => {}
    }
    let last = at.0.last();
    let quotable = last == Some(&Segment::Key("image".into()))
        || at.0.iter().any(|segment| {
            matches!(segment, Segment::Key(key)
                if key == "resources" || key.ends_with("Probe") || key == "replicas")
        });
    match (quotable, old.and_then(scalar), new.and_then(scalar)) {
        (true, Some(old), Some(new)) => format!("{old} → {new}"),
        _ => "changed".into(),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_image_is_quoted_and_an_environment_value_is_not() {
        let before = json!({"metadata": {"labels": {"app": "x", "pod-template-hash": "1"}},
            "spec": {"containers": [{"name": "app", "image": "a:1",
                "env": [{"name": "PASSWORD", "value": "hunter1"}]}]}});
        let after = json!({"metadata": {"labels": {"app": "x", "pod-template-hash": "2"},
            "annotations": {"kubectl.kubernetes.io/restartedAt": "now"}},
            "spec": {"containers": [{"name": "app", "image": "a:2",
                "env": [{"name": "PASSWORD", "value": "hunter2"}]}]}});
        let found = differences(&before, &after);
        let lines =
            found.iter().map(|one| format!("{}: {}", one.path, one.words)).collect::<Vec<_>>();
        assert_eq!(
            lines,
            [
                "spec.containers[app].env[PASSWORD].value: changed",
                "spec.containers[app].image: a:1 → a:2"
            ]
        );
        assert!(found.iter().all(|one| one.container() == Some("app") && one.material()));
    }

    #[test]
    fn a_restart_and_a_checksum_annotation_are_no_material_difference() {
        let before =
            json!({"metadata": {"annotations": {"checksum/config": "a"}}, "spec": {"x": 1}});
        let after = json!({"metadata": {"annotations": {"checksum/config": "b",
            "kubectl.kubernetes.io/restartedAt": "t"}}, "spec": {"x": 1}});
        let found = differences(&before, &after);
        assert_eq!(found.len(), 1);
        assert!(!found.iter().any(Difference::material));
    }
}
