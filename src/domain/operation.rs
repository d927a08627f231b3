//! Operations on named objects: what every action comes down to.

use super::evidence::Read;
use super::resource::{FieldPath, ObjectRef};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Version of the catalogue's meaning; part of each plan digest.
pub const CATALOGUE_VERSION: u32 = 1;

/// The annotation that each attempt leaves on the object that it changes.
pub const ATTEMPT_ANNOTATION: &str = "pilothouse.dev/attempt";

/// One field that changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Where.
    pub path: FieldPath,
    /// Its value when the plan was made; `None`: absent.
    pub before: Option<Value>,
    /// Its value afterwards; `None`: removed.
    pub after: Option<Value>,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// Change fields of one object, in one request, guarded by uid, resourceVersion and prior values.
    Patch {
        /// Which.
        object: ObjectRef,
        /// What changes.
        changes: Vec<FieldChange>,
        /// Fields that must still hold these values, though they aren't touched (such as the pod template's hash
        /// inputs); path and value at planning time.
        guards: Vec<FieldChange>,
    },
    /// Read and keep: changes nothing.
    Collect {
        /// What is read.
        reads: Vec<Read>,
    },
}

impl Operation {
    /// The object that it changes; `None` when it changes nothing.
    #[must_use]
    pub fn object(&self) -> Option<&ObjectRef> {
        match self {
            Self::Patch { object, .. } => Some(object),
            Self::Collect { .. } => None,
        }
    }

    /// Whether it changes the cluster.
    #[must_use]
    pub fn mutates(&self) -> bool {
        match self {
            Self::Patch { .. } => true,
            Self::Collect { .. } => false,
        }
    }

    /// How it can be seen afterwards whether an attempt happened.
    #[must_use]
    pub fn seen_by(&self) -> SeenBy {
        match self {
            Self::Patch { .. } => SeenBy::Stamp,
            Self::Collect { .. } => SeenBy::Repeatable,
        }
    }

    /// The operation that takes this one back: each field to its prior value, only while it holds ours.
    #[must_use]
    pub fn undo(&self) -> Option<Self> {
        match self {
            Self::Patch { object, changes, .. } => Some(Self::Patch {
                object: object.clone(),
                changes: changes
                    .iter()
                    .rev()
                    .map(|change| FieldChange {
                        path: change.path.clone(),
                        before: change.after.clone(),
                        after: change.before.clone(),
                    })
                    .collect(),
                guards: Vec::new(),
            }),
            Self::Collect { .. } => None,
        }
    }
}

/// How the outcome of an attempt with no answer is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenBy {
    /// The attempt's id is in an annotation that the same request sets.
    Stamp,
    /// It changes nothing and may be done again.
    Repeatable,
}

/// One line of a diff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// Field, as [`FieldPath`] is written.
    pub path: String,
    /// Value before, as YAML scalar or compact JSON; `None`: absent.
    pub before: Option<String>,
    /// Value after; `None`: removed.
    pub after: Option<String>,
}

/// How sure the shown diff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreviewLabel {
    /// The API server's dry-run answered it.
    PreviewedByServer,
    /// It depends on an earlier step, and was computed here.
    Computed,
    /// It can't be previewed.
    NotPreviewable,
    /// It changes nothing.
    ReadOnly,
}
