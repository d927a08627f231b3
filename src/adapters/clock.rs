//! The machine's clocks.

use crate::domain::time::Timestamp;
use crate::ports::clock::Clock;
use std::time::{Duration, Instant};

/// Wall time of the machine, and monotonic time since this was made.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this adapter is where the clock comes from")]
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

#[async_trait::async_trait]
impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this adapter is where the clock comes from")]
    fn now(&self) -> Timestamp {
        chrono::Utc::now()
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn monotonic_time_never_goes_backwards() {
        let clock = SystemClock::start();
        let readings = (0..1_000).map(|_| clock.monotonic()).collect::<Vec<_>>();
        assert!(readings.is_sorted());
    }

    #[test]
    fn wall_time_is_after_this_was_written() {
        assert!(SystemClock::start().now().timestamp() > 1_700_000_000);
    }
}
