//! What was measured before the first step and after the settle time, in pairs of bars.
//!
//! Each pair has a scale of its own from 0; what was not measured says so and has no bar.

use super::chart::{Anchor, Chart, length};
use super::page::Page;
use crate::domain::report::Report;
use crate::domain::verdict::Sample;
use std::collections::BTreeSet;

/// Where bars begin and how wide they may be.
const LEFT: f64 = 190.0;
const ROOM: f64 = 430.0;
/// Height of a pair.
const PAIR: f64 = 44.0;

/// One figure, twice.
#[derive(Debug, Clone, PartialEq)]
struct Pair {
    name: String,
    unit: String,
    before: Option<f64>,
    after: Option<f64>,
}

/// Draws them; nothing when nothing was measured.
pub fn draw(page: &mut Page, report: &Report) {
    let pairs = pairs(report);
    if pairs.is_empty() {
        return;
    }
    page.raw("<figure>\n<h3>Before and after</h3>\n<ul class=\"legend\"><li><i class=\"before\"></i>before ");
    page.raw("the first step</li><li><i class=\"after\"></i>after the settle time</li></ul>\n");
    let mut chart = Chart::start(page, length(pairs.len()) * PAIR, "measured before and after");
    for (index, pair) in pairs.iter().enumerate() {
        let top = length(index) * PAIR;
        let low = pair.before.unwrap_or(0.0).min(pair.after.unwrap_or(0.0)).min(0.0);
        let high = pair.before.unwrap_or(0.0).max(pair.after.unwrap_or(0.0)).max(0.0);
        let span = if high > low { high - low } else { 1.0 };
        chart.text("label", Anchor::End, LEFT - 12.0, top + 25.0, &pair.name);
        let zero = LEFT + (0.0 - low) / span * ROOM;
        chart.line("axis", (zero, top + 4.0), (zero, top + PAIR - 6.0));
        for (value, class, y) in
            [(pair.before, "before", top + 6.0), (pair.after, "after", top + 22.0)]
        {
            let Some(value) = value else {
                chart.text("value soft", Anchor::Start, zero + 6.0, y + 11.0, "not known");
                continue;
            };
            let end = LEFT + (value - low) / span * ROOM;
            if value.abs() > 0.0 {
                chart.bar(class, zero.min(end), y, (end - zero).abs(), 13.0);
            }
            let words = quantity(value, &pair.unit);
            chart.text("value", Anchor::Start, zero.max(end) + 6.0, y + 11.0, &words);
        }
    }
    chart.end();
    page.raw("</figure>\n");
}

fn pairs(report: &Report) -> Vec<Pair> {
    let Some(verdict) = &report.verdict else { return Vec::new() };
    let known = |sample: &&Sample| sample.readable;
    let before = verdict.before.as_deref().filter(known);
    let after = verdict.after.as_deref().filter(known);
    if before.is_none() && after.is_none() {
        return Vec::new();
    }
    let names = [before, after].into_iter().flatten().flat_map(counted).map(|(name, _)| name);
    let mut pairs = Vec::new();
    for name in unique(names) {
        let of = |sample: Option<&Sample>| {
            let all = sample.map(counted).unwrap_or_default();
            all.into_iter().find(|(own, _)| *own == name).map(|(_, count)| count)
        };
        let (before, after) = (of(before), of(after));
        let shown = name.starts_with("ready") || [before, after].iter().flatten().any(|n| *n > 0.0);
        if shown {
            pairs.push(Pair { name: name.into(), unit: String::new(), before, after });
        }
    }
    let measures = [before, after].into_iter().flatten().flat_map(|one| one.measures.keys());
    for name in measures.collect::<BTreeSet<_>>() {
        let of = |sample: Option<&Sample>| {
            let value = sample.and_then(|sample| sample.measures.get(name).copied());
            value.filter(|value| value.is_finite())
        };
        let wanted = report.plan.iter().flat_map(|plan| &plan.verification.measures);
        let unit = wanted.filter(|one| one.name == *name).map(|one| one.unit.clone()).next();
        pairs.push(Pair {
            name: name.clone(),
            unit: unit.unwrap_or_default(),
            before: of(before),
            after: of(after),
        });
    }
    pairs
}

fn unique(names: impl Iterator<Item = &'static str>) -> Vec<&'static str> {
    let mut out = Vec::new();
    for name in names {
        if !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

/// The counts of a sample.
fn counted(sample: &Sample) -> Vec<(&'static str, f64)> {
    let mut counts = Vec::new();
    if let Some(it) = &sample.workload {
        counts.extend([
            ("ready pods", it.ready),
            ("wanted pods", it.desired),
            ("restarts", it.restarts),
            ("crashing containers", it.crashing),
            ("OOM kills", it.oom_killed),
            ("failed runs", it.failed_runs),
        ]);
    }
    if let Some(pods) = &sample.pods {
        counts.extend([
            ("ready pods on it", pods.ready),
            ("pods on it", pods.all),
            ("pods without a node", pods.unplaced),
            ("failed pods", pods.failed),
        ]);
    }
    if let Some(endpoints) = &sample.endpoints {
        counts.extend([
            ("ready endpoints", endpoints.ready),
            ("endpoints not ready", endpoints.not_ready),
        ]);
    }
    if sample.alerts_firing >= 0 {
        counts.push(("alerts firing", sample.alerts_firing));
    }
    #[allow(clippy::cast_precision_loss, reason = "counts of pods are far below 2^52")]
    counts.into_iter().map(|(name, count)| (name, count as f64)).collect()
}

/// A value with its unit as people read it.
fn quantity(value: f64, unit: &str) -> String {
    match unit {
        "bytes" => {
            let mut scaled = value;
            let mut prefix = "";
            for next in ["Ki", "Mi", "Gi", "Ti", "Pi"] {
                if scaled.abs() < 1_024.0 {
                    break;
                }
                scaled /= 1_024.0;
                prefix = next;
            }
            format!("{} {prefix}B", rounded(scaled))
        }
        "share" => format!("{} %", rounded(value * 100.0)),
        "" => rounded(value),
        unit => format!("{} {unit}", rounded(value)),
    }
}

/// At most three digits behind a whole part, none that are 0.
fn rounded(value: f64) -> String {
    let digits = match value.abs() {
        0.0..10.0 => 3,
        10.0..1_000.0 => 1,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_string();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_people_read_them() {
        for (value, unit, words) in [
            (536_870_912.0, "bytes", "512 MiB"),
            (0.0, "bytes", "0 B"),
            (0.8734, "share", "87.3 %"),
            (0.0123, "s", "0.012 s"),
            (6.0, "", "6"),
            (-2.5, "1/h", "-2.5 1/h"),
            (123_456.7, "", "123457"),
        ] {
            assert_eq!(quantity(value, unit), words);
        }
    }
}
