//! Names of Kubernetes objects, and paths and values inside them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Names one kind of object at one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectKey {
    /// `v1`, `apps/v1`, …
    pub api_version: String,
    /// `Pod`, `Deployment`, …
    pub kind: String,
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl ObjectKey {
    /// A key from its parts.
    #[must_use]
    pub fn new(api_version: &str, kind: &str, namespace: &str, name: &str) -> Self {
        Self {
            api_version: api_version.into(),
            kind: kind.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    /// `payments/Deployment/ledger-api`, or `Node/wk-03` for cluster-scoped objects.
    #[must_use]
    pub fn path(&self) -> String {
        if self.namespace.is_empty() {
            format!("{}/{}", self.kind, self.name)
        } else {
            format!("{}/{}/{}", self.namespace, self.kind, self.name)
        }
    }

    /// As lists show it: `payments/deploy/ledger-api`.
    #[must_use]
    pub fn short_path(&self) -> String {
        let kind = short_kind(&self.kind);
        if self.namespace.is_empty() {
            format!("{kind}/{}", self.name)
        } else {
            format!("{}/{kind}/{}", self.namespace, self.name)
        }
    }
}

/// The short name that kubectl gives a kind, or the kind in lower case.
#[must_use]
pub fn short_kind(kind: &str) -> String {
    match kind {
        "Deployment" => "deploy".into(),
        "StatefulSet" => "sts".into(),
        "DaemonSet" => "ds".into(),
        "ReplicaSet" => "rs".into(),
        "PersistentVolumeClaim" => "pvc".into(),
        "Namespace" => "ns".into(),
        "Service" => "svc".into(),
        other => other.to_ascii_lowercase(),
    }
}

/// One particular object: a key and the uid that tells it from a later one of the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    /// Kind and place.
    #[serde(flatten)]
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: String,
}

impl ObjectRef {
    /// The reference of a live object; `None` when it has no kind, name or uid.
    #[must_use]
    pub fn of(object: &Value) -> Option<Self> {
        let meta = object.get("metadata")?;
        let text =
            |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(String::from);
        Some(Self {
            key: ObjectKey {
                api_version: text(object, "apiVersion")?,
                kind: text(object, "kind")?,
                namespace: text(meta, "namespace").unwrap_or_default(),
                name: text(meta, "name")?,
            },
            uid: text(meta, "uid")?,
        })
    }
}

/// One segment of a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// A member of an object.
    Key(String),
    /// The element of a list of objects whose `name` is this.
    Named(String),
}

/// A place inside an object: `spec.template.spec.containers[app].resources.limits.memory`.
///
/// List elements are found by `name`, never by position, so that a path still means the same after a reorder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(pub Vec<Segment>);

impl FieldPath {
    /// A path of plain keys.
    #[must_use]
    pub fn keys(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Segment::Key((*key).into())).collect())
    }

    /// This path and one key more.
    #[must_use]
    pub fn key(mut self, key: &str) -> Self {
        self.0.push(Segment::Key(key.into()));
        self
    }

    /// This path and the list element of that name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        self.0.push(Segment::Named(name.into()));
        self
    }

    /// The value at this path, if there is one.
    #[must_use]
    pub fn get<'a>(&self, object: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(object, |value, segment| match segment {
            Segment::Key(key) => value.get(key),
            Segment::Named(name) => value
                .as_array()?
                .iter()
                .find(|item| item.get("name").and_then(Value::as_str) == Some(name)),
        })
    }

    /// The JSON Pointer (RFC 6901) of this path in that object, with list positions as they are there now.
    /// `None` when a list element on the way does not exist; the last key need not exist.
    #[must_use]
    pub fn pointer(&self, object: &Value) -> Option<String> {
        let mut pointer = String::new();
        let mut value = Some(object);
        for segment in &self.0 {
            pointer.push('/');
            match segment {
                Segment::Key(key) => {
                    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                    value = value.and_then(|value| value.get(key));
                }
                Segment::Named(name) => {
                    let items = value?.as_array()?;
                    let index = items
                        .iter()
                        .position(|item| item.get("name").and_then(Value::as_str) == Some(name))?;
                    pointer.push_str(&index.to_string());
                    value = items.get(index);
                }
            }
        }
        Some(pointer)
    }
}

impl std::fmt::Display for FieldPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if key.contains(['.', '/']) => write!(f, "[{key:?}]")?,
                Segment::Key(key) if index == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Named(name) => write!(f, "[{name}]")?,
            }
        }
        Ok(())
    }
}
