//! The state machine of one breaker.

use super::destination::Destination;
use super::limits::Limits;
use super::set::{Setting, State};
use super::tally::{Answer, Hour, Window};
use crate::domain::time::{Timestamp, rfc3339};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Moves that are kept until somebody takes them. More are many hours without a reader: the oldest go.
const MOST_MOVES: usize = 64;
/// Moves that are shown.
const SHOWN_MOVES: usize = 12;

/// One moment on both clocks: `mono` decides, `wall` is what people read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Time since some fixed moment; never goes backwards.
    pub mono: Duration,
    /// Wall time.
    pub wall: Timestamp,
}

/// The right to make one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    number: u64,
    epoch: u64,
}

/// Why a call may not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("breaker {destination} is {state} since {} ({cause})", rfc3339(*.since))]
pub struct Refused {
    /// In front of what.
    pub destination: Destination,
    /// How it stands: open, half-open with all probes out, or forced.
    pub state: State,
    /// Since when it has not been closed. Stays the same over probes, so that the words do.
    pub since: Timestamp,
    /// Why it opened first.
    pub cause: String,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Of which breaker.
    pub destination: Destination,
    /// From.
    pub from: State,
    /// To.
    pub to: State,
    /// Why.
    pub cause: String,
    /// When.
    pub at: Timestamp,
    /// When it is tried again, if it opened.
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(super) enum Phase {
    Closed,
    Open {
        until: Duration,
    },
    HalfOpen {
        /// Probes that came back well.
        good: u32,
        /// Probes under way, with when they began.
        out: BTreeMap<u64, Duration>,
    },
}

/// A breaker.
#[derive(Debug, Clone)]
pub struct Breaker {
    pub(super) destination: Destination,
    pub(super) limits: Limits,
    pub(super) setting: Setting,
    pub(super) phase: Phase,
    /// Since when the state holds that is shown, and why.
    pub(super) since: Timestamp,
    pub(super) cause: String,
    /// Since when, and why, it has not been closed.
    pub(super) down: Option<(Timestamp, String)>,
    /// How often it opened without closing in between, and how long each time.
    pub(super) waits: Vec<Duration>,
    pub(super) hour: Hour,
    pub(super) shown: VecDeque<Move>,
    window: Window,
    seed: u64,
    openings: u64,
    epoch: u64,
    tickets: u64,
    moves: VecDeque<Move>,
}

impl Breaker {
    /// A closed breaker. `seed` makes the jitter.
    #[must_use]
    pub fn new(destination: Destination, limits: Limits, seed: u64, now: Timestamp) -> Self {
        Self {
            destination,
            limits,
            setting: Setting::Automatic,
            phase: Phase::Closed,
            since: now,
            cause: "nothing failed yet".into(),
            down: None,
            waits: Vec::new(),
            hour: Hour::default(),
            shown: VecDeque::new(),
            window: Window::new(Duration::from_secs(limits.window_s)),
            seed,
            openings: 0,
            epoch: 0,
            tickets: 0,
            moves: VecDeque::new(),
        }
    }

    /// Which destination is behind it.
    #[must_use]
    pub fn destination(&self) -> Destination {
        self.destination
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> State {
        match (self.setting, &self.phase) {
            (Setting::ForcedOpen, _) => State::Forced,
            (Setting::Disabled, _) => State::Disabled,
            (Setting::Automatic, Phase::Closed) => State::Closed,
            (Setting::Automatic, Phase::Open { .. }) => State::Open,
            (Setting::Automatic, Phase::HalfOpen { .. }) => State::HalfOpen,
        }
    }

    /// Asks for the right to make a call now.
    ///
    /// # Errors
    /// How the breaker stands.
    pub fn begin(&mut self, now: Moment) -> Result<Ticket, Refused> {
        self.tick(now);
        match self.setting {
            Setting::Disabled => return Ok(self.ticket()),
            Setting::ForcedOpen => return Err(self.refusal()),
            Setting::Automatic => {}
        }
        match &self.phase {
            Phase::Closed => Ok(self.ticket()),
            Phase::Open { .. } => Err(self.refusal()),
            Phase::HalfOpen { .. } if self.places() == 0 => Err(self.refusal()),
            Phase::HalfOpen { .. } => {
                let ticket = self.ticket();
                if let Phase::HalfOpen { out, .. } = &mut self.phase {
                    out.insert(ticket.number, now.mono);
                }
                Ok(ticket)
            }
        }
    }

    /// How many probes may be begun now.
    #[must_use]
    pub fn places(&self) -> u32 {
        match (&self.phase, self.setting) {
            (Phase::HalfOpen { good, out }, Setting::Automatic) => {
                let under_way = u32::try_from(out.len()).unwrap_or(u32::MAX);
                self.limits.probes.max(1).saturating_sub(good.saturating_add(under_way))
            }
            (Phase::Closed | Phase::Open { .. } | Phase::HalfOpen { .. }, _) => 0,
        }
    }

    /// Says what came of a call that took `took`. What began before the last change of state changes nothing any more.
    pub fn end(&mut self, ticket: Ticket, answer: &Answer, took: Duration, now: Moment) {
        self.tick(now);
        let slow = took >= Duration::from_secs(self.limits.slow_after_s)
            && !matches!(answer, Answer::Untold);
        self.hour.add(now.mono, answer, slow);
        if ticket.epoch != self.epoch || self.setting != Setting::Automatic {
            return;
        }
        match &mut self.phase {
            Phase::Closed => self.count(answer, slow, now),
            Phase::Open { .. } => {}
            Phase::HalfOpen { good, out } => {
                // A probe whose place was given away says nothing any more.
                if out.remove(&ticket.number).is_none() {
                    return;
                }
                match answer {
                    Answer::Untold => {}
                    Answer::Down(kind, why) => {
                        let cause = format!("a probe failed: {kind}: {why}");
                        self.open(&cause, now);
                    }
                    Answer::Good | Answer::No(_) if slow => {
                        let cause = format!("a probe took {} s", took.as_secs());
                        self.open(&cause, now);
                    }
                    Answer::Good | Answer::No(_) => {
                        *good += 1;
                        let well = *good;
                        if well >= self.limits.probes.max(1) {
                            self.close(&format!("{well} probes came back well"), now);
                        }
                    }
                }
            }
        }
    }

    /// A call was given up by who made it. One that had waited long says that the destination is slow; else nothing.
    pub fn give_up(&mut self, ticket: Ticket, took: Duration, now: Moment) {
        let long = took >= Duration::from_secs(self.limits.slow_after_s);
        let answer = if long { Answer::Good } else { Answer::Untold };
        self.end(ticket, &answer, took, now);
    }

    /// Lets time pass: an open breaker becomes half-open, probes that never answer lose their places.
    pub fn tick(&mut self, now: Moment) {
        let lease = Duration::from_secs(self.limits.probe_lease_s);
        match &mut self.phase {
            Phase::Closed => {}
            Phase::Open { until } if self.setting == Setting::Automatic && now.mono >= *until => {
                let phase = Phase::HalfOpen { good: 0, out: BTreeMap::new() };
                self.go(phase, "its time is over: probes are let through".into(), now);
            }
            Phase::Open { .. } => {}
            Phase::HalfOpen { out, .. } => out.retain(|_, began| now.mono < *began + lease),
        }
    }

    /// What a person wants of it from now on. Back to automatic, it starts closed, with nothing counted.
    pub fn set(&mut self, setting: Setting, why: &str, now: Moment) {
        if setting == self.setting {
            return;
        }
        let from = self.state();
        self.setting = setting;
        self.phase = Phase::Closed;
        self.window.clear();
        self.waits.clear();
        self.down = (setting == Setting::ForcedOpen).then(|| (now.wall, why.to_string()));
        self.moved(from, why.into(), now);
    }

    /// Changes of state since this was asked last, oldest first.
    pub fn take_moves(&mut self) -> Vec<Move> {
        self.moves.drain(..).collect()
    }

    /// When it becomes half-open.
    #[must_use]
    pub fn until(&self, now: Moment) -> Option<Timestamp> {
        match (&self.phase, self.setting) {
            (Phase::Open { until }, Setting::Automatic) => {
                let left = until.saturating_sub(now.mono);
                chrono::TimeDelta::from_std(left).ok().map(|left| now.wall + left)
            }
            (Phase::Open { .. } | Phase::Closed | Phase::HalfOpen { .. }, _) => None,
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket { number: self.tickets, epoch: self.epoch }
    }

    fn refusal(&self) -> Refused {
        let (since, cause) = self.down.clone().unwrap_or_else(|| (self.since, self.cause.clone()));
        // Half-open is still open for whoever finds no place.
        let state = match self.state() {
            State::HalfOpen => State::Open,
            state @ (State::Closed | State::Open | State::Forced | State::Disabled) => state,
        };
        Refused { destination: self.destination, state, since, cause }
    }

    fn count(&mut self, answer: &Answer, slow: bool, now: Moment) {
        let down = match answer {
            Answer::Untold => return,
            Answer::Good | Answer::No(_) => false,
            Answer::Down(..) => true,
        };
        self.window.add(now.mono, down, slow);
        let counts = self.window.counts(now.mono);
        if counts.calls < self.limits.min_calls.max(1) {
            return;
        }
        if counts.reaches(counts.down, self.limits.failure_percent) {
            let last = match answer {
                Answer::Down(kind, why) => format!(", last {kind}: {why}"),
                Answer::Good | Answer::No(_) | Answer::Untold => String::new(),
            };
            let cause = format!("{} of {} calls found it down{last}", counts.down, counts.calls);
            self.open(&cause, now);
        } else if counts.reaches(counts.slow, self.limits.slow_percent) {
            let cause = format!(
                "{} of {} calls took {} s or longer",
                counts.slow, counts.calls, self.limits.slow_after_s
            );
            self.open(&cause, now);
        }
    }

    fn open(&mut self, cause: &str, now: Moment) {
        let length = self.next_wait();
        self.waits.push(length);
        self.openings += 1;
        self.down.get_or_insert_with(|| (now.wall, cause.to_string()));
        self.go(Phase::Open { until: now.mono + length }, cause.into(), now);
    }

    fn close(&mut self, cause: &str, now: Moment) {
        self.waits.clear();
        self.down = None;
        self.go(Phase::Closed, cause.into(), now);
    }

    fn go(&mut self, phase: Phase, cause: String, now: Moment) {
        let from = self.state();
        self.phase = phase;
        self.window.clear();
        self.moved(from, cause, now);
    }

    fn moved(&mut self, from: State, cause: String, now: Moment) {
        self.epoch += 1;
        self.since = now.wall;
        self.cause.clone_from(&cause);
        let (destination, to, until) = (self.destination, self.state(), self.until(now));
        let one = Move { destination, from, to, cause, at: now.wall, until };
        self.shown.push_back(one.clone());
        self.moves.push_back(one);
        while self.shown.len() > SHOWN_MOVES {
            self.shown.pop_front();
        }
        while self.moves.len() > MOST_MOVES {
            self.moves.pop_front();
        }
    }

    /// How long it stays open now: doubled each time, up to the longest, a fifth more or less.
    fn next_wait(&self) -> Duration {
        let doubled = u32::try_from(self.waits.len()).unwrap_or(u32::MAX).min(20);
        let seconds = self.limits.open_s.saturating_mul(1 << doubled).min(self.limits.open_most_s);
        let whole = seconds.max(1).saturating_mul(1_000);
        let share = spread(self.seed ^ self.openings) % 401;
        Duration::from_millis(whole / 1_000 * (800 + share))
    }
}

/// `SplitMix64`, one step: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
fn spread(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
