//! Alerts from a source that is asked, and silences there (Alertmanager's API).

use crate::domain::alert::Alert;
use crate::domain::id::AttemptId;
use crate::domain::operation::Silence;
use crate::domain::time::Timestamp;
use crate::domain::workflow::execution::AttemptOutcome;

/// A source of alerts.
#[async_trait::async_trait]
pub trait AlertSource: Send + Sync {
    /// All alerts that fire now and are not silenced or inhibited, or why they can't be had.
    async fn firing(&self) -> Result<Vec<Alert>, String>;
    /// Makes a silence that carries the attempt's id, or ends those that its attempts made.
    async fn silence(
        &self,
        silence: &Silence,
        attempt: &AttemptId,
        now: Timestamp,
    ) -> AttemptOutcome;
    /// Ids of the silences in force that an attempt made.
    async fn silences_of(&self, attempt: &AttemptId) -> Result<Vec<String>, String>;
    /// Whether it answers, in words.
    async fn probe(&self) -> Result<String, String>;
}
