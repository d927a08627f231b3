//! Faults on demand, and faults by rate: what can go wrong between the engine and the world.

use super::seeded::Seeded;
use crate::domain::time::Timestamp;
use serde::Deserialize;
use std::collections::BTreeMap;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// The API server answers 503.
    ApiDown,
    /// The API server answers 429.
    Throttled,
    /// Somebody else writes the object between read and patch: 409.
    Conflict,
    /// The change is made, and the answer is lost.
    AnswerLost,
    /// The request is lost before it arrives; no answer.
    RequestLost,
    /// Prometheus does not answer.
    MetricsDown,
    /// Alertmanager does not answer.
    AlertsDown,
}

/// How often faults happen by themselves, in thousandths of the requests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Any request: 503.
    pub api_down: u32,
    /// Any request: 429.
    pub throttled: u32,
    /// A change: 409.
    pub conflict: u32,
    /// A change: made, no answer.
    pub answer_lost: u32,
    /// A change: not made, no answer.
    pub request_lost: u32,
    /// A query of metrics: no answer.
    pub metrics_down: u32,
}

/// The faults that hold.
#[derive(Debug, Clone)]
pub(super) struct Faults {
    /// Faults by rate.
    pub(super) rates: Rates,
    until: BTreeMap<Fault, Timestamp>,
    left: BTreeMap<Fault, u32>,
    random: Seeded,
    /// How often each happened.
    pub(super) happened: BTreeMap<Fault, u64>,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            rates: Rates::default(),
            until: BTreeMap::new(),
            left: BTreeMap::new(),
            random: Seeded::new(seed, "faults"),
            happened: BTreeMap::new(),
        }
    }

    /// Lets a fault hold until a moment.
    pub(super) fn hold(&mut self, fault: Fault, until: Timestamp) {
        self.until.insert(fault, until);
    }

    /// Lets the next `count` requests that it can hit suffer a fault.
    pub(super) fn next(&mut self, fault: Fault, count: u32) {
        self.left.insert(fault, count);
    }

    /// Whether a request suffers this fault now.
    pub(super) fn strikes(&mut self, fault: Fault, now: Timestamp) -> bool {
        let held = self.until.get(&fault).is_some_and(|until| now < *until);
        let counted = self.left.get(&fault).is_some_and(|left| *left > 0);
        if counted && let Some(left) = self.left.get_mut(&fault) {
            *left -= 1;
        }
        let rate = match fault {
            Fault::ApiDown => self.rates.api_down,
            Fault::Throttled => self.rates.throttled,
            Fault::Conflict => self.rates.conflict,
            Fault::AnswerLost => self.rates.answer_lost,
            Fault::RequestLost => self.rates.request_lost,
            Fault::MetricsDown => self.rates.metrics_down,
            Fault::AlertsDown => 0,
        };
        let strikes = held || counted || self.random.chance(rate);
        if strikes {
            *self.happened.entry(fault).or_default() += 1;
        }
        strikes
    }
}
