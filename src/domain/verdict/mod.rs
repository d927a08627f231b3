//! Samples before and after, and what they say.

mod judge;
mod sample;

pub use judge::judge;
pub use sample::sample;

use super::diagnosis::words;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// What is measured, before the first step and after the settle time. The CEL names are the field names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// When.
    pub at: Timestamp,
    /// Whether the target could be read; false makes the verdict inconclusive.
    pub readable: bool,
    /// Replicas wanted.
    pub desired: i64,
    /// Pods ready (of the current revision or not).
    pub ready: i64,
    /// Pods of the newest revision that are available.
    pub updated_available: i64,
    /// Whether the controller has seen the newest generation and finished rolling.
    pub rolled_out: bool,
    /// Restarts of all containers of the owner's pods, summed.
    pub restarts: i64,
    /// Containers now waiting for a reason that is trouble (CrashLoopBackOff, ImagePullBackOff, …), or whose last run
    /// failed after the execution began and less than two minutes ago.
    pub crashing: i64,
    /// Containers whose last run was OOMKilled after the execution began (before: in the last 30 min).
    pub oom_killed: i64,
    /// Container runs that ended with failure after the execution began (before: in the last 30 min).
    pub failed_runs: i64,
    /// Alerts of the remediation that fire now; -1: not known.
    pub alerts_firing: i64,
    /// Each measure of the verification by name; absent when there was no single number.
    pub measures: BTreeMap<String, f64>,
    /// What could not be measured, and why.
    pub missing: Vec<String>,
}

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
    pub before: Option<Sample>,
    /// After.
    pub after: Option<Sample>,
}

#[cfg(test)]
mod tests;
