//! Virtual time: the [`Clock`] of the simulation.
//!
//! Time moves only when the world is run; `sleep` resolves when it has passed. Nothing here knows an executor: wakers
//! wait in a queue sorted by (deadline, sequence), so any executor can poll, and always in the same order.

use crate::domain::time::Timestamp;
use crate::ports::clock::Clock;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[derive(Debug)]
struct State {
    now: Timestamp,
    sequence: u64,
    sleepers: BTreeMap<(Timestamp, u64), Option<Waker>>,
}

/// Virtual time, shared by the world and its clock.
#[derive(Debug, Clone)]
pub(super) struct Timers {
    began: Timestamp,
    state: Arc<Mutex<State>>,
}

impl Timers {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            began: now,
            state: Arc::new(Mutex::new(State { now, sequence: 0, sleepers: BTreeMap::new() })),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves time on (never back) and wakes who has slept long enough.
    pub(super) fn advance(&self, to: Timestamp) {
        let mut state = self.state();
        state.now = state.now.max(to);
        let now = state.now;
        let woken = state
            .sleepers
            .range_mut(..=(now, u64::MAX))
            .filter_map(|(_, waker)| waker.take())
            .collect::<Vec<_>>();
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    /// When the first sleeper that has not been woken wants to be.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        let state = self.state();
        state.sleepers.iter().find(|(_, waker)| waker.is_some()).map(|((at, _), _)| *at)
    }

    fn now(&self) -> Timestamp {
        self.state().now
    }

    /// Time since the world began.
    pub(super) fn monotonic(&self) -> Duration {
        self.now().signed_duration_since(self.began).to_std().unwrap_or_default()
    }
}

/// The clock of the simulated world.
#[derive(Debug, Clone)]
pub struct SimClock {
    timers: Timers,
}

impl SimClock {
    pub(super) fn new(timers: Timers) -> Self {
        Self { timers }
    }
}

#[async_trait::async_trait]
impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        self.timers.now()
    }

    fn monotonic(&self) -> Duration {
        self.timers.monotonic()
    }

    async fn sleep(&self, length: Duration) {
        let until = chrono::TimeDelta::from_std(length)
            .ok()
            .and_then(|length| self.timers.now().checked_add_signed(length))
            .unwrap_or(Timestamp::MAX_UTC);
        Sleep { timers: self.timers.clone(), until, place: None }.await;
    }
}

struct Sleep {
    timers: Timers,
    until: Timestamp,
    place: Option<(Timestamp, u64)>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let timers = self.timers.clone();
        let mut state = timers.state();
        if state.now >= self.until {
            if let Some(place) = self.place.take() {
                state.sleepers.remove(&place);
            }
            return Poll::Ready(());
        }
        let until = self.until;
        let place = *self.place.get_or_insert_with(|| {
            state.sequence += 1;
            (until, state.sequence)
        });
        state.sleepers.insert(place, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.timers.state().sleepers.remove(&place);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_resolves_when_virtual_time_has_passed_and_not_before() {
        let start = Timestamp::UNIX_EPOCH;
        let timers = Timers::new(start);
        let clock = SimClock::new(timers.clone());
        let mut sleep = Box::pin(clock.sleep(Duration::from_secs(10)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(sleep.as_mut().poll(&mut context).is_pending());
        assert_eq!(timers.next_at(), Some(start + chrono::TimeDelta::seconds(10)));
        timers.advance(start + chrono::TimeDelta::seconds(9));
        assert!(sleep.as_mut().poll(&mut context).is_pending());
        timers.advance(start + chrono::TimeDelta::seconds(10));
        assert!(sleep.as_mut().poll(&mut context).is_ready());
        assert_eq!(clock.monotonic(), Duration::from_secs(10));
    }

    #[test]
    fn a_sleep_that_is_dropped_leaves_nothing_behind() {
        let timers = Timers::new(Timestamp::UNIX_EPOCH);
        let clock = SimClock::new(timers.clone());
        let mut sleep = Box::pin(clock.sleep(Duration::from_secs(10)));
        assert!(sleep.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(sleep);
        assert_eq!(timers.next_at(), None);
    }
}
