//! Telling people: notices of what became true, what is due to go out, and what came of it.
//!
//! Promises: a notice is in the same batch as the fact that it tells, so none is told of what is not durable and none is
//! lost; what a process that died had sent, but not recorded, goes out again under the same id.

use super::fold::{Accepted, Core};
use crate::domain::breaker::{Destination, State};
use crate::domain::event::{Event, Recorded};
use crate::domain::id::RemediationId;
use crate::domain::notify::{
    Addressed, ChannelName, Item, Notice, Outbox, Subject, Telling, expiring, of_event,
};
use crate::domain::principal::Principal;
use crate::domain::remediation::State as CaseState;
use crate::domain::time::{Timestamp, plus, seconds_between};
use crate::domain::timeline::sentence;
use crate::engine::command::Refusal;
use crate::engine::job::Heard;
use crate::engine::snapshot::{Role, Row};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Notices in one message.
const AT_ONCE: usize = 20;
/// The first pause between two tries, in seconds; twice as long each time, at most the second.
const PAUSE_S: u64 = 5;
const LONGEST_PAUSE_S: u64 = 900;
/// Longest pause that the other side may ask for.
const LONGEST_ASKED_S: u64 = 3_600;
/// Pause after a breaker did not let a message through, in seconds.
const HELD_S: u64 = 1;

/// Notices that are due on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub channel: ChannelName,
    /// What, oldest first.
    pub items: Vec<Item>,
    /// Whether an earlier try may have arrived.
    pub again: bool,
}

impl Core {
    /// What waits to be told, and what could not be.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Notes what is to be told of everything that has just become true, and of requests that are about to lapse.
    pub(super) fn notice(&mut self, out: &mut Accepted, now: Timestamp) {
        let mut next = 0;
        while let Some(recorded) = out.events.get(next) {
            next += 1;
            if let Some(notice) = self.notice_of(recorded) {
                self.address(out, notice, None, now);
            }
        }
        self.remind(out, now);
        self.give_up_unknown(out, now);
    }

    /// A line of the log for it.
    pub(super) fn note_telling(&mut self, recorded: &Recorded) {
        self.note(recorded.at, recorded.subject.as_ref(), &sentence(&recorded.event, None));
    }

    fn notice_of(&self, recorded: &Recorded) -> Option<Notice> {
        if self.settings.routes.routes.is_empty() {
            return None;
        }
        let case = recorded.subject.as_ref().and_then(|id| self.open.get(id)).map(Arc::as_ref);
        let subject = match (&recorded.subject, case) {
            (Some(_), Some(case)) => Some(Subject::of(case)),
            (Some(id), None) => self.closed.iter().rev().find(|row| row.id == *id).map(of_row),
            (None, _) => None,
        };
        of_event(&recorded.event, subject.as_ref(), case)
    }

    fn address(
        &mut self,
        out: &mut Accepted,
        notice: Notice,
        reminds_of: Option<Timestamp>,
        now: Timestamp,
    ) {
        let routes = Arc::clone(&self.settings.routes);
        let to = routes
            .to(&notice)
            .into_iter()
            .filter_map(|channel| {
                let waiting = self.outbox.waiting_for(channel).map(|(_, one)| one.not_before);
                let not_before = routes.channels.get(&channel)?.not_before(&notice, waiting, now);
                Some(Addressed { channel, not_before })
            })
            .collect::<Vec<_>>();
        if to.is_empty() {
            return;
        }
        let subject = notice.remediation.clone();
        let event = Event::Noticed { notice: Box::new(notice), reminds_of, to };
        self.emit(out, now, &Principal::engine(), subject.as_ref(), event);
    }

    /// In the last quarter of its time a request that nobody has decided is told once more.
    fn remind(&mut self, out: &mut Accepted, now: Timestamp) {
        if self.settings.routes.routes.is_empty() {
            return;
        }
        let due = self.open.values().filter(|case| case.state == CaseState::AwaitingApproval);
        let due = due.filter_map(|case| {
            let request = case.request.as_ref()?;
            let life = seconds_between(request.asked_at, request.expires_at).max(0);
            let left = seconds_between(now, request.expires_at);
            let decided = case.decision_on(&request.plan).is_some();
            let reminded = self.outbox.was_reminded(&case.id, request.asked_at);
            (left * 4 <= life && left > 0 && !decided && !reminded)
                .then(|| (expiring(case, request.expires_at), request.asked_at))
        });
        for (notice, asked_at) in due.collect::<Vec<_>>() {
            self.address(out, notice, Some(asked_at), now);
        }
        let open = &self.open;
        self.outbox.forget_reminders(|id| open.contains_key(id));
    }

    /// What waits for a channel that the settings no longer have is a dead letter.
    fn give_up_unknown(&mut self, out: &mut Accepted, now: Timestamp) {
        if self.outbox.is_idle() {
            return;
        }
        let known = &self.settings.routes.channels;
        let unknown = self.outbox.channels().filter(|channel| !known.contains_key(channel));
        for channel in unknown.collect::<Vec<_>>() {
            let numbers = self.outbox.waiting_for(channel).map(|(number, _)| number).collect();
            let why = "the settings have no such channel any more".to_string();
            self.record(out, channel, numbers, &Telling::Dead { why }, now);
        }
    }

    /// What is due to go out now: at most one message for each channel. One that is under way is listed too: the caller
    /// knows.
    #[must_use]
    pub fn due_tellings(&self, now: Timestamp) -> Vec<Due> {
        if matches!(self.role, Role::Starting | Role::Following { .. }) {
            return Vec::new();
        }
        let channels = self.settings.routes.channels.iter();
        let due = channels.filter_map(|(channel, rules)| {
            let state = self.breaker_state(Destination::Channel(*channel));
            let held = self.not_told_before.get(channel).is_some_and(|at| now < *at);
            if held || !(state.passes() || state == State::HalfOpen) {
                return None;
            }
            let most = if rules.group_s == 0 { 1 } else { AT_ONCE };
            let waiting = self.outbox.waiting_for(*channel);
            let ripe = waiting.filter(|(_, one)| one.not_before <= now).take(most);
            let ripe = ripe.collect::<Vec<_>>();
            let again = ripe.iter().any(|(_, one)| !one.why.is_empty());
            let items = ripe.into_iter().map(|(number, one)| Item {
                number,
                at: one.at,
                notice: Arc::clone(&one.notice),
            });
            let items = items.collect::<Vec<_>>();
            (!items.is_empty()).then_some(Due { channel: *channel, items, again })
        });
        due.collect()
    }

    /// Takes what came of a message.
    pub(super) fn heard(
        &mut self,
        out: &mut Accepted,
        channel: ChannelName,
        notices: Vec<u64>,
        heard: Heard,
        now: Timestamp,
    ) {
        match heard {
            Heard::Told(answer) => {
                self.record(out, channel, notices, &Telling::Told { answer }, now);
            }
            Heard::Refused(why) => self.record(out, channel, notices, &Telling::Dead { why }, now),
            Heard::NotLetThrough => {
                self.not_told_before.insert(channel, plus(now, HELD_S));
            }
            Heard::Later { why, after_s } => {
                self.try_later(out, channel, notices, (why, after_s), now);
            }
        }
    }

    fn try_later(
        &mut self,
        out: &mut Accepted,
        channel: ChannelName,
        notices: Vec<u64>,
        (why, after_s): (String, Option<u64>),
        now: Timestamp,
    ) {
        let rules = self.settings.routes.channels.get(&channel);
        let give_up_s = rules.map_or(0, |rules| rules.give_up_s);
        let waiting = self.outbox.waiting_for(channel).collect::<BTreeMap<_, _>>();
        let tries = |number: &u64| waiting.get(number).map_or(0, |one| one.tries);
        let most = notices.iter().map(tries).max().unwrap_or(0);
        let pause = pause_s(channel, notices.first().copied().unwrap_or(0), most);
        let pause = pause.max(after_s.unwrap_or(0).min(LONGEST_ASKED_S));
        let again_at = plus(now, pause);
        let (over, rest): (Vec<_>, Vec<_>) = notices.into_iter().partition(|number| {
            waiting.get(number).is_some_and(|one| again_at > plus(one.since, give_up_s))
        });
        let dead = format!("{why}; tried for too long");
        self.record(out, channel, over, &Telling::Dead { why: dead }, now);
        self.record(out, channel, rest, &Telling::Failed { why, again_at }, now);
    }

    /// One event for each case that was to be told of, so that its record says what came of it.
    fn record(
        &mut self,
        out: &mut Accepted,
        channel: ChannelName,
        notices: Vec<u64>,
        outcome: &Telling,
        now: Timestamp,
    ) {
        let mut of_case = BTreeMap::<Option<RemediationId>, Vec<u64>>::new();
        let waiting = self.outbox.waiting_for(channel).collect::<BTreeMap<_, _>>();
        for number in notices {
            if let Some(one) = waiting.get(&number) {
                of_case.entry(one.notice.remediation.clone()).or_default().push(number);
            }
        }
        for (subject, notices) in of_case {
            let outcome = outcome.clone();
            let event = Event::Told { channel, notices, outcome };
            self.emit(out, now, &Principal::engine(), subject.as_ref(), event);
        }
    }

    /// A person has dead letters tried again: those of a channel, or one.
    pub(super) fn put_back(
        &mut self,
        out: &mut Accepted,
        by: &Principal,
        (channel, number): (Option<ChannelName>, Option<u64>),
        now: Timestamp,
    ) -> Result<(String, Vec<RemediationId>), (Refusal, String)> {
        let mut back = BTreeMap::<ChannelName, Vec<u64>>::new();
        let dead = self.outbox.dead().filter(|(of, one, _)| {
            channel.is_none_or(|channel| channel == *of)
                && number.is_none_or(|number| number == *one)
        });
        for (of, one, _) in dead {
            back.entry(of).or_default().push(one);
        }
        let count = back.values().map(Vec::len).sum::<usize>();
        if count == 0 {
            return Err((Refusal::NotFound, "there is no such dead letter".into()));
        }
        for (channel, notices) in back {
            let event = Event::PutBack { by: by.describe(), channel, notices };
            self.emit(out, now, by, None, event);
        }
        Ok((format!("{count} dead letter(s) are tried again"), Vec::new()))
    }
}

/// How long until the next try: it doubles, and varies by a fifth up or down. The same notice varies the same way each
/// time, so that nothing here is random.
fn pause_s(channel: ChannelName, number: u64, tries: u32) -> u64 {
    let pause = PAUSE_S.saturating_mul(1_u64 << tries.min(20)).min(LONGEST_PAUSE_S);
    let bytes = channel.as_str().bytes().map(u64::from);
    let seed = bytes.fold(number, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte));
    let tenths = 8 + seed.wrapping_add(u64::from(tries)) % 5;
    (pause * tenths / 10).max(1)
}

/// What is known of a case of which only the row is at hand.
fn of_row(row: &Row) -> Subject {
    let namespace = match row.target.split('/').collect::<Vec<_>>().as_slice() {
        [namespace, _, _] => (*namespace).to_string(),
        [] | [..] => String::new(),
    };
    let pattern = row.cause.split(',').next().unwrap_or_default();
    Subject {
        id: row.id.clone(),
        target: row.target.to_string(),
        namespace,
        cause: row.cause.to_string(),
        pattern: crate::domain::diagnosis::Pattern::from_word(pattern),
        risk: row.plan.as_ref().map(|(_, risk)| *risk),
        plan: row.plan.as_ref().map(|(digest, _)| digest.clone()),
    }
}

#[cfg(test)]
mod tests;
