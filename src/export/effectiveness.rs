//! Figures as lines for people.

use crate::domain::effectiveness::{Assessment, ENOUGH, Figures, Share};
use crate::domain::id::RemediationId;
use crate::domain::time::{rfc3339, spoken};
use std::fmt::Write;

/// Remediations of a group that are listed.
const LISTED: usize = 20;

/// All groups, a line each.
#[must_use]
pub fn table(cluster: &str, simulated: bool, assessment: &Assessment) -> String {
    let mut out = String::new();
    let simulated = if simulated { "SIMULATED " } else { "" };
    let since = assessment.since.map_or_else(|| "all records".into(), rfc3339);
    let _ = writeln!(
        out,
        "effectiveness on {simulated}{cluster}, by {}, since {since}: {} decided, {} unclear, {} left alone",
        assessment.by, assessment.decided, assessment.unclear, assessment.alone
    );
    if assessment.groups.is_empty() {
        out.push_str("no remediation ended in that time\n");
        return out;
    }
    let width = assessment.groups.iter().map(|group| group.key.chars().count()).max().unwrap_or(0);
    let width = width.max(assessment.by.word().len());
    let _ = writeln!(
        out,
        "{:<width$}  {:>4} {:>5} {:>5} {:>5} {:>7}  {:>4} {:>7}  {:>7}  {:>6}  against alone",
        assessment.by.word(),
        "n",
        "eff",
        "none",
        "worse",
        "unclear",
        "rate",
        "95%",
        "alone",
        "effect"
    );
    for group in &assessment.groups {
        let counts = group.counts;
        let (rate, interval) = match (group.rate, group.interval) {
            (Some(rate), Some(interval)) => {
                (percent(rate), format!("{:.0}-{:.0}", interval.low * 100.0, interval.high * 100.0))
            }
            (None, _) | (_, None) => ("-".into(), "-".into()),
        };
        let effect = group.effect.map_or_else(|| "-".into(), |effect| format!("{effect:+.2}"));
        let _ = writeln!(
            out,
            "{:<width$}  {:>4} {:>5} {:>5} {:>5} {:>7}  {rate:>4} {interval:>7}  {:>7}  {effect:>6}  {}",
            group.key,
            counts.n(),
            counts.effective,
            counts.no_effect,
            counts.regressed,
            counts.unclear,
            share(group.alone),
            group.shown,
        );
    }
    let _ = writeln!(
        out,
        "rate: effective of decided, Wilson 95 %; below {ENOUGH} it is too early. alone: went away within an hour, untreated"
    );
    out
}

/// One group, whole.
#[must_use]
pub fn group(group: &Figures, assessment: &Assessment) -> String {
    let counts = group.counts;
    let mut out = format!(
        "{} {}: {} decided: {} effective, {} no effect, {} regressed; {} unclear\n",
        assessment.by,
        group.key,
        counts.n(),
        counts.effective,
        counts.no_effect,
        counts.regressed,
        counts.unclear
    );
    let mut say = |name: &str, what: String| {
        let _ = writeln!(out, "  {name:<18} {what}");
    };
    say("rate", rate(group));
    say("left alone", alone(group));
    let effect = group.effect.map_or_else(|| too_early(group), |effect| format!("{effect:+.2}"));
    say("effect", effect);
    say("time to recovery", recovery(group));
    for returns in &group.returns {
        let name = format!("back within {}", spoken(i64::try_from(returns.within_s).unwrap_or(0)));
        let young = match returns.too_young {
            0 => String::new(),
            young => format!(" ({young} too young to say)"),
        };
        say(&name, format!("{}{young}", share(returns.share)));
    }
    say("trend, 8 weeks", trend(group));
    say("confidence", calibration(group));
    let ids = group.records.iter().take(LISTED).map(RemediationId::as_str).collect::<Vec<_>>();
    let more = group.records.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    say("made of", format!("{}{more}", ids.join(" ")));
    out
}

fn rate(group: &Figures) -> String {
    match (group.rate, group.interval) {
        (Some(rate), Some(interval)) => format!(
            "{}, 95 % interval {:.1} to {:.1} % (Wilson)",
            percent(rate),
            interval.low * 100.0,
            interval.high * 100.0
        ),
        (None, _) | (_, None) => too_early(group),
    }
}

fn alone(group: &Figures) -> String {
    let went = format!("{} went away within an hour", share(group.alone));
    match group.against_alone {
        Some(interval) => format!(
            "{went}; difference {:+.0} to {:+.0} points (Newcombe 95 %): {}",
            interval.low * 100.0,
            interval.high * 100.0,
            group.shown
        ),
        None => format!("{went}: {}", group.shown),
    }
}

fn recovery(group: &Figures) -> String {
    let survival = &group.recovery;
    if survival.n == 0 {
        return "no case".into();
    }
    let part = |share: f64| {
        survival.quantile(share).map_or_else(
            || "not reached".to_string(),
            |seconds| spoken(i64::try_from(seconds).unwrap_or(i64::MAX)),
        )
    };
    let (half, most) = (part(0.5), part(0.9));
    format!(
        "half after {half}, nine of ten after {most}; {} of {} recovered (Kaplan-Meier)",
        survival.recovered, survival.n
    )
}

fn trend(group: &Figures) -> String {
    group.trend.map_or_else(
        || "too few to test".into(),
        |trend| format!("{} (Cochran-Armitage z {:+.2}, p {:.3})", trend.word(), trend.z, trend.p),
    )
}

fn calibration(group: &Figures) -> String {
    let calibration = &group.calibration;
    let brier = calibration.brier.map_or_else(String::new, |brier| format!(", Brier {brier:.3}"));
    let bins = calibration.bins.iter().filter_map(|bin| {
        Some(format!("said {:.2}: came true {}", bin.said?, share(bin.came_true)))
    });
    let bins = bins.collect::<Vec<_>>().join("; ");
    let bins = if bins.is_empty() { bins } else { format!("; {bins}") };
    format!("{}{brier}{bins}", calibration.word())
}

fn too_early(group: &Figures) -> String {
    format!("too early: {} of {ENOUGH} cases needed", group.counts.n())
}

fn share(share: Share) -> String {
    format!("{}/{}", share.hits, share.of)
}

fn percent(rate: f64) -> String {
    format!("{:.0}%", rate * 100.0)
}
