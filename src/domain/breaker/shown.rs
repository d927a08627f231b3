//! What screens and verbs show of a breaker.

use super::destination::Destination;
use super::limits::Limits;
use super::machine::{Breaker, Moment, Move, Phase};
use super::set::{Forced, State};
use crate::domain::time::Timestamp;
use serde::Serialize;

/// One breaker as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// In front of what.
    pub destination: Destination,
    /// Where that is, in words; empty: not known here.
    pub place: String,
    /// How it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
    /// Since when it has not been closed; `None`: it is.
    pub down_since: Option<Timestamp>,
    /// Why.
    pub cause: String,
    /// When the next probe is let through, while it is open.
    pub until: Option<Timestamp>,
    /// Seconds that it stayed open each time since it was closed last.
    pub waits_s: Vec<u64>,
    /// What a person set.
    pub forced: Option<Forced>,
    /// While half-open: probes that came back well, probes under way, probes wanted.
    pub probes: Option<(u32, u32, u32)>,
    /// What this process counted; `None`: nothing is known here (read from the log).
    pub counted: Option<Counted>,
    /// When it opens.
    pub limits: Limits,
    /// Its last moves, oldest first.
    pub moves: Vec<Move>,
}

/// Counts of the last hour.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Counted {
    /// Calls.
    pub calls: u32,
    /// Of them, those that found it down.
    pub down: u32,
    /// Of them, slow ones.
    pub slow: u32,
    /// Calls and failures in each two minutes, oldest first, 30 of them.
    pub parts: Vec<(u32, u32)>,
    /// Failures by kind, most first.
    pub kinds: Vec<(String, u32)>,
    /// Answers that said no, which don't count, most first.
    pub noes: Vec<(String, u32)>,
}

impl Breaker {
    /// The picture of it.
    #[must_use]
    pub fn view(&self, place: &str, now: Moment) -> View {
        let counts = self.hour.counts(now.mono);
        let (kinds, noes) = self.hour.kinds(now.mono);
        let probes = match &self.phase {
            Phase::HalfOpen { good, out } => {
                Some((*good, u32::try_from(out.len()).unwrap_or(u32::MAX), self.limits.probes))
            }
            Phase::Closed | Phase::Open { .. } => None,
        };
        View {
            destination: self.destination,
            place: place.into(),
            state: self.state(),
            since: self.since,
            down_since: self.down.as_ref().map(|(since, _)| *since),
            cause: self.cause.clone(),
            until: self.until(now),
            waits_s: self.waits.iter().map(std::time::Duration::as_secs).collect(),
            forced: None,
            probes,
            counted: Some(Counted {
                calls: counts.calls,
                down: counts.down,
                slow: counts.slow,
                parts: self.hour.parts(now.mono),
                kinds,
                noes,
            }),
            limits: self.limits,
            moves: self.shown.iter().cloned().collect(),
        }
    }
}

/// One breaker in the form that scripts read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Declaration {
    /// Its name.
    pub name: Destination,
    /// How it stands.
    pub state: State,
    /// Since when; `null`: the log says nothing of it, so it was never anything but closed.
    pub since: Option<Timestamp>,
    /// Why.
    pub cause: String,
    /// When the next probe is let through, while it is open.
    pub next_probe_at: Option<Timestamp>,
    /// What a person set.
    pub forced: Option<Forced>,
    /// What happens instead while it is not closed.
    pub instead: &'static str,
    /// What it means for work that runs.
    pub running: &'static str,
    /// What it means for work that waits or begins.
    pub waiting: &'static str,
    /// What counts as down.
    pub counts: &'static str,
    /// What is an answer, although it says no.
    pub answers: &'static str,
    /// When it opens.
    pub limits: Limits,
}

impl View {
    /// The form that scripts read.
    #[must_use]
    pub fn declaration(&self) -> Declaration {
        let declared = self.destination.declared();
        Declaration {
            name: self.destination,
            state: self.state,
            since: Some(self.since),
            cause: self.cause.clone(),
            next_probe_at: self.until,
            forced: self.forced.clone(),
            instead: declared.instead,
            running: declared.running,
            waiting: declared.waiting,
            counts: declared.down,
            answers: declared.answers,
            limits: self.limits,
        }
    }
}
