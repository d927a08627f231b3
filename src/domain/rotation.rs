//! New values for keys of a Secret, which no plan, log, record or screen ever holds.

use super::id::AttemptId;
use super::operation::DiffLine;
use super::resource::ObjectRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// New values for keys of a Secret. The values are made and copied by the adapter: nothing here holds any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Which.
    pub secret: ObjectRef,
    /// Key → where its new value comes from.
    pub keys: BTreeMap<String, NewValue>,
    /// Whether the values from before are put back instead.
    #[serde(default)]
    pub back: bool,
    /// The attempts that may have given it ours, filled in when it is put back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made_by: Vec<AttemptId>,
}

/// Where a new value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewValue {
    /// Letters and digits, so many.
    Random {
        /// How many.
        length: u32,
    },
    /// A key of another Secret of that namespace.
    Of {
        /// Its name.
        secret: String,
        /// The key.
        key: String,
    },
}

impl Rotation {
    /// Which keys, and where their values come from.
    pub(super) fn whole(&self) -> Vec<DiffLine> {
        let lines = self.keys.iter().map(|(name, new)| DiffLine {
            path: format!("data.{name}"),
            before: Some("its value, never shown".into()),
            after: Some(match new {
                _ if self.back => "the value from before".into(),
                NewValue::Random { length } => format!("a random value, {length} characters"),
                NewValue::Of { secret, key } => format!("that of {key} in Secret {secret}"),
            }),
        });
        lines.collect()
    }
}
