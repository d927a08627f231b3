//! Silences: alerts that nobody is told of for a while.

use super::id::AttemptId;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A silence at Alertmanager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// Labels that an alert must carry, all of them.
    pub matchers: BTreeMap<String, String>,
    /// How long.
    pub minutes: u32,
    /// Why, for people who see it.
    pub reason: String,
    /// Whether one that was made is ended instead.
    #[serde(default)]
    pub ends: bool,
    /// The attempts that may have made it, filled in when it is ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made_by: Vec<AttemptId>,
}

impl Silence {
    /// `alertname="X", namespace="y"`.
    #[must_use]
    pub fn words(&self) -> String {
        let pairs = self.matchers.iter().map(|(name, value)| format!("{name}={value:?}"));
        pairs.collect::<Vec<_>>().join(", ")
    }
}
