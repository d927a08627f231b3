//! Which fields a keeper owns, by `metadata.managedFields`.

use crate::domain::diagnose::fields::{items, text, value};
use crate::domain::operation::FieldChange;
use crate::domain::resource::{FieldPath, ObjectKey, Segment};
use serde_json::Value;

/// Whether a keeper that writes under one of these names puts any of these changes back: those of fields that it owns.
/// A field that it does not own is in no source, and a merge leaves it alone. Where it does not appear as a writer, only
/// our own annotations are known to be nobody else's.
pub(super) fn puts_back(
    object: &Value,
    key: &ObjectKey,
    writers: &[&str],
    changes: &[FieldChange],
) -> bool {
    let own = items(object, &["metadata", "managedFields"])
        .iter()
        .filter(|entry| writers.contains(&text(entry, &["manager"])))
        .filter(|entry| text(entry, &["subresource"]).is_empty())
        .filter_map(|entry| value(entry, &["fieldsV1"]))
        .collect::<Vec<_>>();
    changes.iter().any(|change| {
        if is_ours(&change.path) {
            return false;
        }
        // Lists of custom resources have no keys that a merge could go by: they are written as a whole.
        let listed = change.path.0.iter().any(|segment| matches!(segment, Segment::Named(_)));
        own.is_empty()
            || (listed && !is_built_in(&key.api_version))
            || own.iter().any(|fields| owns(fields, &change.path))
    })
}

/// An annotation of ours.
fn is_ours(path: &FieldPath) -> bool {
    matches!(path.0.as_slice(), [.., Segment::Key(annotations), Segment::Key(name)]
        if annotations == "annotations" && name.starts_with("pilothouse.dev/"))
}

fn is_built_in(api_version: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    !group.contains('.') || group.ends_with(".k8s.io")
}

/// Whether the set holds the field, something in it, or the whole that it is part of.
fn owns(fields: &Value, path: &FieldPath) -> bool {
    let mut at = fields;
    for segment in &path.0 {
        let Some(members) = at.as_object() else { return false };
        // A set without members is a leaf: owned as a whole.
        if members.is_empty() {
            return true;
        }
        let next = match segment {
            Segment::Key(key) => members.get(&format!("f:{key}")),
            Segment::Named(name) => members.iter().find_map(|(key, inner)| {
                let key = serde_json::from_str::<Value>(key.strip_prefix("k:")?).ok()?;
                (text(&key, &["name"]) == name).then_some(inner)
            }),
        };
        match next {
            Some(inner) => at = inner,
            None => return false,
        }
    }
    true
}
