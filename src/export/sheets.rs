//! What the reports of a period and the handover lay out as lists and tables, in plain text: each form escapes and draws
//! them in its own way.

use super::tables::{Fact, Table};
use crate::domain::effectiveness::{Assessment, Figures, Interval};
use crate::domain::report::handover::{BreakerLine, CaseLine, Handover, StopLine};
use crate::domain::report::period::{Counts, Period, STANDINGS};
use crate::domain::resource::ObjectKey;
use crate::domain::time::{Timestamp, rfc3339};

/// What the period is, and what is stopped.
#[must_use]
pub fn about(period: &Period) -> Vec<Fact> {
    let mut facts = vec![
        ("Cluster", format!("{} (uid {})", period.cluster, period.cluster_uid)),
        ("Since", rfc3339(period.since)),
        ("Until", rfc3339(period.until)),
        ("Made", rfc3339(period.made_at)),
    ];
    facts.extend(period.filter.namespace.iter().map(|name| ("Namespace", name.clone())));
    facts.extend(period.filter.template.iter().map(|name| ("Template", name.clone())));
    let before = match period.opened_before {
        0 => String::new(),
        before => format!(", {before} of them opened before it"),
    };
    facts.push(("Remediations", format!("{}{before}", period.remediations.len())));
    facts.extend(stopped(period.stop.as_ref(), &period.breakers));
    facts
}

/// What is stopped, or that nothing is.
#[must_use]
pub fn stopped(stop: Option<&StopLine>, breakers: &[BreakerLine]) -> Vec<Fact> {
    let words = stop.map_or_else(
        || "nothing".into(),
        |stop| format!("everything, by {} since {}: {}", stop.by, rfc3339(stop.since), stop.reason),
    );
    let breakers = breakers.iter().map(|one| {
        let since = rfc3339(one.since);
        ("Breaker", format!("{} {} since {since}: {}", one.destination, one.state, one.cause))
    });
    [("Stopped", words)].into_iter().chain(breakers).collect()
}

/// Cases by how they stand, those that there are.
#[must_use]
pub fn standings(counts: &Counts) -> Table {
    let there = |standing: &str| counts.get(standing).copied().filter(|count| *count > 0);
    let rows = STANDINGS.iter().filter_map(|standing| {
        Some(vec![standing.replace('_', " "), there(standing)?.to_string()])
    });
    Table { heads: &["came out", "cases"], rows: rows.collect() }
}

/// How well each group did.
#[must_use]
pub fn effectiveness(assessment: &Assessment) -> Table {
    let heads = &[
        "template",
        "n",
        "effective",
        "no effect",
        "worse",
        "unclear",
        "rate",
        "95 %",
        "left alone",
        "effect",
        "against alone",
    ];
    Table { heads, rows: assessment.groups.iter().map(figures).collect() }
}

fn figures(group: &Figures) -> Vec<String> {
    let counts = group.counts;
    let none = || "too early".to_string();
    vec![
        group.key.clone(),
        counts.n().to_string(),
        counts.effective.to_string(),
        counts.no_effect.to_string(),
        counts.regressed.to_string(),
        counts.unclear.to_string(),
        group.rate.map_or_else(none, |rate| format!("{:.0} %", rate * 100.0)),
        group.interval.map_or_else(String::new, points),
        group.alone.to_string(),
        group.effect.map_or_else(String::new, |effect| format!("{effect:+.2}")),
        group.shown.to_string(),
    ]
}

fn points(interval: Interval) -> String {
    format!("{:.1} to {:.1}", interval.low * 100.0, interval.high * 100.0)
}

/// A row for each case of the period.
#[must_use]
pub fn remediations(period: &Period) -> Table {
    let rows = period.remediations.iter().map(|row| {
        let target = row.target.as_ref().map(ObjectKey::short_path);
        let cause = row.cause.map(|cause| cause.to_string());
        let template = row.template.as_ref().map(|template| format!(" ({template})"));
        vec![
            row.id.as_str().to_string(),
            rfc3339(row.opened_at),
            target.unwrap_or_else(|| "(no object)".into()),
            cause.unwrap_or_default(),
            format!("{}{}", row.what, template.unwrap_or_default()),
            row.outcome.as_deref().unwrap_or(row.state.word()).replace('_', " "),
            row.decided_by.join(", "),
        ]
    });
    let heads = &["id", "opened", "target", "cause", "what", "came out", "decided by"];
    Table { heads, rows: rows.collect() }
}

/// Cases with the command that goes on with each.
#[must_use]
pub fn cases(lines: &[CaseLine]) -> Table {
    let rows = lines.iter().map(|line| {
        let state = line.outcome.as_deref().unwrap_or(line.state.word()).replace('_', " ");
        let why = if line.what.contains(&line.why) { "" } else { line.why.as_str() };
        vec![
            line.id.as_str().to_string(),
            state,
            line.target.clone(),
            [line.what.as_str(), why]
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect::<Vec<_>>()
                .join(": "),
            rfc3339(line.since),
            line.until.map(rfc3339).unwrap_or_default(),
            commands(line),
        ]
    });
    let heads = &["id", "state", "target", "what", "since", "until", "go on with"];
    Table { heads, rows: rows.collect() }
}

/// The commands, whole.
#[must_use]
pub fn commands(line: &CaseLine) -> String {
    if line.command.is_empty() {
        return String::new();
    }
    format!("pilothouse {}", line.command.replace("; ", "; pilothouse "))
}

/// What the handover covers, and what is stopped.
#[must_use]
pub fn covers(handover: &Handover) -> Vec<Fact> {
    let mut facts = vec![
        ("Cluster", handover.cluster.clone()),
        ("Since", format!("{} ({})", rfc3339(handover.since), handover.since_why)),
        ("Until", rfc3339(handover.until)),
    ];
    facts.extend(stopped(handover.stop.as_ref(), &handover.breakers));
    if handover.alerts_only_recorded > 0 {
        let count = handover.alerts_only_recorded.to_string();
        facts.push(("Alerts that opened no case", count));
    }
    facts
}

/// The lists of a handover with their titles, in order.
#[must_use]
pub fn lists(handover: &Handover) -> [(&'static str, &[CaseLine]); 4] {
    [
        ("Needs you", &handover.waits),
        ("Held", &handover.held),
        ("Goes on by itself", &handover.acting),
        ("Ended since", &handover.ended),
    ]
}

/// What people did.
#[must_use]
pub fn people(handover: &Handover) -> Table {
    let rows = handover.people.iter().map(|deed| {
        let id = deed.id.as_ref().map_or(String::new(), |id| id.as_str().to_string());
        vec![deed.event.to_string(), rfc3339(deed.at), id, deed.text.clone()]
    });
    Table { heads: &["event", "at", "id", "what"], rows: rows.collect() }
}

/// A day, or a day and an hour, as charts and titles write it.
#[must_use]
pub fn day(at: Timestamp, with_hour: bool) -> String {
    at.format(if with_hour { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d" }).to_string()
}
