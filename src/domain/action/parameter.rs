//! Parameters of actions.

use crate::domain::quantity;
use serde_json::Value;

/// A parameter of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ActionParameter {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: ActionParameterKind,
    /// Whether it has to be given.
    pub required: bool,
    /// What it is.
    pub describe: &'static str,
}

/// Type of an action's parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionParameterKind {
    /// A text that is not empty.
    Text,
    /// A memory quantity, or whole bytes.
    Memory,
    /// A CPU quantity; a bare number is CPUs, as in a manifest.
    Cpu,
    /// A whole number within these bounds.
    Whole {
        /// Smallest.
        least: i64,
        /// Largest.
        most: i64,
    },
    /// True or false.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Labels, at least one: `{app: web}`.
    Labels,
    /// A count of pods or a share of them: 1 or 50%.
    Share,
    /// `{kind, name, uid}` of a revision, as `diagnosis.values.healthy_revision` is.
    Revision,
}

/// Memory that can't be meant: below this a container does not start, above this no machine has it.
const MEMORY: std::ops::RangeInclusive<u64> = (1 << 20)..=(64 << 40);
/// Thousandths of a CPU that can be meant.
const CPU: std::ops::RangeInclusive<u64> = 1..=1_024_000;

impl ActionParameter {
    /// One that must be given.
    #[must_use]
    pub const fn required(
        name: &'static str,
        kind: ActionParameterKind,
        describe: &'static str,
    ) -> Self {
        Self { name, kind, required: true, describe }
    }

    /// One that may be left out.
    #[must_use]
    pub const fn optional(
        name: &'static str,
        kind: ActionParameterKind,
        describe: &'static str,
    ) -> Self {
        Self { name, kind, required: false, describe }
    }

    /// Whether the value can be one of this parameter; else why not.
    ///
    /// # Errors
    /// The sentence.
    pub fn accepts(&self, value: &Value) -> Result<(), String> {
        let name = self.name;
        match self.kind {
            ActionParameterKind::Text => match value.as_str() {
                Some(text) if !text.is_empty() => Ok(()),
                _ => Err(format!("`{name}` is a text that is not empty")),
            },
            ActionParameterKind::Memory => match bytes(value) {
                Some(bytes) if MEMORY.contains(&bytes) => Ok(()),
                Some(_) => Err(format!("`{name}`: {value} can't be meant; write 1Mi to 64Ti")),
                None => Err(format!("`{name}`: {value} is no memory quantity; write 512Mi")),
            },
            ActionParameterKind::Cpu => match milli(value) {
                Some(milli) if CPU.contains(&milli) => Ok(()),
                Some(_) => Err(format!("`{name}`: {value} can't be meant; write 1m to 1024")),
                None => Err(format!("`{name}`: {value} is no CPU quantity; write 250m or 2")),
            },
            ActionParameterKind::Whole { least, most } => match value.as_i64() {
                Some(number) if (least..=most).contains(&number) => Ok(()),
                _ => Err(format!("`{name}`: {value} is no whole number of {least} to {most}")),
            },
            ActionParameterKind::Flag if value.is_boolean() => Ok(()),
            ActionParameterKind::Flag => Err(format!("`{name}` is true or false")),
            ActionParameterKind::Choice(words) => match value.as_str() {
                Some(word) if words.contains(&word) => Ok(()),
                _ => Err(format!("`{name}`: {value} is none of {}", words.join(", "))),
            },
            ActionParameterKind::Labels if is_labels(value) => Ok(()),
            ActionParameterKind::Labels => {
                Err(format!("`{name}` is labels, at least one: {{app: web}}"))
            }
            ActionParameterKind::Share if is_share(value) => Ok(()),
            ActionParameterKind::Share => {
                Err(format!("`{name}`: {value} is neither a count nor a share: write 1 or 50%"))
            }
            ActionParameterKind::Revision => {
                let has = |key: &str| {
                    value.get(key).and_then(Value::as_str).is_some_and(|text| !text.is_empty())
                };
                if has("kind") && has("name") && has("uid") {
                    Ok(())
                } else {
                    Err(format!("`{name}` is {{kind, name, uid}} of a revision"))
                }
            }
        }
    }
}

/// Whether it is at least one label, each as Kubernetes has them.
fn is_labels(value: &Value) -> bool {
    let plain = |text: &str| {
        text.len() <= 63 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    };
    value.as_object().is_some_and(|labels| {
        !labels.is_empty()
            && labels.iter().all(|(key, value)| {
                let name = key.rsplit('/').next().unwrap_or_default();
                !name.is_empty() && plain(name) && value.as_str().is_some_and(plain)
            })
    })
}

fn is_share(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.as_u64().is_some_and(|count| count <= 10_000),
        Value::String(text) => text
            .strip_suffix('%')
            .and_then(|percent| percent.parse::<u8>().ok())
            .is_some_and(|percent| percent <= 100),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Bytes of a quantity or a whole number.
pub(super) fn bytes(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(quantity::parse_bytes))
}

/// Thousandths of a CPU quantity; a bare number is CPUs, as in a manifest.
pub(super) fn milli(value: &Value) -> Option<u64> {
    match value {
        Value::String(text) => quantity::parse_milli(text),
        Value::Number(number) => quantity::parse_milli(&number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
