//! Records to figures.

use super::calibration::Calibration;
use super::proportion::{Interval, Share};
use super::record::{Fate, Record};
use super::survival::Survival;
use super::trend::Trend;
use crate::domain::diagnosis::{Cause, words};
use crate::domain::id::RemediationId;
use crate::domain::time::{Timestamp, plus, seconds_between};
use serde::Serialize;
use std::collections::BTreeMap;

/// Fewer cases than this are too few for a rate.
pub const ENOUGH: u32 = 10;
/// Weeks that charts show, the last one up to now.
pub const WEEKS: usize = 8;
const WEEK_S: i64 = 7 * 86_400;
/// After how many seconds it is asked whether it came back.
const RETURNS_S: [u64; 3] = [3_600, 86_400, 604_800];

words!(
    /// What figures are grouped by.
    By {
        /// Template and version.
        Template = "template",
        /// Pattern.
        Pattern = "pattern",
        /// Cause.
        Cause = "cause",
        /// Action; a case with several counts in each.
        Action = "action",
        /// Namespace.
        Namespace = "namespace",
    }
);

words!(
    /// What is shown about a group against those that were left alone.
    Shown {
        /// Fewer than ten cases.
        TooEarly = "too early",
        /// Fewer than ten were left alone.
        AloneTooFew = "alone <10",
        /// The interval of the difference is above 0.
        Better = "better",
        /// It holds 0.
        Unproven = "unproven",
        /// It is below 0.
        Worse = "worse",
    }
);

/// Cases by what they count as.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Helped.
    pub effective: u32,
    /// Did not help.
    pub no_effect: u32,
    /// Made it worse.
    pub regressed: u32,
    /// Can't be told; not in `n`.
    pub unclear: u32,
}

impl Counts {
    fn count(&mut self, fate: Fate) {
        match fate {
            Fate::Effective => self.effective += 1,
            Fate::NoEffect => self.no_effect += 1,
            Fate::Regressed => self.regressed += 1,
            Fate::Unclear => self.unclear += 1,
            Fate::Alone => {}
        }
    }

    /// Those that were decided.
    #[must_use]
    pub fn n(self) -> u32 {
        self.effective + self.no_effect + self.regressed
    }

    fn share(self) -> Share {
        Share { hits: self.effective, of: self.n() }
    }
}

/// How often it came back after so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Returns {
    /// Seconds after the end.
    pub within_s: u64,
    /// Of the effective ones that are old enough, those that came back within.
    pub share: Share,
    /// Effective ones that are too young to say, and have not come back.
    pub too_young: u32,
}

/// One week of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Week {
    /// Its first moment.
    pub from: Timestamp,
    /// What ended in it.
    pub counts: Counts,
}

/// Figures of one group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// Its name.
    pub key: String,
    /// Counts.
    pub counts: Counts,
    /// Success rate, from 0 to 1; `None` below [`ENOUGH`].
    pub rate: Option<f64>,
    /// Wilson's interval of it, 95 %.
    pub interval: Option<Interval>,
    /// Those left alone, and how many went away by themselves within an hour.
    pub alone: Share,
    /// Newcombe's interval of the difference to those, 95 %; `None` while either side has too few.
    pub against_alone: Option<Interval>,
    /// What that shows.
    pub shown: Shown,
    /// Signed effect from −1 to 1: (effective − regressed) / n. Harm is worse than no change. `None` below [`ENOUGH`].
    pub effect: Option<f64>,
    /// Time to recovery of those that were treated; what has not recovered counts.
    pub recovery: Survival,
    /// Recurrence.
    pub returns: Vec<Returns>,
    /// The last weeks, oldest first.
    pub weeks: Vec<Week>,
    /// Trend of the rate over them; `None`: too few to test.
    pub trend: Option<Trend>,
    /// Confidence against outcome.
    pub calibration: Calibration,
    /// The records that it is made of, newest first.
    pub records: Vec<RemediationId>,
}

/// All groups of a period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Assessment {
    /// What is grouped by.
    pub by: By,
    /// From when; `None`: from the first record.
    pub since: Option<Timestamp>,
    /// Until when.
    pub until: Timestamp,
    /// Cases that were decided, that are unclear, and that were left alone.
    pub decided: u32,
    /// Unclear ones.
    pub unclear: u32,
    /// Left alone.
    pub alone: u32,
    /// Groups, those with most decided cases first.
    pub groups: Vec<Figures>,
}

/// Groups the records that `fits` and ended since, and computes their figures.
#[must_use]
pub fn assess(
    records: &[Record],
    by: By,
    since: Option<Timestamp>,
    now: Timestamp,
    fits: impl Fn(&Record) -> bool,
) -> Assessment {
    let taken = records
        .iter()
        .filter(|record| since.is_none_or(|since| record.ended_at >= since) && fits(record))
        .collect::<Vec<_>>();
    let mut groups = BTreeMap::<String, Vec<&Record>>::new();
    for record in &taken {
        for key in keys(record, by) {
            groups.entry(key).or_default().push(record);
        }
    }
    let mut groups = groups.into_iter().map(|(key, of)| figures(key, &of, now)).collect::<Vec<_>>();
    groups.sort_by(|one, other| {
        other.counts.n().cmp(&one.counts.n()).then_with(|| one.key.cmp(&other.key))
    });
    let mut counts = Counts::default();
    for record in &taken {
        counts.count(record.fate);
    }
    let alone = taken.iter().filter(|record| record.fate == Fate::Alone).count();
    Assessment {
        by,
        since,
        until: now,
        decided: counts.n(),
        unclear: counts.unclear,
        alone: u32::try_from(alone).unwrap_or(u32::MAX),
        groups,
    }
}

/// Figures of one template (`name@version`) for one cause; `None`: there is no record.
#[must_use]
pub fn of_template(
    records: &[Record],
    template: &str,
    cause: Cause,
    now: Timestamp,
) -> Option<Figures> {
    let fits = |record: &&Record| {
        record.cause == cause && record.template.as_deref().is_some_and(|own| own == template)
    };
    let of = records.iter().filter(fits).collect::<Vec<_>>();
    (!of.is_empty()).then(|| figures(template.to_string(), &of, now))
}

fn keys(record: &Record, by: By) -> Vec<String> {
    match by {
        By::Template => record.template.iter().cloned().collect(),
        By::Pattern => vec![record.pattern.word().into()],
        By::Cause => vec![record.cause.word().into()],
        By::Action => record.actions.clone(),
        By::Namespace => {
            let target = record.target.as_ref();
            let name = target.map_or("", |key| key.namespace.as_str());
            vec![if name.is_empty() { "(cluster)".into() } else { name.into() }]
        }
    }
}

fn figures(key: String, of: &[&Record], now: Timestamp) -> Figures {
    let (mut counts, mut alone) = (Counts::default(), Share::default());
    for record in of {
        counts.count(record.fate);
        if record.fate == Fate::Alone
            && let Some(away) = record.went_away(now)
        {
            alone.count(away);
        }
    }
    let share = counts.share();
    let enough = share.of >= ENOUGH;
    let against_alone = (enough && alone.of >= ENOUGH).then(|| share.minus(alone)).flatten();
    let treated = || of.iter().filter(|record| record.fate != Fate::Alone);
    let weeks = weeks(of, now);
    let shares = weeks.iter().map(|week| week.counts.share()).collect::<Vec<_>>();
    let decided = treated().filter(|record| record.fate != Fate::Unclear);
    let said = decided.map(|record| (record.confidence, record.fate == Fate::Effective));
    Figures {
        key,
        counts,
        rate: share.rate().filter(|_| enough),
        interval: share.wilson().filter(|_| enough),
        alone,
        shown: shown(enough, alone, against_alone),
        against_alone,
        effect: enough.then(|| {
            (f64::from(counts.effective) - f64::from(counts.regressed)) / f64::from(counts.n())
        }),
        recovery: Survival::of(&treated().map(|record| record.recovery()).collect::<Vec<_>>()),
        returns: RETURNS_S.iter().map(|within_s| returns(of, *within_s, now)).collect(),
        trend: if enough { Trend::of(&shares) } else { None },
        weeks,
        calibration: Calibration::of(&said.collect::<Vec<_>>()),
        records: of.iter().rev().map(|record| record.id.clone()).collect(),
    }
}

fn shown(enough: bool, alone: Share, against_alone: Option<Interval>) -> Shown {
    if !enough {
        return Shown::TooEarly;
    }
    let Some(interval) = against_alone.filter(|_| alone.of >= ENOUGH) else {
        return Shown::AloneTooFew;
    };
    if interval.low > 0.0 {
        Shown::Better
    } else if interval.high < 0.0 {
        Shown::Worse
    } else {
        Shown::Unproven
    }
}

fn returns(of: &[&Record], within_s: u64, now: Timestamp) -> Returns {
    let (mut share, mut too_young) = (Share::default(), 0);
    for record in of.iter().filter(|record| record.fate == Fate::Effective) {
        let limit = plus(record.ended_at, within_s);
        if record.back_at.is_some_and(|back| back <= limit) {
            share.count(true);
        } else if now < limit {
            too_young += 1;
        } else {
            share.count(false);
        }
    }
    Returns { within_s, share, too_young }
}

fn weeks(of: &[&Record], now: Timestamp) -> Vec<Week> {
    let mut weeks = Vec::with_capacity(WEEKS);
    for back in (1..=WEEKS).rev() {
        let ago = i64::try_from(back).unwrap_or(0) * WEEK_S;
        let from = now - chrono::TimeDelta::seconds(ago);
        let mut counts = Counts::default();
        for record in of {
            let age = seconds_between(from, record.ended_at);
            if (0..WEEK_S).contains(&age) || (back == 1 && age == WEEK_S) {
                counts.count(record.fate);
            }
        }
        weeks.push(Week { from, counts });
    }
    weeks
}
