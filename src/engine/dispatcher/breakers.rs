//! Breakers: their moves into the log, their probes.
//!
//! Promises: every move is recorded in order, also those of the store's own breaker once the store is back; what a breaker
//! did while this engine wrote no log is told when it does.

use super::jobs::Done;
use super::run::Dispatcher;
use crate::domain::breaker::{Destination, Move, State};
use crate::engine::job::Input;
use crate::engine::probing;
use std::collections::BTreeMap;

/// Moves that wait for the store at most; the oldest go.
const MOST_MOVES: usize = 256;

impl Dispatcher {
    /// Hands what breakers did to the core, once it can be recorded.
    pub(super) fn hear_breakers(&mut self) {
        let fresh = self.outside.lines.take_moves();
        self.changed |= !fresh.is_empty();
        for one in &fresh {
            let Move { destination, from, to, cause, .. } = one;
            tracing::warn!(%destination, %from, %to, cause, "a breaker moved");
        }
        self.moves.extend(fresh);
        while self.moves.len() > MOST_MOVES {
            self.moves.pop_front();
        }
        let states = self.outside.lines.states();
        let writable = states.get(&Destination::Store).is_none_or(|state| state.passes());
        if !self.is_appending() || !writable {
            return;
        }
        self.reconcile(&states);
        self.moves_handed = self.moves.len();
        for one in self.moves.clone() {
            self.push(Input::BreakerMoved(one));
        }
    }

    /// Where the log says otherwise than what is so, a move is made up that says so.
    fn reconcile(&mut self, states: &BTreeMap<Destination, State>) {
        let views = self.outside.lines.views();
        for view in views {
            let destination = view.destination;
            let told = self.moves.iter().rev().find(|one| one.destination == destination);
            let from = told.map_or_else(|| self.core.breaker_state(destination), |one| one.to);
            let Some(to) = states.get(&destination).copied().filter(|to| *to != from) else {
                continue;
            };
            let (cause, until) = (view.cause, view.until);
            let at = view.since;
            self.moves.push_back(Move { destination, from, to, cause, at, until });
        }
    }

    /// What was handed in is in the log.
    pub(super) fn breakers_recorded(&mut self) {
        self.moves.drain(..std::mem::take(&mut self.moves_handed));
    }

    /// It is not: it is handed in again.
    pub(super) fn breakers_unrecorded(&mut self) {
        self.moves_handed = 0;
    }

    /// Probes what is half-open, one at a time each.
    pub(super) fn start_probes(&mut self) {
        for destination in self.outside.lines.wanting_probes() {
            if self.probing.insert(destination) {
                let outside = self.outside.clone();
                self.jobs.spawn(async move {
                    Done::Tried(destination, probing::probe(&outside, destination).await)
                });
            }
        }
    }

    pub(super) fn tried(&mut self, destination: Destination, result: Result<String, String>) {
        self.probing.remove(&destination);
        match destination {
            // Those two say how they are with every round.
            Destination::Cluster | Destination::Store | Destination::Channel(_) => {}
            // The next look at the log says it.
            Destination::VectorDb => self.next_remembering = std::time::Duration::ZERO,
            Destination::Prometheus => self.source("prometheus", result),
            Destination::Alertmanager => self.source("alertmanager", result),
            Destination::Model => self.source("model", result),
        }
    }
}
