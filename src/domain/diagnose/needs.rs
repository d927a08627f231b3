//! What a pod template of an earlier revision needs that is not there any more: its pods could not start again.

use super::fields::{items, terminating, text};
use super::picture::template_references;
use super::reader::{Got, Reader};
use super::references::holds;
use crate::domain::resource::ObjectKey;
use serde_json::Value;

/// Objects that are looked up.
const MOST: usize = 40;

/// What it lacks, in words; what can't be read counts as there. Reads may be due after it.
pub(crate) fn lacks(template: &Value, namespace: &str, reader: &mut Reader<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for reference in template_references(template).into_iter().take(MOST) {
        let key = ObjectKey::new("v1", reference.kind, namespace, &reference.name);
        let there = match reader.look(&key) {
            Got::Have(object) => holds(object, reference.key.as_deref()),
            Got::Gone => false,
            Got::Unreadable(_) | Got::Pending => true,
        };
        if !there {
            found.push(format!("{} does not exist", reference.words(namespace)));
        }
    }
    let named = |kind: &str, name: &str| ObjectKey::new("v1", kind, namespace, name);
    let account = match text(template, &["spec", "serviceAccountName"]) {
        "" | "default" => None,
        name => Some(named("ServiceAccount", name)),
    };
    let claims = items(template, &["spec", "volumes"])
        .iter()
        .map(|volume| text(volume, &["persistentVolumeClaim", "claimName"]))
        .filter(|name| !name.is_empty())
        .map(|name| named("PersistentVolumeClaim", name));
    for key in account.into_iter().chain(claims) {
        match reader.look(&key) {
            Got::Gone => found.push(format!("{} {} does not exist", key.kind, key.name)),
            Got::Have(object) if terminating(object) => {
                found.push(format!("{} {} is being deleted", key.kind, key.name));
            }
            Got::Have(_) | Got::Unreadable(_) | Got::Pending => {}
        }
    }
    found
}
