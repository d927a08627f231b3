//! Time.

use crate::domain::time::Timestamp;
use std::time::Duration;

/// Wall and monotonic time, and waiting.
#[async_trait::async_trait]
pub trait Clock: Send + Sync {
    /// Wall time, UTC.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment; never goes backwards and ignores changes of the wall clock.
    fn monotonic(&self) -> Duration;
    /// Waits.
    async fn sleep(&self, length: Duration);
}
