use super::*;
use crate::domain::diagnosis::{Cause, Pattern};
use crate::domain::event::Outcome;
use crate::domain::id::RemediationId;
use crate::domain::time::Timestamp;
use serde_json::Value;

/// Made once by a reference implementation; its versions are in `from`.
fn reference() -> Value {
    serde_json::from_str(include_str!("../../../tests/fixtures/statistics.json")).unwrap()
}

fn near(ours: f64, theirs: &Value) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() < 1e-9, "{ours} is not {theirs}");
}

fn rows(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

fn whole(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

#[test]
fn wilsons_interval_is_that_of_the_reference() {
    for row in rows(&reference()["wilson"]) {
        let ours = Share { hits: whole(&row[0]), of: whole(&row[1]) }.wilson().unwrap();
        near(ours.low, &row[2]);
        near(ours.high, &row[3]);
    }
    assert_eq!(Share::default().wilson(), None);
}

#[test]
fn newcombes_interval_is_that_of_the_reference() {
    for row in rows(&reference()["newcombe"]) {
        let one = Share { hits: whole(&row[0]), of: whole(&row[1]) };
        let other = Share { hits: whole(&row[2]), of: whole(&row[3]) };
        let ours = one.minus(other).unwrap();
        near(ours.low, &row[4]);
        near(ours.high, &row[5]);
        assert_eq!(one.minus(Share::default()), None);
    }
}

#[test]
fn the_trend_test_is_that_of_the_reference() {
    for row in rows(&reference()["trend"]) {
        let periods = rows(&row["periods"])
            .iter()
            .map(|pair| Share { hits: whole(&pair[0]), of: whole(&pair[1]) })
            .collect::<Vec<_>>();
        let ours = Trend::of(&periods).unwrap();
        near(ours.z, &row["z"]);
        near(ours.p, &row["p"]);
    }
    let one = |hits, of| Share { hits, of };
    assert_eq!(Trend::of(&[one(1, 5), one(3, 5)]), None, "two periods are no trend");
    assert_eq!(Trend::of(&[one(5, 5), one(3, 3), one(4, 4)]), None, "all went the same way");
    assert_eq!(Trend::of(&[]), None);
}

#[test]
fn time_to_recovery_is_that_of_the_reference_and_what_never_recovered_counts() {
    for row in rows(&reference()["survival"]) {
        let cases = rows(&row["cases"])
            .iter()
            .map(|case| (case[0].as_u64().unwrap(), case[1].as_u64() == Some(1)))
            .collect::<Vec<_>>();
        let ours = Survival::of(&cases);
        assert_eq!(ours.steps.len(), rows(&row["steps"]).len());
        for (step, theirs) in ours.steps.iter().zip(rows(&row["steps"])) {
            assert_eq!(step.0, theirs[0].as_u64().unwrap());
            near(step.1, &theirs[1]);
        }
        for (share, theirs) in [(0.5, &row["p50"]), (0.9, &row["p90"])] {
            let ours = ours.quantile(share).and_then(|seconds| u32::try_from(seconds).ok());
            let theirs = theirs.as_f64();
            assert_eq!(ours.map(f64::from), theirs);
        }
    }
    assert_eq!(Survival::of(&[]).quantile(0.5), None);
    assert_eq!(Survival::of(&[(60, false)]).quantile(0.5), None, "one that never recovered");
}

#[test]
fn calibration_is_that_of_the_reference() {
    for row in rows(&reference()["calibration"]) {
        let cases = rows(&row["cases"])
            .iter()
            .map(|case| (case[0].as_f64().unwrap(), case[1].as_u64() == Some(1)))
            .collect::<Vec<_>>();
        let ours = Calibration::of(&cases);
        near(ours.brier.unwrap(), &row["brier"]);
        near(ours.bias.unwrap(), &row["bias"]);
        near(ours.off.unwrap().0, &row["z"]);
        near(ours.off.unwrap().1, &row["p"]);
        let in_bins = ours.bins.iter().map(|bin| bin.came_true.of).sum::<u32>();
        assert_eq!(in_bins as usize, cases.len(), "each case is in one bin");
    }
    let sure = Calibration::of(&[vec![(0.9, true); 8], vec![(0.9, false); 8]].concat());
    assert_eq!(sure.word(), "too sure");
    assert_eq!(Calibration::of(&[]).word(), "too early");
}

#[test]
fn the_five_records_of_the_project_before_have_the_figures_that_it_should_have_had() {
    let scores = [0.85, 0.90, 0.20, 0.88, 0.75];
    let mut share = Share::default();
    for score in scores {
        share.count(score >= 0.7);
    }
    assert_eq!(share, Share { hits: 4, of: 5 });
    let interval = share.wilson().unwrap();
    assert_eq!(format!("{:.1}–{:.1}", interval.low * 100.0, interval.high * 100.0), "37.6–96.4");
}

const NOW: i64 = 1_800_000_000;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_timestamp(NOW + seconds, 0).unwrap()
}

pub(super) fn record(number: u32, fate: Fate, ago: i64) -> Record {
    Record {
        id: RemediationId::new(format!("r{number}")),
        target: None,
        pattern: Pattern::HighMemory,
        cause: Cause::LimitTooSmall,
        confidence: 0.9,
        template: Some("high-memory@3".into()),
        actions: vec!["set_resources".into()],
        fate,
        outcome: Outcome::Effective,
        opened_at: at(-ago - 600),
        ended_at: at(-ago),
        recovered_at: (fate == Fate::Effective).then(|| at(-ago - 300)),
        back_at: None,
    }
}

fn of(effective: u32, no_effect: u32, regressed: u32, alone: (u32, u32)) -> Vec<Record> {
    let mut all = Vec::new();
    let mut add = |count, fate, away: bool| {
        for _ in 0..count {
            let number = u32::try_from(all.len()).unwrap();
            let mut one = record(number, fate, 86_400 * i64::from(number + 1));
            if away {
                one.recovered_at = Some(one.ended_at);
            }
            all.push(one);
        }
    };
    add(effective, Fate::Effective, false);
    add(no_effect, Fate::NoEffect, false);
    add(regressed, Fate::Regressed, false);
    add(alone.0, Fate::Alone, true);
    add(alone.1 - alone.0, Fate::Alone, false);
    all
}

fn one_group(records: &[Record]) -> Figures {
    let mut assessment = assess(records, By::Template, None, at(0), |_| true);
    assert_eq!(assessment.groups.len(), 1);
    assessment.groups.remove(0)
}

#[test]
fn below_ten_cases_there_are_counts_and_no_rate() {
    let figures = one_group(&of(6, 2, 1, (0, 20)));
    assert_eq!(figures.counts.n(), 9);
    assert_eq!((figures.rate, figures.interval, figures.effect), (None, None, None));
    assert_eq!(figures.shown, Shown::TooEarly);
    assert_eq!(figures.trend, None);
}

#[test]
fn a_rate_is_shown_against_those_that_were_left_alone() {
    let figures = one_group(&of(31, 5, 2, (4, 19)));
    assert_eq!(figures.rate.map(|rate| (rate * 100.0).round()), Some(82.0));
    assert_eq!(figures.alone, Share { hits: 4, of: 19 });
    assert_eq!(figures.shown, Shown::Better);
    assert!((figures.effect.unwrap() - 29.0 / 38.0).abs() < 1e-12);
    assert_eq!(one_group(&of(7, 6, 1, (8, 18))).shown, Shown::Unproven);
    assert_eq!(one_group(&of(1, 14, 5, (15, 16))).shown, Shown::Worse);
    assert_eq!(one_group(&of(12, 0, 0, (1, 9))).shown, Shown::AloneTooFew);
}

#[test]
fn harm_weighs_more_than_no_change() {
    let useless = one_group(&of(8, 4, 0, (0, 0))).effect.unwrap();
    let harmful = one_group(&of(8, 0, 4, (0, 0))).effect.unwrap();
    assert!(harmful < useless);
}

#[test]
fn what_is_unclear_is_counted_and_is_in_no_rate() {
    let mut records = of(10, 0, 0, (0, 0));
    records.push(record(99, Fate::Unclear, 50));
    let figures = one_group(&records);
    assert_eq!((figures.counts.n(), figures.counts.unclear), (10, 1));
    assert_eq!(figures.rate, Some(1.0));
}

#[test]
fn what_came_back_is_told_from_what_is_too_young_to_say() {
    let mut records = of(3, 0, 0, (0, 0));
    records[0].ended_at = at(-60);
    records[1].ended_at = at(-90_000);
    records[1].back_at = Some(at(-90_000 + 1_800));
    records[2].ended_at = at(-90_000);
    let figures = one_group(&records);
    let shares = figures.returns.iter().map(|one| (one.share, one.too_young)).collect::<Vec<_>>();
    let share = |hits, of| Share { hits, of };
    assert_eq!(shares, [(share(1, 2), 1), (share(1, 2), 1), (share(1, 1), 2)]);
}

#[test]
fn one_left_alone_a_moment_ago_is_neither_gone_nor_there() {
    let mut young = record(1, Fate::Alone, 60);
    young.recovered_at = None;
    assert_eq!(young.went_away(at(0)), None);
    assert_eq!(young.went_away(at(7_200)), Some(false));
    young.recovered_at = Some(young.opened_at);
    assert_eq!(young.went_away(at(0)), Some(true));
}

#[test]
fn a_period_and_a_filter_leave_the_others_out() {
    let records = of(12, 0, 0, (0, 0));
    let some = assess(&records, By::Cause, Some(at(-5 * 86_400)), at(0), |_| true);
    assert_eq!(some.decided, 5);
    let none = assess(&records, By::Cause, None, at(0), |_| false);
    assert!(none.groups.is_empty());
}
