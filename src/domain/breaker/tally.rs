//! Counting calls: over the sliding window that decides, and over the last hour that is shown.

use crate::domain::diagnosis::words;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

words!(
    /// How a destination was found down.
    Down {
        /// No connection could be made.
        NoConnection = "no connection",
        /// No answer came in time.
        NoAnswer = "no answer in time",
        /// The answer broke off.
        BrokeOff = "answer broke off",
        /// It, or what stands before it, says that it does not work.
        SaysDown = "says it is down",
    }
);

/// What came of one call, as the breaker sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It answered.
    Good,
    /// It answered no, in a word or two (`HTTP 404`): that is an answer.
    No(String),
    /// It is down: how, and a sentence.
    Down(Down, String),
    /// Nothing can be said about the destination: the call failed on this side, or behind it.
    Untold,
}

/// Parts of the window: a call counts for at least 19 twentieths of it.
const PARTS: u32 = 20;
/// Parts of the hour that is shown.
pub(super) const HOUR_PARTS: usize = 30;
/// Length of one.
pub(super) const HOUR_PART: Duration = Duration::from_mins(2);
/// Kinds of answers that are told apart in one part of the hour.
const MOST_KINDS: usize = 12;

/// Counts of calls.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub calls: u32,
    pub down: u32,
    pub slow: u32,
}

impl Counts {
    fn add(&mut self, down: bool, slow: bool) {
        self.calls = self.calls.saturating_add(1);
        self.down = self.down.saturating_add(u32::from(down));
        self.slow = self.slow.saturating_add(u32::from(slow));
    }

    fn plus(self, other: Self) -> Self {
        Self {
            calls: self.calls.saturating_add(other.calls),
            down: self.down.saturating_add(other.down),
            slow: self.slow.saturating_add(other.slow),
        }
    }

    /// Whether so many per cent (or more) of the calls are `part`.
    pub(super) fn reaches(self, part: u32, percent: u32) -> bool {
        self.calls > 0 && u64::from(part) * 100 >= u64::from(percent) * u64::from(self.calls)
    }
}

/// The sliding window.
#[derive(Debug, Clone)]
pub(super) struct Window {
    length: Duration,
    parts: VecDeque<(Duration, Counts)>,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        Self { length, parts: VecDeque::new() }
    }

    pub(super) fn clear(&mut self) {
        self.parts.clear();
    }

    pub(super) fn add(&mut self, now: Duration, down: bool, slow: bool) {
        self.forget(now);
        let part = self.length / PARTS;
        match self.parts.back_mut() {
            Some((start, counts)) if now < *start + part => counts.add(down, slow),
            Some(_) | None => {
                let mut counts = Counts::default();
                counts.add(down, slow);
                self.parts.push_back((now, counts));
            }
        }
    }

    fn forget(&mut self, now: Duration) {
        while self.parts.front().is_some_and(|(start, _)| *start + self.length <= now) {
            self.parts.pop_front();
        }
    }

    pub(super) fn counts(&mut self, now: Duration) -> Counts {
        self.forget(now);
        self.parts.iter().fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts))
    }
}

/// Kinds of something, with how often each was seen.
pub(super) type Kinds = Vec<(String, u32)>;

/// One part of the hour.
#[derive(Debug, Clone, Default)]
struct Part {
    number: u64,
    counts: Counts,
    kinds: BTreeMap<String, u32>,
    noes: BTreeMap<String, u32>,
}

/// The last hour.
#[derive(Debug, Clone, Default)]
pub(super) struct Hour {
    parts: VecDeque<Part>,
}

fn number(now: Duration) -> u64 {
    now.as_secs() / HOUR_PART.as_secs()
}

fn count(map: &mut BTreeMap<String, u32>, kind: &str) {
    if map.len() < MOST_KINDS || map.contains_key(kind) {
        let known = map.entry(kind.to_string()).or_insert(0);
        *known = known.saturating_add(1);
    }
}

impl Hour {
    pub(super) fn add(&mut self, now: Duration, answer: &Answer, slow: bool) {
        let number = number(now);
        if self.parts.back().is_none_or(|part| part.number < number) {
            self.parts.push_back(Part { number, ..Part::default() });
        }
        while self.parts.len() > HOUR_PARTS {
            self.parts.pop_front();
        }
        let Some(part) = self.parts.back_mut() else { return };
        match answer {
            Answer::Good => part.counts.add(false, slow),
            Answer::No(word) => {
                part.counts.add(false, slow);
                count(&mut part.noes, word);
            }
            Answer::Down(kind, _) => {
                part.counts.add(true, slow);
                count(&mut part.kinds, kind.word());
            }
            Answer::Untold => {}
        }
    }

    /// Calls and failures of each two minutes, oldest first; always [`HOUR_PARTS`] of them.
    pub(super) fn parts(&self, now: Duration) -> Vec<(u32, u32)> {
        let last = number(now);
        let length = u64::try_from(HOUR_PARTS).unwrap_or(u64::MAX);
        (0..length)
            .map(|back| {
                let wanted = (last + back + 1).checked_sub(length);
                let part = self.parts.iter().find(|part| Some(part.number) == wanted);
                part.map_or((0, 0), |part| (part.counts.calls, part.counts.down))
            })
            .collect()
    }

    fn recent(&self, now: Duration) -> impl Iterator<Item = &Part> {
        let length = u64::try_from(HOUR_PARTS).unwrap_or(u64::MAX);
        let first = (number(now) + 1).saturating_sub(length);
        self.parts.iter().filter(move |part| part.number >= first)
    }

    pub(super) fn counts(&self, now: Duration) -> Counts {
        self.recent(now).fold(Counts::default(), |sum, part| sum.plus(part.counts))
    }

    /// Kinds of failure, and answers that said no, with how often.
    pub(super) fn kinds(&self, now: Duration) -> (Kinds, Kinds) {
        let mut sums = (BTreeMap::<String, u32>::new(), BTreeMap::<String, u32>::new());
        for part in self.recent(now) {
            for (kind, count) in &part.kinds {
                *sums.0.entry(kind.clone()).or_insert(0) += count;
            }
            for (kind, count) in &part.noes {
                *sums.1.entry(kind.clone()).or_insert(0) += count;
            }
        }
        let sorted = |map: BTreeMap<String, u32>| {
            let mut all = map.into_iter().collect::<Vec<_>>();
            all.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            all
        };
        (sorted(sums.0), sorted(sums.1))
    }
}
