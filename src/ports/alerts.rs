//! Alerts from a source that is asked (Alertmanager's API).

use crate::domain::alert::Alert;

/// A source of alerts.
#[async_trait::async_trait]
pub trait AlertSource: Send + Sync {
    /// All alerts that fire now and are not silenced or inhibited, or why they can't be had.
    async fn firing(&self) -> Result<Vec<Alert>, String>;
    /// Whether it answers, in words.
    async fn probe(&self) -> Result<String, String>;
}
