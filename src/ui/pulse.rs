//! The console's own clock: monotonic milliseconds since it started. For dead times, chords and bursts only; what is
//! shown as time comes from the engine.

use super::msg::Millis;
use std::time::Instant;

/// The clock. Cheap to copy.
#[derive(Debug, Clone, Copy)]
pub struct Pulse(Instant);

impl Pulse {
    /// Starts at 1, so that 0 can mean *never*.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "the edge where the console's clock begins")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Milliseconds since the start.
    #[must_use]
    pub fn now(self) -> Millis {
        Millis::try_from(self.0.elapsed().as_millis()).unwrap_or(Millis::MAX).saturating_add(1)
    }
}
