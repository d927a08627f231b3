//! Alerts, as Alertmanager reports them.

use super::id::Fingerprint;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether the alert holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// It holds.
    Firing,
    /// It held, and does no more.
    Resolved,
}

/// One firing or resolved alert. All text is already cleaned of control and direction characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Identity.
    pub fingerprint: Fingerprint,
    /// Firing or resolved.
    pub status: AlertStatus,
    /// Labels, `alertname` among them.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// When it began to fire.
    pub starts_at: Timestamp,
    /// When it ended; `None` while firing.
    pub ends_at: Option<Timestamp>,
}

impl Alert {
    /// The `alertname` label, or `(no name)`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.labels.get("alertname").map_or("(no name)", String::as_str)
    }

    /// The first of these labels that is there and not empty.
    #[must_use]
    pub fn label(&self, names: &[&str]) -> Option<&str> {
        names
            .iter()
            .filter_map(|name| self.labels.get(*name))
            .map(String::as_str)
            .find(|text| !text.is_empty())
    }

    /// The object that the alert's labels name, as `namespace/kind/name`; empty when they name none.
    #[must_use]
    pub fn object(&self) -> String {
        super::diagnose::named_object(self).map_or_else(String::new, |key| key.path())
    }
}
