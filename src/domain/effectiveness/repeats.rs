//! What was done about one target for one cause before, and which templates are used up by it.
//!
//! A template that did not help, or helped and the cause came back, is not raised for ever: after so many times within a
//! window it goes to a person, with the cases. What a person asks for is never held back here.

use super::record::{Fate, Record};
use crate::domain::diagnosis::Cause;
use crate::domain::resource::ObjectKey;
use crate::domain::time::{Timestamp, seconds_between};
use std::collections::BTreeMap;

/// How often the same is done to the same target for the same cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RepeatLimits {
    /// Seconds back from now in which it counts.
    pub window_s: u64,
    /// Executions without effect after which a template is used up.
    pub useless: u32,
    /// Executions that helped, after which the cause came back all the same.
    pub helped: u32,
}

impl Default for RepeatLimits {
    fn default() -> Self {
        Self { window_s: 86_400, useless: 2, helped: 3 }
    }
}

/// What the records say of templates for one target and cause.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// Templates that are used up, by name, each with why, as a sentence without its end.
    pub used_up: BTreeMap<String, String>,
    /// Share of executions that helped for this cause, on any target, by name of the template, 0 to 1: (helped + 1) /
    /// (told + 2), Laplace's rule of succession, so that one lucky case is no certainty. Unclear ones are not counted.
    pub helped: BTreeMap<String, f64>,
}

impl Past {
    /// From all records; `now` is when a plan for the target and cause is made.
    #[must_use]
    pub fn of(
        records: &[Record],
        target: Option<&ObjectKey>,
        cause: Cause,
        now: Timestamp,
        limits: &RepeatLimits,
    ) -> Self {
        let mut past = Self::default();
        let mut here: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
        let mut told: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
        for record in records.iter().filter(|record| record.cause == cause) {
            let Some(template) = record.template.as_deref() else { continue };
            let name = template.rsplit_once('@').map_or(template, |(name, _)| name);
            let helped = match record.fate {
                Fate::Effective => true,
                Fate::NoEffect | Fate::Regressed => false,
                Fate::Unclear | Fate::Alone => continue,
            };
            let (yes, all) = told.entry(name).or_default();
            *yes += u32::from(helped);
            *all += 1;
            let age = seconds_between(record.ended_at, now).max(0).unsigned_abs();
            if target.is_some() && record.target.as_ref() == target && age <= limits.window_s {
                here.entry(name).or_default().push(record);
            }
        }
        for (name, (yes, all)) in told {
            past.helped.insert(name.into(), (f64::from(yes) + 1.0) / (f64::from(all) + 2.0));
        }
        for (name, records) in here {
            if let Some(why) = why(name, &records, limits) {
                past.used_up.insert(name.into(), why);
            }
        }
        past
    }
}

fn why(name: &str, records: &[&Record], limits: &RepeatLimits) -> Option<String> {
    let (helped, useless): (Vec<&Record>, Vec<&Record>) =
        records.iter().partition(|record| record.fate == Fate::Effective);
    let hours = limits.window_s / 3_600;
    let within = if hours >= 1 { format!("{hours} h") } else { format!("{} s", limits.window_s) };
    let cases = |records: &[&Record]| {
        let ids = records.iter().map(|record| record.id.as_str()).collect::<Vec<_>>();
        format!("{} ({})", times(records.len()), ids.join(", "))
    };
    if useless.len() >= limits.useless as usize {
        Some(format!("{name} was done here {} within {within} and did not help", cases(&useless)))
    } else if helped.len() >= limits.helped as usize {
        Some(format!(
            "{name} helped here {} within {within}, and the cause came back each time",
            cases(&helped)
        ))
    } else {
        None
    }
}

fn times(count: usize) -> String {
    match count {
        1 => "once".into(),
        2 => "twice".into(),
        more => format!("{more} times"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, record};
    use super::*;

    const CAUSE: Cause = Cause::LimitTooSmall;

    fn target(name: &str) -> ObjectKey {
        ObjectKey {
            api_version: "apps/v1".into(),
            kind: "Deployment".into(),
            namespace: "shop".into(),
            name: name.into(),
        }
    }

    fn here(number: u32, fate: Fate, ago: i64) -> Record {
        Record { target: Some(target("web")), ..record(number, fate, ago) }
    }

    fn past(records: &[Record]) -> Past {
        Past::of(records, Some(&target("web")), CAUSE, at(0), &RepeatLimits::default())
    }

    #[test]
    fn what_did_not_help_twice_in_a_day_is_used_up() {
        let once = [here(1, Fate::NoEffect, 600)];
        assert_eq!(past(&once).used_up, BTreeMap::new());
        let twice = [here(1, Fate::NoEffect, 7_200), here(2, Fate::Regressed, 600)];
        let why = "high-memory was done here twice (r1, r2) within 24 h and did not help";
        assert_eq!(past(&twice).used_up, BTreeMap::from([("high-memory".into(), why.into())]));
    }

    #[test]
    fn what_helped_three_times_in_a_day_and_came_back_is_used_up() {
        let mut records = vec![here(1, Fate::Effective, 9_000), here(2, Fate::Effective, 5_000)];
        assert_eq!(past(&records).used_up, BTreeMap::new());
        records.push(here(3, Fate::Effective, 1_000));
        let said = past(&records).used_up;
        assert!(said["high-memory"].contains("helped here 3 times (r1, r2, r3)"), "{said:?}");
    }

    #[test]
    fn only_the_same_target_and_cause_within_the_window_count() {
        let other = Record { target: Some(target("api")), ..record(1, Fate::NoEffect, 60) };
        let late = here(2, Fate::NoEffect, 86_401);
        let cause = Record { cause: Cause::MemoryLeak, ..here(3, Fate::NoEffect, 60) };
        let unclear = here(4, Fate::Unclear, 60);
        let alone = here(5, Fate::Alone, 60);
        let one = here(6, Fate::NoEffect, 86_400);
        let records = [other, late, cause, unclear, alone, one];
        assert_eq!(past(&records).used_up, BTreeMap::new());
        let nowhere = Past::of(&records, None, CAUSE, at(0), &RepeatLimits::default());
        assert_eq!(nowhere.used_up, BTreeMap::new());
    }

    #[test]
    fn the_share_that_helped_is_drawn_towards_a_half_when_little_is_known() {
        let records = [
            here(1, Fate::Effective, 900_000),
            Record { target: Some(target("api")), ..record(2, Fate::NoEffect, 800_000) },
            here(3, Fate::Effective, 700_000),
            here(4, Fate::Unclear, 600_000),
        ];
        assert_eq!(past(&records).helped, BTreeMap::from([("high-memory".into(), 3.0 / 5.0)]));
        assert_eq!(past(&[]).helped, BTreeMap::new());
    }
}
