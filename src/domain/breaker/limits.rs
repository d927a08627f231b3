//! When a breaker opens, and how it closes again.

use super::destination::Destination;
use serde::Serialize;

/// Settings of one breaker. All lengths in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Calls so long ago don't count any more.
    pub window_s: u64,
    /// With fewer calls in the window it never opens.
    pub min_calls: u32,
    /// It opens when so many per cent of the window's calls found it down.
    pub failure_percent: u32,
    /// It opens when so many per cent of the window's calls were slow.
    pub slow_percent: u32,
    /// From this length on a call is slow.
    pub slow_after_s: u64,
    /// How long it stays open the first time; twice as long each time that a probe fails.
    pub open_s: u64,
    /// How long it stays open at most. Both vary by a fifth up or down.
    pub open_most_s: u64,
    /// So many probes must come back well in a row; no more are under way at once.
    pub probes: u32,
    /// A probe that does not answer for so long gives its place back.
    pub probe_lease_s: u64,
}

impl Limits {
    /// The limits as shipped.
    #[must_use]
    pub fn shipped(destination: Destination) -> Self {
        let base = Self {
            window_s: 60,
            min_calls: 5,
            failure_percent: 50,
            slow_percent: 80,
            slow_after_s: 5,
            open_s: 2,
            open_most_s: 30,
            probes: 2,
            probe_lease_s: 30,
        };
        match destination {
            Destination::Cluster => base,
            Destination::Store => Self { window_s: 30, open_s: 1, open_most_s: 5, ..base },
            Destination::Prometheus => Self { window_s: 120, open_s: 10, open_most_s: 300, ..base },
            // It is asked every 30 s only.
            Destination::Alertmanager => {
                Self { window_s: 300, min_calls: 4, open_s: 15, open_most_s: 300, ..base }
            }
            // It is asked once a plan, and each call that hangs holds one up.
            Destination::Model => Self {
                window_s: 600,
                min_calls: 3,
                slow_after_s: 15,
                open_s: 30,
                open_most_s: 600,
                ..base
            },
            Destination::VectorDb => {
                Self { min_calls: 3, slow_after_s: 2, open_s: 5, open_most_s: 60, ..base }
            }
            // What is told seldom is tried seldom, and the first message that goes through shows that it is back.
            Destination::Channel(_) => Self {
                window_s: 600,
                min_calls: 3,
                open_s: 15,
                open_most_s: 300,
                probes: 1,
                ..base
            },
        }
    }

    /// What makes no sense in them, a sentence each. `call_s`: no call takes longer; `every_s`: how often it is called
    /// when nothing else happens, where that is known.
    #[must_use]
    pub fn nonsense(&self, call_s: u64, every_s: Option<u64>) -> Vec<(&'static str, String)> {
        let mut out = Vec::new();
        if self.open_s > self.open_most_s {
            let why = format!("{}s is longer than open_most ({}s)", self.open_s, self.open_most_s);
            out.push(("open", why));
        }
        if self.slow_after_s >= call_s {
            let why =
                format!("no call takes {}s: each is given up after {call_s}s", self.slow_after_s);
            out.push(("slow_after", why));
        }
        if self.probe_lease_s < call_s {
            let why = format!(
                "{}s is shorter than a call may take ({call_s}s): its place would be given away",
                self.probe_lease_s
            );
            out.push(("probe_lease", why));
        }
        let needed = every_s.map(|every| every.saturating_mul(u64::from(self.min_calls)));
        if let Some(needed) = needed.filter(|needed| *needed > self.window_s) {
            let why = format!(
                "in {}s there are fewer than {} calls (min_calls needs {needed}s): it could never open",
                self.window_s, self.min_calls
            );
            out.push(("window", why));
        }
        out
    }

    /// In words: `opens at 50% down of 5 or more calls in 60s, …`.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "opens at {}% of {} or more calls in {}s, or {}% slower than {}s; {} good probes",
            self.failure_percent,
            self.min_calls,
            self.window_s,
            self.slow_percent,
            self.slow_after_s,
            self.probes
        )
    }
}
