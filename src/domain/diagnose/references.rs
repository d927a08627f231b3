//! ConfigMaps and Secrets that a pod can't do without, and which of them are not there.

use super::fields::{flag, items, text, value};
use super::reader::{Got, Reader};
use crate::domain::resource::ObjectKey;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One required reference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Reference {
    /// `ConfigMap` or `Secret`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// A key in it, if one is named.
    pub(crate) key: Option<String>,
}

impl Reference {
    fn new(kind: &'static str, name: &str, key: Option<&str>) -> Option<Self> {
        (!name.is_empty()).then(|| Self { kind, name: name.into(), key: key.map(Into::into) })
    }

    /// `Secret payments/db-creds key password`.
    pub(crate) fn words(&self, namespace: &str) -> String {
        let key = self.key.as_ref().map(|key| format!(" key {key}")).unwrap_or_default();
        format!("{} {namespace}/{}{key}", self.kind, self.name)
    }

    /// Whether the kubelet's message says that this one is missing.
    pub(crate) fn said_missing(&self, namespace: &str, message: &str) -> bool {
        let lower = self.kind.to_ascii_lowercase();
        if message.contains(&format!("{lower} \"{}\" not found", self.name)) {
            return true;
        }
        self.key.as_ref().is_some_and(|key| {
            message.contains(&format!("find key {key} in {} {namespace}/{}", self.kind, self.name))
                || (message.contains(&format!("non-existent {lower} key"))
                    && message.ends_with(key.as_str()))
                || message.contains(&format!("references non-existent config key: {key}"))
        })
    }
}

/// What became of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    Present,
    Absent,
    /// It can't be read.
    NotKnown,
}

/// Required references, each with where it stands in the pod's spec.
pub(crate) fn required(pod_spec: &Value) -> BTreeMap<Reference, BTreeSet<String>> {
    let mut found: BTreeMap<Reference, BTreeSet<String>> = BTreeMap::new();
    let mut add = |reference: Option<Reference>, at: String| {
        if let Some(reference) = reference {
            found.entry(reference).or_default().insert(at);
        }
    };
    for list in ["initContainers", "containers"] {
        for container in items(pod_spec, &[list]) {
            let place = format!("spec.{list}[{}]", text(container, &["name"]));
            for from in items(container, &["envFrom"]) {
                for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
                    if let Some(source) = value(from, &[field])
                        && !flag(source, &["optional"])
                    {
                        let reference = Reference::new(kind, text(source, &["name"]), None);
                        add(reference, format!("{place}.envFrom"));
                    }
                }
            }
            for variable in items(container, &["env"]) {
                for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")]
                {
                    if let Some(source) = value(variable, &["valueFrom", field])
                        && !flag(source, &["optional"])
                    {
                        let key = text(source, &["key"]);
                        let reference = Reference::new(kind, text(source, &["name"]), Some(key));
                        add(reference, format!("{place}.env[{}]", text(variable, &["name"])));
                    }
                }
            }
        }
    }
    for volume in items(pod_spec, &["volumes"]) {
        let place = format!("spec.volumes[{}]", text(volume, &["name"]));
        let projected = items(volume, &["projected", "sources"]);
        for source in std::iter::once(volume).chain(projected) {
            for (reference, optional) in of_volume(source) {
                if !optional {
                    add(Some(reference), place.clone());
                }
            }
        }
    }
    found
}

fn of_volume(source: &Value) -> Vec<(Reference, bool)> {
    let mut found = Vec::new();
    for (field, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
        let Some(part) = value(source, &[field]) else { continue };
        let name = match text(part, &["name"]) {
            "" => text(part, &["secretName"]),
            name => name,
        };
        let optional = flag(part, &["optional"]);
        let keys = items(part, &["items"]);
        if keys.is_empty() {
            found.extend(Reference::new(kind, name, None).map(|one| (one, optional)));
        }
        for item in keys {
            let key = Some(text(item, &["key"]));
            found.extend(Reference::new(kind, name, key).map(|one| (one, optional)));
        }
    }
    found
}

/// Looks whether each is there.
pub(crate) fn presence(
    references: impl Iterator<Item = Reference>,
    namespace: &str,
    reader: &mut Reader<'_>,
) -> Vec<(Reference, Presence)> {
    references
        .map(|reference| {
            let key = ObjectKey::new("v1", reference.kind, namespace, &reference.name);
            let presence = match reader.object("missing-configuration", &key) {
                Got::Have(object) if holds(object, reference.key.as_deref()) => Presence::Present,
                Got::Have(_) | Got::Gone => Presence::Absent,
                Got::Unreadable(_) | Got::Pending => Presence::NotKnown,
            };
            (reference, presence)
        })
        .collect()
}

pub(crate) fn holds(object: &Value, key: Option<&str>) -> bool {
    key.is_none_or(|key| {
        ["data", "binaryData", "stringData"]
            .iter()
            .any(|part| value(object, &[part, key]).is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn optional_references_are_left_out_and_keys_are_kept() {
        let spec = json!({
            "containers": [{"name": "app",
                "envFrom": [{"secretRef": {"name": "all"}}, {"configMapRef": {"name": "may", "optional": true}}],
                "env": [{"name": "PW", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]}],
            "volumes": [{"name": "cfg", "configMap": {"name": "files", "items": [{"key": "a.toml", "path": "a"}]}},
                {"name": "tls", "secret": {"secretName": "cert"}},
                {"name": "kube-api-access", "projected": {"sources": [{"configMap": {"name": "kube-root-ca.crt",
                    "items": [{"key": "ca.crt", "path": "ca.crt"}]}}]}}]});
        let words = required(&spec).keys().map(|one| one.words("n")).collect::<Vec<_>>();
        assert_eq!(
            words,
            [
                "ConfigMap n/files key a.toml",
                "ConfigMap n/kube-root-ca.crt key ca.crt",
                "Secret n/all",
                "Secret n/cert",
                "Secret n/db key password"
            ]
        );
    }

    #[test]
    fn the_kubelets_words_are_understood_exactly() {
        let whole = Reference { kind: "Secret", name: "db".into(), key: None };
        let key = Reference { kind: "Secret", name: "db".into(), key: Some("password".into()) };
        assert!(whole.said_missing("n", "secret \"db\" not found"));
        assert!(!whole.said_missing("n", "secret \"db2\" not found"));
        assert!(key.said_missing("n", "couldn't find key password in Secret n/db"));
        assert!(!whole.said_missing("n", "container has runAsNonRoot and image will run as root"));
    }
}
