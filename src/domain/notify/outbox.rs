//! What waits to be told, what could not be told, and how often each channel was: a fold of the log.

use super::channel::ChannelName;
use super::notice::{Notice, Telling};
use crate::domain::event::{Event, Recorded};
use crate::domain::id::RemediationId;
use crate::domain::time::{Timestamp, rfc3339};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Dead letters that are kept at hand; the oldest go, and stay in the log.
const MOST_DEAD: usize = 500;

/// What waits for one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// What.
    pub notice: Arc<Notice>,
    /// When it became true.
    pub at: Timestamp,
    /// Since when it is tried: later than `at` when a person put it back.
    pub since: Timestamp,
    /// When it is tried next.
    pub not_before: Timestamp,
    /// Tries so far, since then.
    pub tries: u32,
    /// Why the last try failed; empty: there was none.
    pub why: String,
}

/// What could not be told over one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dead {
    /// What.
    pub notice: Arc<Notice>,
    /// When it became true.
    pub at: Timestamp,
    /// When it was given up.
    pub given_up_at: Timestamp,
    /// Tries.
    pub tries: u32,
    /// Why.
    pub why: String,
}

/// What came of one channel's messages since the log began.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Notices that were told.
    pub told: u64,
    /// Tries that failed, counted by notice.
    pub failed: u64,
    /// Notices that became dead letters.
    pub dead: u64,
    /// The last try: when, and what came of it.
    pub last: Option<(Timestamp, String)>,
}

/// The outbox. Notices are numbered by the position of their event.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    waiting: BTreeMap<(ChannelName, u64), Waiting>,
    dead: BTreeMap<(ChannelName, u64), Dead>,
    tallies: BTreeMap<ChannelName, Tally>,
    /// The requests that people were reminded of: when each was asked.
    reminded: BTreeMap<RemediationId, Timestamp>,
}

impl Outbox {
    /// Folds one event; most are none of its own.
    pub fn fold(&mut self, recorded: &Recorded) {
        if let Event::Noticed { notice, reminds_of, to } = &recorded.event {
            if let (Some(id), Some(asked_at)) = (&notice.remediation, reminds_of) {
                self.reminded.insert(id.clone(), *asked_at);
            }
            let notice = Arc::new((**notice).clone());
            for one in to {
                let waiting = Waiting {
                    notice: Arc::clone(&notice),
                    at: recorded.at,
                    since: recorded.at,
                    not_before: one.not_before,
                    tries: 0,
                    why: String::new(),
                };
                self.waiting.insert((one.channel, recorded.seq), waiting);
            }
        } else if let Event::Told { channel, notices, outcome } = &recorded.event {
            for number in notices {
                self.tried(*channel, *number, outcome, recorded.at);
            }
        } else if let Event::PutBack { channel, notices, .. } = &recorded.event {
            for number in notices {
                self.put_back(*channel, *number, recorded.at);
            }
        }
    }

    fn tried(&mut self, channel: ChannelName, number: u64, outcome: &Telling, at: Timestamp) {
        let Some(mut one) = self.waiting.remove(&(channel, number)) else { return };
        let tally = self.tallies.entry(channel).or_default();
        one.tries = one.tries.saturating_add(1);
        match outcome {
            Telling::Told { answer } => {
                tally.told += 1;
                tally.last = Some((at, answer.clone()));
            }
            Telling::Failed { why, again_at } => {
                tally.failed += 1;
                tally.last = Some((at, why.clone()));
                one.not_before = *again_at;
                one.why.clone_from(why);
                self.waiting.insert((channel, number), one);
            }
            Telling::Dead { why } => {
                tally.failed += 1;
                tally.dead += 1;
                tally.last = Some((at, why.clone()));
                let Waiting { notice, at: since, tries, .. } = one;
                let dead = Dead { notice, at: since, given_up_at: at, tries, why: why.clone() };
                self.dead.insert((channel, number), dead);
                while self.dead.len() > MOST_DEAD {
                    let oldest = self.dead.keys().min_by_key(|(_, number)| *number).copied();
                    self.dead.remove(&oldest.unwrap_or((channel, number)));
                }
            }
        }
    }

    fn put_back(&mut self, channel: ChannelName, number: u64, at: Timestamp) {
        if let Some(dead) = self.dead.remove(&(channel, number)) {
            let waiting = Waiting {
                notice: dead.notice,
                at: dead.at,
                since: at,
                not_before: at,
                tries: 0,
                why: dead.why,
            };
            self.waiting.insert((channel, number), waiting);
        }
    }

    /// Forgets reminders of cases that are no longer there.
    pub fn forget_reminders(&mut self, is_there: impl Fn(&RemediationId) -> bool) {
        self.reminded.retain(|id, _| is_there(id));
    }

    /// Whether people were reminded of the request that was asked then.
    #[must_use]
    pub fn was_reminded(&self, id: &RemediationId, asked_at: Timestamp) -> bool {
        self.reminded.get(id) == Some(&asked_at)
    }

    /// What waits, by channel and number.
    pub fn waiting(&self) -> impl Iterator<Item = (ChannelName, u64, &Waiting)> {
        self.waiting.iter().map(|((channel, number), one)| (*channel, *number, one))
    }

    /// What waits for one channel, oldest first.
    pub fn waiting_for(&self, channel: ChannelName) -> impl Iterator<Item = (u64, &Waiting)> {
        let all = self.waiting.range((channel, 0)..=(channel, u64::MAX));
        all.map(|((_, number), one)| (*number, one))
    }

    /// Dead letters, by channel and number.
    pub fn dead(&self) -> impl Iterator<Item = (ChannelName, u64, &Dead)> {
        self.dead.iter().map(|((channel, number), one)| (*channel, *number, one))
    }

    /// What came of a channel's messages.
    #[must_use]
    pub fn tally(&self, channel: ChannelName) -> Tally {
        self.tallies.get(&channel).cloned().unwrap_or_default()
    }

    /// Channels that the log knows.
    pub fn channels(&self) -> impl Iterator<Item = ChannelName> {
        let waiting = self.waiting.keys().map(|(channel, _)| *channel);
        let all = waiting.chain(self.tallies.keys().copied());
        all.collect::<std::collections::BTreeSet<_>>().into_iter()
    }

    /// Nothing waits.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }
}

/// One event of telling, in a sentence; `None`: it is no such event.
#[must_use]
pub fn words(event: &Event) -> Option<String> {
    if let Event::Noticed { notice, to, .. } = event {
        let channels = to.iter().map(|one| one.channel.to_string()).collect::<Vec<_>>();
        return Some(format!("to be told over {}: {}", channels.join(", "), notice.title));
    }
    if let Event::PutBack { by, channel, notices } = event {
        return Some(format!("{} put back for {channel} by {by}", numbers(notices)));
    }
    let Event::Told { channel, notices, outcome } = event else { return None };
    let what = numbers(notices);
    Some(match outcome {
        Telling::Told { answer } => format!("{what} told over {channel}: {answer}"),
        Telling::Failed { why, again_at } => {
            format!("{what} not told over {channel}: {why}; tried again at {}", rfc3339(*again_at))
        }
        Telling::Dead { why } => {
            format!("{what} not told over {channel} and given up, a dead letter: {why}")
        }
    })
}

/// `notice 812`, `notices 812, 813`.
fn numbers(notices: &[u64]) -> String {
    let list = notices.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    if notices.len() == 1 { format!("notice {list}") } else { format!("notices {list}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::notify::{Addressed, Topic};
    use crate::domain::time::plus;

    fn name(text: &str) -> ChannelName {
        ChannelName::parse(text).unwrap()
    }

    fn at(seconds: u64) -> Timestamp {
        plus("2026-07-01T00:00:00Z".parse().unwrap(), seconds)
    }

    fn recorded(seq: u64, event: Event) -> Recorded {
        let (by, cause) = (String::new(), String::new());
        Recorded { seq, at: at(seq), by, cause, subject: None, event }
    }

    fn told(channel: &str, notice: u64, outcome: Telling) -> Event {
        Event::Told { channel: name(channel), notices: vec![notice], outcome }
    }

    fn with_one() -> Outbox {
        let mut outbox = Outbox::default();
        let to = ["a", "b"].map(|one| Addressed { channel: name(one), not_before: at(1) });
        let notice = Box::new(Notice::new(Topic::Ended, "well"));
        let event = Event::Noticed { notice, reminds_of: None, to: to.into() };
        outbox.fold(&recorded(1, event));
        outbox
    }

    #[test]
    fn what_is_to_be_told_waits_for_each_channel_until_that_one_took_it() {
        let mut outbox = with_one();
        outbox.fold(&recorded(2, told("a", 1, Telling::Told { answer: "ok".into() })));
        assert_eq!(outbox.waiting_for(name("a")).count(), 0);
        assert_eq!(outbox.waiting_for(name("b")).count(), 1);
        let failed = Telling::Failed { why: "HTTP 503".into(), again_at: at(60) };
        outbox.fold(&recorded(3, told("b", 1, failed)));
        let (number, one) = outbox.waiting_for(name("b")).next().unwrap();
        assert_eq!((number, one.tries, one.not_before), (1, 1, at(60)));
        assert_eq!((outbox.tally(name("a")).told, outbox.tally(name("b")).failed), (1, 1));
    }

    #[test]
    fn a_dead_letter_stays_until_a_person_puts_it_back() {
        let mut outbox = with_one();
        outbox.fold(&recorded(2, told("a", 1, Telling::Dead { why: "HTTP 404".into() })));
        assert_eq!(outbox.dead().count(), 1);
        let back = |channel: &str| Event::PutBack {
            by: "mira".into(),
            channel: name(channel),
            notices: vec![1],
        };
        outbox.fold(&recorded(3, back("b")));
        assert_eq!(outbox.dead().count(), 1, "not that of another channel");
        outbox.fold(&recorded(4, back("a")));
        assert_eq!(outbox.dead().count(), 0);
        let (_, one) = outbox.waiting_for(name("a")).next().unwrap();
        assert_eq!((one.since, one.at, one.tries), (at(4), at(1), 0));
        // What was told twice, since nobody knew, is told once here.
        outbox.fold(&recorded(5, told("a", 1, Telling::Told { answer: "ok".into() })));
        outbox.fold(&recorded(6, told("a", 1, Telling::Told { answer: "ok".into() })));
        assert_eq!(outbox.tally(name("a")).told, 1);
    }
}
