//! Named moments at which a build for tests ends at once, without cleaning up, as `kill -9` would end it: so every gap
//! between what is recorded and what is done can be hit. Release builds have nothing of it.
//!
//! | point | when |
//! | --- | --- |
//! | `before KIND`, `after KIND` | just before and after an event of that kind is durable: `after attempt_started` |
//! | `before send`, `after send` | around the request that changes the cluster; its outcome is not recorded yet |
//! | `look` | while a step waits for a condition |
//!
//! `POINT#3` is the third time that it is passed.

use crate::domain::event::Recorded;

#[cfg(debug_assertions)]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static ARMED: OnceLock<(String, AtomicU32)> = OnceLock::new();

    /// Makes this process end at a point. Only the first call counts.
    pub fn arm(text: &str) {
        let (point, times) = text.split_once('#').unwrap_or((text, "1"));
        let times = times.parse().unwrap_or(1);
        let _armed_before = ARMED.set((point.to_string(), AtomicU32::new(times)));
    }

    pub(super) fn pass(point: &str) {
        let Some((armed, left)) = ARMED.get() else { return };
        if armed == point && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }

    pub(super) fn is_armed() -> bool {
        ARMED.get().is_some()
    }
}

#[cfg(debug_assertions)]
pub use armed::arm;

/// A point is passed.
pub(super) fn point(point: &str) {
    #[cfg(debug_assertions)]
    armed::pass(point);
    #[cfg(not(debug_assertions))]
    let _unused = point;
}

/// Events are about to become durable (`before`), or have (`after`).
pub(super) fn recording(when: &str, events: &[Recorded]) {
    #[cfg(debug_assertions)]
    if armed::is_armed() {
        for recorded in events {
            armed::pass(&format!("{when} {}", recorded.event.kind()));
        }
    }
    #[cfg(not(debug_assertions))]
    let _unused = (when, events);
}
