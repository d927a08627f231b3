//! When a step is tried again: how often, after which failures, and after how long a pause.
//!
//! Promises: a pause follows from the attempts alone (its jitter from the attempt's id), so that another engine waits
//! as long as this one would have.

use super::execution::{Attempt, AttemptOutcome, Direction, Passing, StepRun};
use crate::domain::diagnosis::words;
use crate::domain::digest::sha256_hex;
use crate::domain::id::AttemptId;
use crate::domain::time::Timestamp;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

/// Pauses between tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Seconds before the second try; each pause after it is twice as long.
    pub backoff_s: u64,
    /// Seconds of the longest pause.
    pub most_s: u64,
    /// Per cent by which a pause may be longer or shorter.
    pub jitter: u32,
    /// After which failures there is another try.
    #[serde(default, skip_serializing_if = "Failures::are_usual")]
    pub on: Failures,
}

words!(
    /// A kind of failure after which a step can be tried again.
    Failure {
        /// The server said no for a reason that may pass: each of the next four.
        Passing = "passing",
        /// Somebody else changed the object meanwhile, again and again.
        Conflict = "conflict",
        /// Too many requests at once.
        Throttled = "throttled",
        /// The server could not be reached, or had an error, before anything was sent.
        ServerError = "server-error",
        /// No answer in time, before anything was sent.
        Timeout = "timeout",
        /// The server, or a precondition, said no; nothing changed.
        Refused = "refused",
        /// It ran to its end and says that it failed; what it changed by then is not known.
        Failed = "failed",
    }
);

/// After which failures a step is tried again. What has no answer is looked at and never simply tried again; what this
/// engine itself held back (a lease that lapses, a stop) is tried again whatever is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[allow(clippy::struct_excessive_bools, reason = "a set of words, stored by name")]
pub struct Failures {
    passing: bool,
    refused: bool,
    failed: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    conflict: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    throttled: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    server_error: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    timeout: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Default for Failures {
    fn default() -> Self {
        Self::of(&[Failure::Passing])
    }
}

impl Failures {
    /// These.
    #[must_use]
    pub fn of(failures: &[Failure]) -> Self {
        Self {
            passing: failures.contains(&Failure::Passing),
            refused: failures.contains(&Failure::Refused),
            failed: failures.contains(&Failure::Failed),
            conflict: failures.contains(&Failure::Conflict),
            throttled: failures.contains(&Failure::Throttled),
            server_error: failures.contains(&Failure::ServerError),
            timeout: failures.contains(&Failure::Timeout),
        }
    }

    /// Whether it is what is meant when nothing is said.
    #[must_use]
    pub fn are_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there is another try after this outcome.
    #[must_use]
    pub fn include(&self, outcome: &AttemptOutcome) -> bool {
        match outcome {
            AttemptOutcome::Refused { retryable: true, passing, .. } => {
                self.passing || passing.is_none_or(|kind| self.names(kind))
            }
            AttemptOutcome::Refused { retryable: false, .. } => self.refused,
            AttemptOutcome::Failed { .. } => self.failed,
            AttemptOutcome::Applied { .. }
            | AttemptOutcome::SeenDone { .. }
            | AttemptOutcome::SeenNotDone { .. }
            | AttemptOutcome::Held { .. }
            | AttemptOutcome::NoAnswer { .. }
            | AttemptOutcome::CantTell { .. } => false,
        }
    }

    fn names(self, kind: Passing) -> bool {
        match kind {
            Passing::Conflict => self.conflict,
            Passing::Throttled => self.throttled,
            Passing::ServerError => self.server_error,
            Passing::Timeout => self.timeout,
        }
    }

    /// In words: `passing, failed`.
    #[must_use]
    pub fn words(&self) -> String {
        let all = [
            (self.passing, Failure::Passing),
            (self.conflict, Failure::Conflict),
            (self.throttled, Failure::Throttled),
            (self.server_error, Failure::ServerError),
            (self.timeout, Failure::Timeout),
            (self.refused, Failure::Refused),
            (self.failed, Failure::Failed),
        ];
        let named = all.iter().filter(|(there, _)| *there).map(|(_, failure)| failure.word());
        named.collect::<Vec<_>>().join(", ")
    }
}

impl Default for Retry {
    fn default() -> Self {
        Self { backoff_s: 5, most_s: 300, jitter: 0, on: Failures::default() }
    }
}

impl Retry {
    /// The pause after the `tries`-th try (from 1), whose id was `attempt`.
    #[must_use]
    pub fn pause(&self, tries: usize, attempt: &AttemptId) -> TimeDelta {
        let doubled = u32::try_from(tries.saturating_sub(1)).unwrap_or(u32::MAX).min(30);
        let seconds = self.backoff_s.saturating_mul(1 << doubled).min(self.most_s);
        let whole = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX / 4);
        let spread = whole / 100 * i64::from(self.jitter.min(100));
        // 0 to 2000 thousandths of the spread, from the id: the same wherever it is worked out.
        let digest = sha256_hex(attempt.as_str().as_bytes());
        let drawn = digest.get(..8).and_then(|hex| u32::from_str_radix(hex, 16).ok()).unwrap_or(0);
        let share = i64::from(drawn % 2_001);
        TimeDelta::milliseconds((whole - spread + spread / 1_000 * share).max(0))
    }

    /// When the next try may start; `None`: at once.
    #[must_use]
    pub fn next_at(&self, run: &StepRun, direction: Direction) -> Option<Timestamp> {
        let last = run.counted().filter(|one| one.direction == direction).last()?;
        let pauses = match paused_after(last, self.on) {
            Pause::None => return None,
            Pause::Own => *self,
            Pause::Held => HELD,
        };
        let of_it = |attempt: &&Attempt| {
            attempt.operation == last.operation && attempt.direction == direction
        };
        let tries = run.counted().filter(of_it).count();
        last.ended_at.map(|at| at + pauses.pause(tries, &last.id))
    }
}

/// Pauses while a rule of the cluster holds it back: budgets free when pods become ready, and asking is cheap.
const HELD: Retry = Retry {
    backoff_s: 5,
    most_s: 30,
    jitter: 20,
    on: Failures {
        passing: true,
        refused: false,
        failed: false,
        conflict: false,
        throttled: false,
        server_error: false,
        timeout: false,
    },
};

/// How the next try waits.
enum Pause {
    None,
    Own,
    Held,
}

/// Only after a refusal that may pass there is a pause.
fn paused_after(attempt: &Attempt, on: Failures) -> Pause {
    match &attempt.outcome {
        Some(outcome) if on.include(outcome) => Pause::Own,
        Some(AttemptOutcome::Held { .. }) => Pause::Held,
        Some(
            AttemptOutcome::Refused { .. }
            | AttemptOutcome::Failed { .. }
            | AttemptOutcome::Applied { .. }
            | AttemptOutcome::SeenDone { .. }
            | AttemptOutcome::SeenNotDone { .. }
            | AttemptOutcome::NoAnswer { .. }
            | AttemptOutcome::CantTell { .. },
        )
        | None => Pause::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_their_jitter_follows_from_the_attempt() {
        let plain = Retry { backoff_s: 5, most_s: 60, jitter: 0, ..Retry::default() };
        let id = AttemptId::new("a-1");
        let seconds = (1..7).map(|tries| plain.pause(tries, &id).num_seconds()).collect::<Vec<_>>();
        assert_eq!(seconds, [5, 10, 20, 40, 60, 60]);
        let jittered = Retry { jitter: 20, ..plain };
        let pauses = (0..200)
            .map(|n| jittered.pause(2, &AttemptId::new(format!("a-{n}"))).num_milliseconds())
            .collect::<Vec<_>>();
        assert!(pauses.iter().all(|pause| (8_000..=12_000).contains(pause)), "{pauses:?}");
        assert!(pauses.iter().min() < Some(&8_500) && pauses.iter().max() > Some(&11_500));
        assert_eq!(jittered.pause(2, &id), jittered.pause(2, &id));
        assert_eq!(plain.pause(usize::MAX, &id).num_seconds(), 60);
    }
}
