//! A namespace that can't go: what remains in it, and which API can't be asked.

use super::examine::{finalizers, stuck};
use crate::domain::diagnose::fields::{items, name, text, value};
use crate::domain::diagnose::kinds::known_kind;
use crate::domain::diagnose::reader::{Got, Reader};
use crate::domain::diagnose::subject::case::Case;
use crate::domain::diagnose::subject::findings::{Examined, Findings, condition, quoted};
use crate::domain::diagnose::subject::handing::look_into;
use crate::domain::diagnose::workload::some_names;
use crate::domain::resource::{ObjectKey, ObjectRef};
use serde_json::Value;

/// Kinds of what remains that are looked at.
const MOST: usize = 4;
const CONDITIONS: [(&str, &str); 4] = [
    ("NamespaceContentRemaining", "content-remains"),
    ("NamespaceFinalizersRemaining", "finalizers-remain"),
    ("NamespaceDeletionDiscoveryFailure", "api-unavailable"),
    ("NamespaceDeletionContentFailure", "content-fails"),
];

/// Notes what remains. Where exactly one object with a finalizer holds it, that object is the culprit.
pub(super) fn rest<'a>(
    case: &Case<'a>,
    findings: &mut Findings,
    reader: &mut Reader<'a>,
) -> Option<Examined> {
    for (kind, id) in CONDITIONS {
        let found = condition(case.object, kind).filter(|one| text(one, &["status"]) == "True");
        if let Some(found) = found {
            let words = quoted(text(found, &["message"]), 240);
            findings.add(id, words, format!("{}: condition {kind}", case.path()));
        }
    }
    if findings.has("api-unavailable") {
        services(findings, reader);
    }
    let message = condition(case.object, "NamespaceContentRemaining")
        .filter(|one| text(one, &["status"]) == "True")
        .map_or("", |one| text(one, &["message"]));
    let remaining = remaining(message);
    findings.put("remaining", remaining.iter().map(|(what, _)| what.clone()).collect::<Vec<_>>());
    let mut holding: Vec<&'a Value> = Vec::new();
    for (resource, _) in remaining.iter().take(MOST) {
        let Some((api_version, kind)) = kind_of(resource, reader) else { continue };
        let got = reader.list("missing-remains", &api_version, &kind, case.name(), "");
        let held = got.have().unwrap_or_default().iter().filter(|one| !finalizers(one).is_empty());
        holding.extend(held);
    }
    if reader.pending() {
        return Some(Examined::Pending);
    }
    if holding.is_empty() {
        return None;
    }
    let names = holding.iter().map(|one| format!("{} {}", text(one, &["kind"]), name(one)));
    let names = names.collect::<Vec<_>>();
    let shown = names.iter().map(String::as_str).collect::<Vec<_>>();
    let words = format!("held by finalizers of {}", some_names(&shown));
    findings.add("held-by-content", words, format!("objects in {}", case.name()));
    let [only] = holding.as_slice() else { return None };
    if !stuck(only, case.now) {
        return None;
    }
    let next = ObjectRef::of(only)?;
    let led = ["terminating", "content-remains", "held-by-content"];
    let facts = findings.facts.iter().filter(|fact| led.contains(&fact.id.as_str()));
    let trail = case.trail.from(&case.reference.key, facts.cloned().collect())?;
    match look_into(case, next, only, trail, reader) {
        Some(found) => Some(Examined::Elsewhere(Box::new(found))),
        None => Some(Examined::Pending),
    }
}

/// APIs that can't be asked.
fn services(findings: &mut Findings, reader: &mut Reader<'_>) {
    let got = reader.list("missing-apis", "apiregistration.k8s.io/v1", "APIService", "", "");
    let down = got.have().unwrap_or_default().iter().filter(|one| {
        condition(one, "Available").is_some_and(|found| text(found, &["status"]) == "False")
    });
    let down = down.map(name).collect::<Vec<_>>();
    if !down.is_empty() {
        let words = format!("not available: {}", some_names(&down));
        findings.add("apis-down", words, "APIServices: condition Available".into());
        findings.put("apis_down", down);
    }
}

/// `Some resources are remaining: configmaps. has 1 resource instances, widgets.acme.io has 2 resource instances` →
/// resource and count.
fn remaining(message: &str) -> Vec<(String, usize)> {
    let Some((_, list)) = message.split_once(": ") else { return Vec::new() };
    list.split(", ")
        .filter_map(|part| {
            let (resource, rest) = part.split_once(" has ")?;
            let count = rest.split_whitespace().next()?.parse().ok()?;
            Some((resource.trim_end_matches('.').to_string(), count))
        })
        .collect()
}

/// API version and kind of a resource as a namespace's conditions write it. Custom ones are looked up.
fn kind_of(resource: &str, reader: &mut Reader<'_>) -> Option<(String, String)> {
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    if let Some(known) = known_kind(plural)
        && known.api_version.split_once('/').map_or("", |(group, _)| group) == group
    {
        return Some((known.api_version.into(), known.kind.into()));
    }
    let key = ObjectKey::new("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", resource);
    let Got::Have(found) = reader.look(&key) else { return None };
    let served = items(found, &["spec", "versions"])
        .iter()
        .find(|version| value(version, &["served"]).and_then(Value::as_bool) == Some(true))?;
    let api_version = format!("{group}/{}", text(served, &["name"]));
    Some((api_version, text(found, &["spec", "names", "kind"]).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespaces_own_words_are_understood() {
        let message = "Some resources are remaining: configmaps. has 1 resource instances, widgets.acme.io has 2 resource instances";
        assert_eq!(remaining(message), [("configmaps".into(), 1), ("widgets.acme.io".into(), 2)]);
        assert!(remaining("").is_empty());
    }
}
