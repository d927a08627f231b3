//! Metrics: PromQL.

use crate::domain::evidence::Answer;

/// A Prometheus-compatible query API.
#[async_trait::async_trait]
pub trait Metrics: Send + Sync {
    /// Answers `Read::Query` and `Read::Range`; [`Answer::Unavailable`] when it can't. Never other answers than
    /// `Series` and `Unavailable`. NaN and infinite points are left out.
    async fn query(&self, read: &crate::domain::evidence::Read) -> Answer;
    /// Whether it answers, in words: `Ok(version or note)`.
    async fn probe(&self) -> Result<String, String>;
}
