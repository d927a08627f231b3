//! Figures as lines for people.

use crate::domain::effectiveness::{Assessment, ENOUGH, Figures};
use crate::domain::id::RemediationId;
use crate::domain::time::rfc3339;
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
            group.alone,
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
    let mut out = format!("{} {}\n", assessment.by, group.key);
    for (label, words) in group.lines() {
        let _ = writeln!(out, "  {label:<12} {words}");
    }
    let ids = group.records.iter().take(LISTED).map(RemediationId::as_str).collect::<Vec<_>>();
    let more = group.records.len().saturating_sub(LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let _ = writeln!(out, "  {:<12} {}{more}", "made of", ids.join(" "));
    out
}

fn percent(rate: f64) -> String {
    format!("{:.0}%", rate * 100.0)
}
