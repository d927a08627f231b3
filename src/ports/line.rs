//! Lines to destinations: the only way that an adapter reaches what is outside, each with its breaker in it.
//!
//! Like a `Permit`, a [`Line`] is a value that an adapter can't do without: it is made with one, and every call begins
//! on it. So no destination can be called past its breaker, and none can be forgotten.
//!
//! Promises: a call that is dropped before it ended gives its place back; whoever is refused hears which breaker, since
//! when and why. Long streams (the output of a program) hold a line only until they have begun.

use super::clock::Clock;
use crate::domain::breaker::{
    Answer, Breaker, Destination, Forced, Limits, Moment, Move, Refused, Setting, State, Ticket,
    View,
};
use crate::domain::notify::ChannelName;
use crate::domain::time::rfc3339;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What makes the jitter of each channel another.
fn lane_of(destination: Destination) -> u64 {
    let bytes = destination.to_string();
    bytes.bytes().fold(7 << 40, |lane, byte| lane.rotate_left(8) ^ u64::from(byte))
}

struct Inner {
    clock: Arc<dyn Clock>,
    place: String,
    breaker: Mutex<Breaker>,
}

/// The way to one destination. Cheap to clone; clones share the breaker.
#[derive(Clone)]
pub struct Line(Arc<Inner>);

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Line").field(&self.breaker().destination()).finish()
    }
}

/// A call that is being made. Ended by [`Calling::end`]; dropped before, it was given up.
#[derive(Debug)]
pub struct Calling {
    line: Line,
    ticket: Ticket,
    began: Duration,
    ended: bool,
}

impl Line {
    /// A line with a closed breaker. `place` says where it leads, for people; `seed` makes the jitter.
    #[must_use]
    pub fn new(
        destination: Destination,
        limits: Limits,
        place: &str,
        seed: u64,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let breaker = Mutex::new(Breaker::new(destination, limits, seed, clock.now()));
        Self(Arc::new(Inner { clock, place: place.into(), breaker }))
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.0.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn moment(&self) -> Moment {
        Moment { mono: self.0.clock.monotonic(), wall: self.0.clock.now() }
    }

    /// Begins a call.
    ///
    /// # Errors
    /// The breaker does not let it through: nothing may be sent.
    pub fn begin(&self) -> Result<Calling, Refused> {
        let moment = self.moment();
        let ticket = self.breaker().begin(moment)?;
        Ok(Calling { line: self.clone(), ticket, began: moment.mono, ended: false })
    }

    /// How the breaker stands now.
    #[must_use]
    pub fn state(&self) -> State {
        let moment = self.moment();
        let mut breaker = self.breaker();
        breaker.tick(moment);
        breaker.state()
    }

    /// How many probes may be begun now.
    #[must_use]
    pub fn places(&self) -> u32 {
        self.breaker().places()
    }

    fn set(&self, setting: Setting, why: &str) {
        let moment = self.moment();
        self.breaker().set(setting, why, moment);
    }

    fn view(&self) -> View {
        let moment = self.moment();
        self.breaker().view(&self.0.place, moment)
    }
}

impl Calling {
    /// Says what came of it.
    pub fn end(mut self, answer: &Answer) {
        self.ended = true;
        let moment = self.line.moment();
        let took = moment.mono.saturating_sub(self.began);
        self.line.breaker().end(self.ticket, answer, took, moment);
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        if !self.ended {
            let moment = self.line.moment();
            let took = moment.mono.saturating_sub(self.began);
            self.line.breaker().give_up(self.ticket, took, moment);
        }
    }
}

/// All lines of a process.
pub struct Lines {
    cluster: Line,
    store: Line,
    prometheus: Line,
    alertmanager: Line,
    model: Line,
    vector_db: Line,
    channels: BTreeMap<ChannelName, Line>,
    clock: Arc<dyn Clock>,
    used: BTreeSet<Destination>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(&self.used).finish()
    }
}

impl Lines {
    /// Lines to all destinations. `used` says where each leads; what is not in it is not configured, and not shown.
    #[must_use]
    pub fn new(
        limits: impl Fn(Destination) -> Limits,
        used: &BTreeMap<Destination, String>,
        seed: u64,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let to = |destination, lane| {
            let place = used.get(&destination).map_or("", String::as_str);
            Line::new(destination, limits(destination), place, seed ^ lane, Arc::clone(clock))
        };
        Self {
            cluster: to(Destination::Cluster, 1 << 40),
            store: to(Destination::Store, 2 << 40),
            prometheus: to(Destination::Prometheus, 3 << 40),
            alertmanager: to(Destination::Alertmanager, 4 << 40),
            model: to(Destination::Model, 5 << 40),
            vector_db: to(Destination::VectorDb, 6 << 40),
            channels: used
                .keys()
                .filter_map(|one| Some((one.channel()?, to(*one, lane_of(*one)))))
                .collect(),
            clock: Arc::clone(clock),
            used: used.keys().copied().collect(),
        }
    }

    /// Lines as shipped to all destinations.
    #[must_use]
    pub fn shipped(clock: &Arc<dyn Clock>) -> Self {
        let used = Destination::ALL.iter().map(|one| (*one, String::new())).collect();
        Self::new(Limits::shipped, &used, 0, clock)
    }

    /// The line to one. To a channel that is not configured it is a new one, which nobody sees.
    #[must_use]
    pub fn to(&self, destination: Destination) -> Line {
        self.line(destination).cloned().unwrap_or_else(|| {
            let (limits, clock) = (Limits::shipped(destination), Arc::clone(&self.clock));
            Line::new(destination, limits, "", 0, clock)
        })
    }

    fn line(&self, destination: Destination) -> Option<&Line> {
        match destination {
            Destination::Cluster => Some(&self.cluster),
            Destination::Store => Some(&self.store),
            Destination::Prometheus => Some(&self.prometheus),
            Destination::Alertmanager => Some(&self.alertmanager),
            Destination::Model => Some(&self.model),
            Destination::VectorDb => Some(&self.vector_db),
            Destination::Channel(name) => self.channels.get(&name),
        }
    }

    /// Each destination that is configured, with its line.
    fn each(&self) -> impl Iterator<Item = (Destination, &Line)> {
        self.used().filter_map(|one| Some((one, self.line(one)?)))
    }

    /// Which destinations are configured.
    pub fn used(&self) -> impl Iterator<Item = Destination> + '_ {
        self.used.iter().copied()
    }

    /// How each stands.
    #[must_use]
    pub fn states(&self) -> BTreeMap<Destination, State> {
        self.each().map(|(one, line)| (one, line.state())).collect()
    }

    /// Destinations that can take a probe now. A channel takes none: there is no message without a reader, so the next
    /// that is due tries it.
    #[must_use]
    pub fn wanting_probes(&self) -> Vec<Destination> {
        self.each()
            .filter(|(one, line)| {
                one.channel().is_none() && line.state() == State::HalfOpen && line.places() > 0
            })
            .map(|(one, _)| one)
            .collect()
    }

    /// Changes of state since this was asked last.
    #[must_use]
    pub fn take_moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for (_, line) in self.each() {
            let _as_it_is_now = line.state();
            moves.extend(line.breaker().take_moves());
        }
        moves.sort_by_key(|one| one.at);
        moves
    }

    /// Sets each as a person wants it; those that are not named go by themselves.
    pub fn set(&self, forced: &BTreeMap<Destination, Forced>) {
        for (one, line) in self.each() {
            match forced.get(&one) {
                Some(forced) => {
                    let Forced { setting, by, reason, .. } = forced;
                    line.set(*setting, &format!("by {by}: {reason}"));
                }
                None => {
                    line.set(Setting::Automatic, "taken back by a person, or its time is over");
                }
            }
        }
    }

    /// The picture of each.
    #[must_use]
    pub fn views(&self) -> Vec<View> {
        self.each().map(|(_, line)| line.view()).collect()
    }

    /// Why no call passes to a destination now; `None`: they do.
    #[must_use]
    pub fn closed_to(&self, destination: Destination) -> Option<String> {
        let line = self.line(destination)?;
        if line.state().passes() {
            return None;
        }
        let view = line.view();
        let since = view.down_since.unwrap_or(view.since);
        Some(format!("breaker {destination} is {} since {}", view.state, rfc3339(since)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::breaker::Down;
    use crate::domain::time::Timestamp;

    struct Still(Mutex<Duration>);

    #[async_trait::async_trait]
    impl Clock for Still {
        fn now(&self) -> Timestamp {
            chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap()
                + chrono::TimeDelta::from_std(self.monotonic()).unwrap()
        }

        fn monotonic(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        async fn sleep(&self, _length: Duration) {}
    }

    fn lines() -> (Lines, Arc<Still>) {
        let clock = Arc::new(Still(Mutex::new(Duration::ZERO)));
        let shared: Arc<dyn Clock> = clock.clone();
        (Lines::shipped(&shared), clock)
    }

    fn kill(line: &Line) {
        for _ in 0..5 {
            let calling = line.begin().unwrap();
            calling.end(&Answer::Down(Down::NoAnswer, "10 s".into()));
        }
        assert_eq!(line.state(), State::Open);
    }

    #[test]
    fn a_call_that_is_dropped_gives_its_place_back() {
        let (lines, clock) = lines();
        let line = lines.to(Destination::Cluster);
        kill(&line);
        *clock.0.lock().unwrap() += Duration::from_secs(3);
        assert_eq!(line.state(), State::HalfOpen);
        let probes = [line.begin().unwrap(), line.begin().unwrap()];
        assert!(line.begin().is_err());
        drop(probes);
        assert_eq!(line.places(), 2);
        assert_eq!(lines.wanting_probes(), [Destination::Cluster]);
    }

    #[test]
    fn one_destination_does_not_stand_for_another() {
        let (lines, _) = lines();
        kill(&lines.to(Destination::Prometheus));
        assert!(lines.to(Destination::Cluster).begin().is_ok());
        assert!(lines.closed_to(Destination::Prometheus).is_some());
        let moves = lines.take_moves();
        assert_eq!(moves.len(), 1);
        assert_eq!((moves[0].destination, moves[0].to), (Destination::Prometheus, State::Open));
        assert!(lines.take_moves().is_empty(), "each is told once");
    }

    #[test]
    fn what_a_person_set_holds_until_it_is_taken_back() {
        let (lines, clock) = lines();
        let forced = Forced {
            setting: Setting::ForcedOpen,
            by: "jonas".into(),
            reason: "maintenance".into(),
            since: clock.now(),
            until: None,
        };
        lines.set(&BTreeMap::from([(Destination::Alertmanager, forced)]));
        let line = lines.to(Destination::Alertmanager);
        assert!(line.begin().unwrap_err().to_string().contains("by jonas: maintenance"));
        lines.set(&BTreeMap::new());
        assert!(line.begin().is_ok());
    }
}
