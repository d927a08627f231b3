//! Samples before and after, and what they say.

mod judge;
mod measured;
mod object;
mod related;
mod sample;

pub use judge::judge;
pub use measured::{EndpointCounts, PodCounts, Sample, WorkloadSample};
pub use sample::sample;

use super::diagnosis::words;
use serde::{Deserialize, Serialize};

words!(
    /// Whether a remediation worked.
    Verdict {
        /// It helped.
        Effective = "effective",
        /// It changed nothing.
        Ineffective = "ineffective",
        /// It made things worse.
        Regressed = "regressed",
        /// It can't be told.
        Inconclusive = "inconclusive",
        /// It only told a person.
        HandedOver = "handed_over",
    }
);

/// A verdict with its reasons.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// In words.
    pub why: String,
    /// Each check with its result: `true`, `false`, or an error.
    pub checks: Vec<(String, String)>,
    /// Before.
    pub before: Option<Box<Sample>>,
    /// After.
    pub after: Option<Box<Sample>>,
}

#[cfg(test)]
mod tests;
