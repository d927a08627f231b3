//! How programs behave: memory, crashes, readiness, log lines. Keyed by image.
//!
//! A run of a container is described by line segments of its working set, so that the moment of an OOM kill and the
//! value of a metric at any time are computed, not sampled.

use crate::domain::quantity::parse_bytes;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What a program in an image does.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Working set once warm.
    #[serde(deserialize_with = "bytes")]
    pub needs: i64,
    /// Growth per hour, without end.
    #[serde(deserialize_with = "bytes")]
    pub leak_per_hour: i64,
    /// Seconds from start until it is warm.
    pub warm_up_s: u64,
    /// Seconds from start until its readiness probe succeeds; probes that the pod does not have don't wait.
    pub ready_after_s: u64,
    /// Thousandths of a CPU that it uses.
    pub cpu_milli: i64,
    /// How it crashes.
    pub crash: Option<Crash>,
    /// Lines it prints when it starts.
    pub log: Vec<String>,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            needs: 64 << 20,
            leak_per_hour: 0,
            warm_up_s: 20,
            ready_after_s: 4,
            cpu_milli: 50,
            crash: None,
            log: vec!["listening on :8080".into()],
        }
    }
}

/// How a program crashes.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crash {
    /// Seconds after its start.
    pub after_s: u64,
    /// Exit code.
    pub code: i64,
    /// Last lines it prints.
    #[serde(default)]
    pub log: Vec<String>,
    /// Only when this variable has this value: `MODE=broken`.
    #[serde(default)]
    pub when_env: Option<String>,
    /// Only when this variable is not set.
    #[serde(default)]
    pub without_env: Option<String>,
}

impl Crash {
    /// Whether it crashes with a container's environment.
    pub(super) fn applies(&self, container: &Value) -> bool {
        let variable = |name: &str| {
            super::json::items(container, &["env"])
                .iter()
                .find(|one| super::json::text(one, &["name"]) == name)
        };
        let set = self.when_env.as_deref().is_none_or(|wanted| {
            let (name, value) = wanted.split_once('=').unwrap_or((wanted, ""));
            variable(name).is_some_and(|one| super::json::text(one, &["value"]) == value)
        });
        set && self.without_env.as_deref().is_none_or(|name| variable(name).is_none())
    }
}

pub(super) fn bytes<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let text = String::deserialize(from)?;
    parse_bytes(&text).and_then(|bytes| i64::try_from(bytes).ok()).ok_or_else(|| {
        serde::de::Error::custom(format!("`{text}` is no amount of bytes: write 512Mi"))
    })
}

/// A straight piece of the working set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Segment {
    from: Timestamp,
    bytes: i64,
    per_hour: i64,
}

/// The working set of one run of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Memory {
    segments: Vec<Segment>,
}

const MS_PER_HOUR: i64 = 3_600_000;

impl Memory {
    /// A run that starts now; `percent` is how much of the profile's needs this one pod has (97 to 103, say).
    pub(super) fn starting(profile: &Profile, now: Timestamp, percent: i64) -> Self {
        let mut memory = Self::default();
        let first = profile.needs / 4;
        memory.head_for(profile, now, percent, first, profile.warm_up_s);
        memory
    }

    /// The program's needs changed: from what it has now to the new level within `over_s`.
    pub(super) fn change(&mut self, profile: &Profile, now: Timestamp, percent: i64, over_s: u64) {
        let have = self.at(now);
        self.segments.retain(|segment| segment.from <= now);
        self.head_for(profile, now, percent, have, over_s);
    }

    fn head_for(
        &mut self,
        profile: &Profile,
        now: Timestamp,
        percent: i64,
        have: i64,
        over_s: u64,
    ) {
        let level = profile.needs / 100 * percent;
        let over = i64::try_from(over_s.max(1)).unwrap_or(1);
        let per_hour = (level - have).saturating_mul(3_600) / over;
        self.segments.push(Segment { from: now, bytes: have, per_hour });
        let from = now + chrono::TimeDelta::seconds(over);
        self.segments.push(Segment { from, bytes: level, per_hour: profile.leak_per_hour });
    }

    /// Bytes at a moment, without regard to any limit.
    pub(super) fn at(&self, at: Timestamp) -> i64 {
        let Some(segment) = self.segments.iter().rev().find(|segment| segment.from <= at) else {
            return 0;
        };
        let passed = at.signed_duration_since(segment.from).num_milliseconds();
        let grown = i128::from(segment.per_hour) * i128::from(passed) / i128::from(MS_PER_HOUR);
        segment.bytes.saturating_add(i64::try_from(grown).unwrap_or(i64::MAX)).max(0)
    }

    /// When the working set reaches a limit, at or after `from`; `None`: never.
    pub(super) fn reaches(&self, limit: i64, from: Timestamp) -> Option<Timestamp> {
        for (index, segment) in self.segments.iter().enumerate() {
            let end = self.segments.get(index + 1).map(|next| next.from);
            if end.is_some_and(|end| end <= from) {
                continue;
            }
            let start = segment.from.max(from);
            if self.at(start) >= limit {
                return Some(start);
            }
            if segment.per_hour <= 0 {
                continue;
            }
            let missing = i128::from(limit - segment.bytes) * i128::from(MS_PER_HOUR);
            let wait = (missing / i128::from(segment.per_hour) + 1).max(0);
            let Some(reached) = i64::try_from(wait)
                .ok()
                .and_then(chrono::TimeDelta::try_milliseconds)
                .and_then(|wait| segment.from.checked_add_signed(wait))
            else {
                continue;
            };
            if end.is_none_or(|end| reached < end) {
                return Some(reached.max(start));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(n: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + chrono::TimeDelta::seconds(n)
    }

    #[test]
    fn a_flat_need_reaches_only_limits_below_it() {
        let profile = Profile { needs: 400 << 20, warm_up_s: 20, ..Profile::default() };
        let memory = Memory::starting(&profile, second(0), 100);
        assert_eq!(memory.at(second(60)), (400 << 20) / 100 * 100);
        assert_eq!(memory.reaches(512 << 20, second(0)), None);
        let killed = memory.reaches(256 << 20, second(0)).unwrap();
        assert!(killed > second(0) && killed < second(20), "{killed}");
    }

    #[test]
    fn a_leak_reaches_any_limit_in_the_end() {
        let profile = Profile { needs: 100 << 20, leak_per_hour: 100 << 20, ..Profile::default() };
        let memory = Memory::starting(&profile, second(0), 100);
        let killed = memory.reaches(200 << 20, second(0)).unwrap();
        let hours = killed.signed_duration_since(second(0)).num_minutes();
        assert!((59..=61).contains(&hours), "{hours} min");
        assert!(memory.at(killed) >= 200 << 20);
    }

    #[test]
    fn a_change_of_needs_starts_from_what_is_held_now() {
        let mut profile = Profile { needs: 100 << 20, ..Profile::default() };
        let mut memory = Memory::starting(&profile, second(0), 100);
        profile.needs = 300 << 20;
        memory.change(&profile, second(1_000), 100, 100);
        assert!(memory.at(second(1_050)) > 150 << 20);
        assert!(memory.at(second(1_050)) < 250 << 20);
        assert!(memory.at(second(2_000)) >= 299 << 20);
    }
}
