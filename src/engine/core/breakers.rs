//! Breakers as the log has them: how they stand, what people set, and what waits because of them.

use super::fold::{Accepted, Core};
use crate::domain::breaker::{Destination, Forced, Limits, Move, Setting, Standing, State, View};
use crate::domain::event::{Event, Recorded};
use crate::domain::id::RemediationId;
use crate::domain::principal::Principal;
use crate::domain::remediation::{Remediation, State as CaseState};
use crate::domain::time::{Timestamp, plus, rfc3339, seconds_between};
use crate::domain::timeline::sentence;
use crate::domain::verdict::Sample;
use crate::domain::workflow::plan::Plan;
use crate::engine::command::Refusal;
use crate::engine::job::JobKind;

/// How long a verification waits for a destination whose breaker is not closed, in seconds after its settle time.
const MEASURE_WAIT_S: u64 = 900;
/// How long a destination counts as back only now, in seconds: longer than one sample takes.
const JUST_BACK_S: i64 = 45;

impl Core {
    /// What people set of breakers, and still holds.
    #[must_use]
    pub fn forced(&self) -> &std::collections::BTreeMap<Destination, Forced> {
        &self.forced
    }

    /// How a breaker stands, as the log has it.
    #[must_use]
    pub fn breaker_state(&self, destination: Destination) -> State {
        self.breakers.get(&destination).map_or(State::Closed, |standing| standing.state)
    }

    /// Whether ordinary calls pass to a destination.
    pub(super) fn calls_pass(&self, destination: Destination) -> bool {
        self.breaker_state(destination).passes()
    }

    /// Why no call passes to a destination; `None`: they do. The words stay the same while that lasts.
    #[must_use]
    pub fn closed_to(&self, destination: Destination) -> Option<String> {
        let standing = self.breakers.get(&destination).filter(|one| !one.state.passes())?;
        let since = standing.down_since.unwrap_or(standing.since);
        let word = match standing.state {
            State::Forced => "forced open",
            State::Open | State::HalfOpen | State::Closed | State::Disabled => "open",
        };
        Some(format!("breaker {destination} is {word} since {}", rfc3339(since)))
    }

    /// A person sets a breaker.
    pub(super) fn set_breaker(
        &mut self,
        out: &mut Accepted,
        by: &Principal,
        (destination, setting, until): (Destination, Setting, Option<Timestamp>),
        reason: &str,
        now: Timestamp,
    ) -> Result<(String, Vec<RemediationId>), (Refusal, String)> {
        let reason = reason.trim();
        if reason.is_empty() {
            return Err((Refusal::Invalid, "it needs a reason".into()));
        }
        let never = destination.declared().never_forced;
        if setting == Setting::ForcedOpen && !never.is_empty() {
            let why = format!("breaker {destination} can't be forced open: {never}");
            return Err((Refusal::WrongState, why));
        }
        if setting == Setting::Automatic && !self.forced.contains_key(&destination) {
            let why = format!("nobody set breaker {destination}: it goes by itself");
            return Err((Refusal::WrongState, why));
        }
        if until.is_some_and(|until| until <= now) {
            return Err((Refusal::Invalid, "that time is over already".into()));
        }
        let until = until.filter(|_| setting != Setting::Automatic);
        let (line, reason) = (by.describe(), reason.to_string());
        let event = Event::BreakerSet { destination, setting, by: line, reason, until };
        self.emit(out, now, by, None, event);
        self.tell_cases(out, destination, now);
        let word = match setting {
            Setting::Automatic => "back to normal",
            Setting::ForcedOpen => "forced open",
            Setting::Disabled => "disabled",
        };
        Ok((format!("breaker {destination} is {word}"), Vec::new()))
    }

    /// Ends what was set until a time that is over.
    pub(super) fn lapse_breakers(&mut self, out: &mut Accepted, now: Timestamp) {
        let over =
            self.forced.iter().filter(|(_, one)| one.until.is_some_and(|until| now >= until));
        for destination in over.map(|(destination, _)| *destination).collect::<Vec<_>>() {
            let by = Principal::engine();
            let event = Event::BreakerSet {
                destination,
                setting: Setting::Automatic,
                by: by.describe(),
                reason: "its time is over".into(),
                until: None,
            };
            self.emit(out, now, &by, None, event);
            self.tell_cases(out, destination, now);
        }
    }

    /// A breaker moved by itself. What the log says already is not said again.
    pub(super) fn take_move(&mut self, out: &mut Accepted, one: Move, now: Timestamp) {
        if self.breaker_state(one.destination) == one.to {
            return;
        }
        let destination = one.destination;
        self.emit(out, now, &Principal::engine(), None, Event::BreakerMoved(one));
        self.tell_cases(out, destination, now);
    }

    /// Cases that wait for a destination from now on say so; those that waited go on at once.
    fn tell_cases(&mut self, out: &mut Accepted, destination: Destination, now: Timestamp) {
        let Some(why) = self.closed_to(destination) else {
            self.not_before.retain(|key, _| key.kind == JobKind::Look);
            return;
        };
        if destination != Destination::Cluster {
            return;
        }
        let running = self
            .open
            .values()
            .filter(|case| matches!(case.state, CaseState::Running | CaseState::Undoing))
            .map(|case| case.id.clone())
            .collect::<Vec<_>>();
        for id in running {
            let told = self.open.get(&id).and_then(|case| case.stuck.as_ref());
            if told.is_none_or(|stuck| stuck.why != why) {
                let retry_at = self.breakers.get(&destination).and_then(|one| one.until);
                let event = Event::Stuck {
                    during: "running".into(),
                    why: why.clone(),
                    // Without a time a person would have to look: it goes on by itself.
                    retry_at: Some(retry_at.unwrap_or(now)),
                };
                self.engine_emit(out, now, &id, event);
            }
        }
    }

    /// Why a verification waits before it judges without what can't be asked now.
    pub(super) fn waits_to_measure(
        &self,
        case: &Remediation,
        plan: &Plan,
        sample: &Sample,
        now: Timestamp,
    ) -> Option<String> {
        let settled = case.settle_until.unwrap_or(case.state_since);
        if now >= plus(settled, MEASURE_WAIT_S) {
            return None;
        }
        let figures = plan.verification.measures.len() > sample.measures.len();
        let alerts = sample.alerts_firing < 0 && !case.alerts.is_empty();
        [(Destination::Prometheus, figures), (Destination::Alertmanager, alerts)]
            .into_iter()
            .filter(|(_, wanted)| *wanted)
            .find_map(|(destination, _)| {
                self.closed_to(destination).or_else(|| self.just_back(destination, now))
            })
    }

    /// What a sample lacks of a destination that is back only now may have been asked before it was.
    fn just_back(&self, destination: Destination, now: Timestamp) -> Option<String> {
        let standing = self.breakers.get(&destination).filter(|one| one.state == State::Closed)?;
        let age = seconds_between(standing.since, now);
        (age < JUST_BACK_S).then(|| {
            format!("{destination} is back since {}: asked again", rfc3339(standing.since))
        })
    }

    /// When a breaker is tried again, or what was set of one ends.
    pub(super) fn breaker_moments(&self) -> impl Iterator<Item = Option<Timestamp>> {
        let tried = self.breakers.values().map(|standing| standing.until);
        tried.chain(self.forced.values().map(|one| one.until))
    }

    /// Folds what happened to a breaker.
    pub(super) fn fold_breaker(&mut self, recorded: &Recorded) {
        self.note(recorded.at, None, &sentence(&recorded.event, None));
        if let Event::BreakerMoved(one) = &recorded.event {
            self.fold_move(one, recorded.at);
        } else if let Event::BreakerSet { destination, setting, by, reason, until } =
            &recorded.event
        {
            let forced = Forced {
                setting: *setting,
                by: by.clone(),
                reason: reason.clone(),
                since: recorded.at,
                until: *until,
            };
            self.fold_set(*destination, forced);
        }
    }

    fn fold_move(&mut self, one: &Move, at: Timestamp) {
        let known = self.breakers.get(&one.destination);
        let down_since = (!one.to.passes())
            .then(|| known.and_then(|standing| standing.down_since).unwrap_or(one.at));
        let standing = Standing {
            state: one.to,
            since: at,
            cause: one.cause.clone(),
            until: one.until,
            down_since,
        };
        self.breakers.insert(one.destination, standing);
    }

    fn fold_set(&mut self, destination: Destination, forced: Forced) {
        let state = match forced.setting {
            Setting::Automatic => State::Closed,
            Setting::ForcedOpen => State::Forced,
            Setting::Disabled => State::Disabled,
        };
        let standing = Standing {
            state,
            since: forced.since,
            cause: format!("by {}: {}", forced.by, forced.reason),
            until: None,
            down_since: (!state.passes()).then_some(forced.since),
        };
        self.breakers.insert(destination, standing);
        match forced.setting {
            Setting::Automatic => self.forced.remove(&destination),
            Setting::ForcedOpen | Setting::Disabled => self.forced.insert(destination, forced),
        };
    }

    /// A process that starts knows nothing of earlier failures; what people set stays.
    pub(super) fn breakers_anew(&mut self, at: Timestamp) {
        self.began_at = Some(at);
        let forced = &self.forced;
        self.breakers.retain(|destination, _| forced.contains_key(destination));
    }

    /// Breakers as they are shown: as this process has them, else as the log has them; those that are not closed first.
    pub(super) fn breaker_views(&self, live: Vec<View>, now: Timestamp) -> Vec<View> {
        let mut views = live;
        if views.is_empty() {
            views = Destination::ALL.iter().map(|one| self.view_of_log(*one, now)).collect();
        }
        for view in &mut views {
            view.forced = self.forced.get(&view.destination).cloned();
        }
        views.sort_by_key(|view| (view.state.passes(), view.destination));
        views
    }

    fn view_of_log(&self, destination: Destination, now: Timestamp) -> View {
        let standing = self.breakers.get(&destination);
        let began = self.began_at.unwrap_or(now);
        View {
            destination,
            place: String::new(),
            state: self.breaker_state(destination),
            since: standing.map_or(began, |one| one.since),
            down_since: standing.and_then(|one| one.down_since),
            cause: standing.map_or_else(|| "nothing happened".into(), |one| one.cause.clone()),
            until: standing.and_then(|one| one.until),
            waits_s: Vec::new(),
            forced: None,
            probes: None,
            counted: None,
            limits: Limits::shipped(destination),
            moves: Vec::new(),
        }
    }
}
