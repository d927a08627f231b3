//! `[breakers.NAME]`: limits of each breaker, and what makes no sense in them.

use crate::domain::breaker::{Destination, Limits};
use std::collections::BTreeMap;

/// Seconds that a call to Prometheus or Alertmanager takes at most.
const HTTP_TIMEOUT_S: u64 = 10;

/// Seconds that a call to the vector database takes at most, and between two looks at it.
const VECTOR_DB_TIMEOUT_S: u64 = 5;
const VECTOR_DB_EVERY_S: u64 = 3;

/// How settings are read here: a number by its key, and whether somebody set it.
pub(super) struct Read<'a> {
    pub number: &'a dyn Fn(&str) -> u64,
    pub is_set: &'a dyn Fn(&str) -> bool,
}

/// The limits of all.
pub(super) fn all(read: &Read<'_>) -> BTreeMap<Destination, Limits> {
    Destination::ALL.iter().map(|one| (*one, read.limits(*one))).collect()
}

impl Read<'_> {
    fn of(&self, destination: Destination, key: &str) -> u64 {
        (self.number)(&format!("breakers.{destination}.{key}"))
    }

    fn set(&self, destination: Destination, key: &str) -> bool {
        (self.is_set)(&format!("breakers.{destination}.{key}"))
    }

    /// The limits of one.
    pub(super) fn limits(&self, destination: Destination) -> Limits {
        let small = |key: &str| u32::try_from(self.of(destination, key)).unwrap_or(u32::MAX);
        let min_calls = small("min_calls");
        // Asked rarely, it needs a longer look back.
        let rarely = match destination {
            Destination::Alertmanager if !self.set(destination, "window") => {
                (self.number)("alertmanager.poll").saturating_mul(u64::from(min_calls))
            }
            Destination::Alertmanager
            | Destination::Cluster
            | Destination::Store
            | Destination::Prometheus
            | Destination::Model
            | Destination::VectorDb
            | Destination::Channel(_) => 0,
        };
        // Whoever lets it take longer means that it may be slower.
        let slowly = match destination {
            Destination::Model if !self.set(destination, "slow_after") => {
                (self.number)("slm.timeout") * 3 / 4
            }
            Destination::Model
            | Destination::Alertmanager
            | Destination::Cluster
            | Destination::Store
            | Destination::Prometheus
            | Destination::VectorDb
            | Destination::Channel(_) => 0,
        };
        Limits {
            window_s: self.of(destination, "window").max(rarely),
            min_calls,
            failure_percent: small("failure_rate"),
            slow_percent: small("slow_rate"),
            slow_after_s: self.of(destination, "slow_after").max(slowly),
            open_s: self.of(destination, "open"),
            open_most_s: self.of(destination, "open_most"),
            probes: small("probes"),
            probe_lease_s: self.of(destination, "probe_lease"),
        }
    }

    /// Keys that make no sense, with why. What was shipped gives way to what was set; two that were set must fit each
    /// other. `polled`: Alertmanager is asked.
    pub(super) fn problems(&self, polled: bool) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for destination in Destination::ALL {
            let (call_s, every_s) = match destination {
                Destination::Cluster => ((self.number)("engine.request_timeout"), None),
                Destination::Alertmanager if polled => {
                    (HTTP_TIMEOUT_S, Some((self.number)("alertmanager.poll")))
                }
                Destination::Model => ((self.number)("slm.timeout"), None),
                Destination::VectorDb => (VECTOR_DB_TIMEOUT_S, Some(VECTOR_DB_EVERY_S)),
                Destination::Store
                | Destination::Prometheus
                | Destination::Alertmanager
                | Destination::Channel(_) => (HTTP_TIMEOUT_S, None),
            };
            let set = |key: &str| self.set(*destination, key);
            for (key, why) in self.limits(*destination).nonsense(call_s, every_s) {
                let meant = set(key)
                    || key == "open" && set("open_most")
                    || key == "window" && set("min_calls");
                if meant {
                    let path = format!("breakers.{destination}.{key}");
                    out.push((path.clone(), format!("{path}: {why}")));
                }
            }
        }
        out
    }
}
