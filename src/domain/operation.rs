//! Operations on named objects: what every action comes down to.

use super::evidence::Read;
use super::id::AttemptId;
use super::resource::{FieldPath, ObjectKey, ObjectRef};
pub use super::rotation::{NewValue, Rotation};
pub use super::silence::Silence;
use super::text::{redact_at, redact_value};
use super::workflow::plan::Condition;
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

impl FieldChange {
    /// The change of a field of an object as it is to that value.
    #[must_use]
    pub fn of(object: &Value, path: FieldPath, after: Option<Value>) -> Self {
        let before = path.get(object).filter(|value| !value.is_null()).cloned();
        Self { path, before, after }
    }

    /// The same as it may be shown: without what looks like a secret.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let path = self.path.to_string();
        let hide = |value: &Option<Value>| {
            let mut value = value.clone()?;
            if let Value::String(text) = &mut value {
                *text = redact_at(&path, text);
            } else {
                redact_value(&mut value);
            }
            Some(value)
        };
        Self { path: self.path.clone(), before: hide(&self.before), after: hide(&self.after) }
    }
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Operation {
    /// Change fields of one object, in one request, guarded by uid, resourceVersion and prior values.
    Patch {
        /// Which.
        object: ObjectRef,
        /// Through which subresource (`scale`, `resize`, `ephemeralcontainers`); empty: the object itself. A
        /// subresource takes no annotation, so that an attempt is seen by the values.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        subresource: String,
        /// What changes.
        changes: Vec<FieldChange>,
        /// Fields that must still hold these values, though they aren't touched (such as the pod template's hash
        /// inputs); path and value at planning time.
        guards: Vec<FieldChange>,
    },
    /// Delete exactly this object, by its uid. That it is gone already is seen, not counted as a failure.
    Delete {
        /// Which.
        object: ObjectRef,
        /// Seconds that it has to end; `None`: its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grace_s: Option<u64>,
        /// What becomes of what it owns.
        propagation: Propagation,
        /// Fields that must still hold these values.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        guards: Vec<FieldChange>,
    },
    /// Ask for exactly this pod to go, by its uid, through the Eviction API: disruption budgets may hold it back.
    Evict {
        /// Which.
        pod: ObjectRef,
        /// Seconds that it has to end; `None`: its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grace_s: Option<u64>,
    },
    /// Create this object, under a name that was fixed when planning.
    Create {
        /// Its name.
        object: ObjectKey,
        /// The whole of it.
        manifest: Value,
    },
    /// Delete what an attempt created: only an object that still carries the stamp of one of these attempts. The undo
    /// of [`Operation::Create`]; the attempts are filled in when it is sent.
    Unmake {
        /// Its name.
        object: ObjectKey,
        /// The attempts that may have made it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        made_by: Vec<AttemptId>,
    },
    /// Give keys of a Secret new values that nobody sees, or the ones from before back.
    Rotate(Rotation),
    /// Have Alertmanager tell nobody about alerts for a while, or end that.
    Silence(Silence),
    /// Run a program in a container. What it prints is kept; its exit code says how it went.
    Exec(Command),
    /// Wait until this holds: changes nothing. Between operations of one step, so that the next begins only once the
    /// earlier has had its effect.
    Await(Condition),
    /// Read and keep: changes nothing.
    Collect {
        /// What is read.
        reads: Vec<Read>,
        /// Lines of the logs of all containers of the pods that are listed, which are read as well: names of pods that
        /// nobody knew when planning. 0: none.
        #[serde(default, skip_serializing_if = "is_zero")]
        logs: u32,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A program and its arguments, run in a container of a pod as they stand: no shell is put around them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// Where.
    pub pod: ObjectRef,
    /// In which container.
    pub container: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Exit codes that mean success; empty: 0 alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub succeeds_on: Vec<i32>,
    /// Seconds that it may take. Afterwards it is not known how it went.
    pub timeout_s: u64,
    /// What is kept of its output.
    #[serde(default)]
    pub keeps: Keeps,
}

/// What is kept of a program's output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeps {
    /// Both streams as text, cleaned and redacted, the first 1 MiB of each.
    #[default]
    Text,
    /// Standard output byte for byte, up to 64 MiB; more is a failure.
    Bytes,
}

/// What becomes of the objects that a deleted one owns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Propagation {
    /// They go afterwards.
    #[default]
    Background,
    /// They go first.
    Foreground,
    /// They stay.
    Orphan,
}

impl Propagation {
    /// As the Kubernetes API spells it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}

impl Operation {
    /// Reads, and no more.
    #[must_use]
    pub fn collect(reads: Vec<Read>) -> Self {
        Self::Collect { reads, logs: 0 }
    }

    /// A change of fields of the object itself.
    #[must_use]
    pub fn patch(object: ObjectRef, changes: Vec<FieldChange>, guards: Vec<FieldChange>) -> Self {
        Self::Patch { object, subresource: String::new(), changes, guards }
    }

    /// The creation of an object; `None` when the manifest names no kind or no name.
    #[must_use]
    pub fn create(manifest: Value) -> Option<Self> {
        let text = |pointer: &str| manifest.pointer(pointer).and_then(Value::as_str);
        let object = ObjectKey::new(
            text("/apiVersion")?,
            text("/kind")?,
            text("/metadata/namespace").unwrap_or_default(),
            text("/metadata/name")?,
        );
        Some(Self::Create { object, manifest })
    }

    /// Its word, as in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Patch { .. } => "patch",
            Self::Delete { .. } => "delete",
            Self::Evict { .. } => "evict",
            Self::Create { .. } => "create",
            Self::Unmake { .. } => "unmake",
            Self::Rotate(_) => "rotate",
            Self::Silence(_) => "silence",
            Self::Exec(_) => "exec",
            Self::Await(_) => "await",
            Self::Collect { .. } => "collect",
        }
    }

    /// The particular object that it changes; `None` when it changes none, or one that isn't there yet.
    #[must_use]
    pub fn object(&self) -> Option<&ObjectRef> {
        match self {
            Self::Patch { object, .. }
            | Self::Delete { object, .. }
            | Self::Evict { pod: object, .. }
            | Self::Rotate(Rotation { secret: object, .. })
            | Self::Exec(Command { pod: object, .. }) => Some(object),
            Self::Create { .. }
            | Self::Unmake { .. }
            | Self::Silence(_)
            | Self::Await(_)
            | Self::Collect { .. } => None,
        }
    }

    /// The place of what it changes; `None` when it changes nothing.
    #[must_use]
    pub fn key(&self) -> Option<&ObjectKey> {
        match self {
            Self::Create { object, .. } | Self::Unmake { object, .. } => Some(object),
            Self::Patch { .. }
            | Self::Delete { .. }
            | Self::Evict { .. }
            | Self::Rotate(_)
            | Self::Silence(_)
            | Self::Exec(_)
            | Self::Await(_)
            | Self::Collect { .. } => self.object().map(|object| &object.key),
        }
    }

    /// Whether the server can say beforehand what it does: not of a program, nor of pods that run one.
    #[must_use]
    pub fn previewable(&self) -> bool {
        match self {
            Self::Exec(_) | Self::Rotate(_) => false,
            Self::Create { object, .. } => {
                !matches!(object.kind.as_str(), "Pod" | "Job" | "CronJob")
            }
            Self::Patch { .. }
            | Self::Delete { .. }
            | Self::Evict { .. }
            | Self::Unmake { .. }
            | Self::Silence(_)
            | Self::Await(_)
            | Self::Collect { .. } => true,
        }
    }

    /// Whether it changes the cluster.
    #[must_use]
    pub fn mutates(&self) -> bool {
        match self {
            Self::Patch { .. }
            | Self::Delete { .. }
            | Self::Evict { .. }
            | Self::Create { .. }
            | Self::Unmake { .. }
            | Self::Rotate(_)
            | Self::Silence(_)
            | Self::Exec(_) => true,
            Self::Await(_) | Self::Collect { .. } => false,
        }
    }

    /// Whether it takes a whole object away: nothing that it held can be read afterwards.
    #[must_use]
    pub fn removes(&self) -> bool {
        match self {
            Self::Delete { .. } | Self::Evict { .. } | Self::Unmake { .. } => true,
            Self::Patch { .. }
            | Self::Create { .. }
            | Self::Rotate(_)
            | Self::Silence(_)
            | Self::Exec(_)
            | Self::Await(_)
            | Self::Collect { .. } => false,
        }
    }

    /// How it can be seen afterwards whether an attempt happened.
    #[must_use]
    pub fn seen_by(&self) -> SeenBy {
        match self {
            Self::Patch { subresource, .. } if !subresource.is_empty() => SeenBy::Value,
            Self::Patch { .. } | Self::Rotate(_) => SeenBy::Stamp,
            Self::Delete { .. } | Self::Evict { .. } => SeenBy::Uid,
            Self::Create { .. } | Self::Unmake { .. } | Self::Silence(_) => SeenBy::Name,
            Self::Exec(_) => SeenBy::Never,
            Self::Await(_) | Self::Collect { .. } => SeenBy::Repeatable,
        }
    }

    /// The operation that takes this one back: each field to its prior value, only while it holds ours; what was
    /// created goes again. What was deleted does not come back.
    #[must_use]
    pub fn undo(&self) -> Option<Self> {
        match self {
            Self::Patch { object, subresource, changes, .. } => Some(Self::Patch {
                object: object.clone(),
                subresource: subresource.clone(),
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
            Self::Create { object, .. } => {
                Some(Self::Unmake { object: object.clone(), made_by: Vec::new() })
            }
            Self::Rotate(rotation) if !rotation.back => {
                Some(Self::Rotate(Rotation { back: true, ..rotation.clone() }))
            }
            Self::Silence(silence) if !silence.ends => {
                Some(Self::Silence(Silence { ends: true, ..silence.clone() }))
            }
            Self::Delete { .. }
            | Self::Evict { .. }
            | Self::Unmake { .. }
            | Self::Rotate(_)
            | Self::Silence(_)
            | Self::Exec(_)
            | Self::Await(_)
            | Self::Collect { .. } => None,
        }
    }

    /// The same with the attempts whose work it takes back, where it has to know them.
    #[must_use]
    pub fn made_by(self, attempts: Vec<AttemptId>) -> Self {
        match self {
            Self::Unmake { object, .. } => Self::Unmake { object, made_by: attempts },
            Self::Rotate(rotation) if rotation.back => {
                Self::Rotate(Rotation { made_by: attempts, ..rotation })
            }
            Self::Silence(silence) if silence.ends => {
                Self::Silence(Silence { made_by: attempts, ..silence })
            }
            other @ (Self::Patch { .. }
            | Self::Delete { .. }
            | Self::Evict { .. }
            | Self::Create { .. }
            | Self::Rotate(_)
            | Self::Silence(_)
            | Self::Exec(_)
            | Self::Await(_)
            | Self::Collect { .. }) => other,
        }
    }

    /// What happens to the object as a whole, as lines of a diff; empty where fields change.
    #[must_use]
    pub fn whole(&self) -> Vec<DiffLine> {
        let gone = |before: String| {
            vec![DiffLine { path: "the whole object".into(), before: Some(before), after: None }]
        };
        let within = |grace: &Option<u64>| {
            grace.map_or_else(String::new, |seconds| format!(", within {seconds} s"))
        };
        match self {
            Self::Delete { object, grace_s, propagation, .. } => {
                let owned = match propagation {
                    Propagation::Background => "",
                    Propagation::Foreground => ", what it owns first",
                    Propagation::Orphan => ", what it owns stays",
                };
                gone(format!("deleted (uid {}){}{owned}", object.uid, within(grace_s)))
            }
            Self::Evict { pod, grace_s } => {
                gone(format!("evicted (uid {}){}", pod.uid, within(grace_s)))
            }
            Self::Rotate(rotation) => rotation.whole(),
            Self::Silence(silence) if silence.ends => {
                vec![DiffLine {
                    path: "silence".into(),
                    before: Some(silence.words()),
                    after: None,
                }]
            }
            Self::Silence(silence) => vec![DiffLine {
                path: "silence".into(),
                before: None,
                after: Some(format!("{} for {} min", silence.words(), silence.minutes)),
            }],
            Self::Unmake { .. } => gone("deleted, if this execution made it".into()),
            Self::Exec(command) => vec![DiffLine {
                path: format!("runs in container {}", command.container),
                before: None,
                after: Some(serde_json::json!(command.argv).to_string()),
            }],
            Self::Await(condition) => vec![DiffLine {
                path: "waits until".into(),
                before: None,
                after: Some(condition.describe.clone()),
            }],
            Self::Patch { .. } | Self::Create { .. } | Self::Collect { .. } => Vec::new(),
        }
    }
}

/// How the outcome of an attempt with no answer is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenBy {
    /// The attempt's id is in an annotation that the same request sets.
    Stamp,
    /// The object of that uid is gone or going.
    Uid,
    /// The object of that name carries the attempt's id.
    Name,
    /// The fields hold the new values.
    Value,
    /// It can't be seen: a person has to look.
    Never,
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
