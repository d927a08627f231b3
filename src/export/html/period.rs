//! A period as a page: how cases came out and when they were opened, how well templates did, what waits, and all of them.

use super::chart::{Anchor, Axis, Chart, WIDTH, length};
use super::page::{Page, outcome_class};
use crate::domain::effectiveness::{Assessment, Figures};
use crate::domain::report::period::{Counts, Period, STANDINGS};
use crate::domain::text::shorten;
use crate::domain::time::{plus, spoken};
use crate::export::sheets;

/// Where the bars of the chart of templates begin, and how wide they may be.
const LEFT: f64 = 190.0;
const ROOM: f64 = 400.0;
/// Height of its rows.
const ROW: f64 = 28.0;
/// Height of the columns.
const HIGH: f64 = 120.0;
/// Templates that are drawn; all are in the table.
const DRAWN: usize = 20;

/// The report of a period.
#[must_use]
pub fn period(period: &Period) -> String {
    let (since, until) = (sheets::day(period.since, true), sheets::day(period.until, true));
    let title = format!("Remediations on {}, {since} to {until}", period.cluster);
    let mut page = Page::open(&title);
    page.simulated(period.simulated.as_deref());
    let class = if period.stop.is_some() { "bad" } else { "open" };
    page.start("header", &[("class", class)]).raw("<p class=\"kind\">Remediations on ");
    page.element("b", &[], &period.cluster).raw("</p>\n");
    page.element("h1", &[], &format!("{since} to {until}")).raw("\n");
    cards(&mut page, period);
    if let Some(stop) = &period.stop {
        page.raw("<p class=\"needs\">Everything is stopped by ").text(&stop.by).raw(": ");
        page.text(&stop.reason).raw("</p>\n");
    }
    page.raw("</header>\n");
    outcomes(&mut page, period);
    page.titled("Needs a person", &sheets::cases(&period.waits));
    page.titled("Held", &sheets::cases(&period.held));
    effectiveness(&mut page, &period.effectiveness);
    page.titled("Remediations", &sheets::remediations(period));
    page.section("What it covers").facts(&sheets::about(period)).raw("</section>\n");
    page.raw("<footer>\n<p>Head of the log when this was made: event ");
    page.text(&period.head_event.to_string()).raw(", ");
    page.element("code", &[], &period.head_hash).raw(". Times are UTC.</p>\n</footer>\n");
    page.close()
}

fn cards(page: &mut Page, period: &Period) {
    let assessed = &period.effectiveness;
    let cards = [
        ("remediations", period.remediations.len().to_string()),
        ("need a person", period.waits.len().to_string()),
        ("held", period.held.len().to_string()),
        ("treated, and the effect known", assessed.decided.to_string()),
        ("left alone", assessed.alone.to_string()),
    ];
    page.raw("<ul class=\"cards\">\n");
    for (name, text) in cards {
        page.raw("<li>").element("span", &[], name).element("b", &[], &text).raw("</li>\n");
    }
    page.raw("</ul>\n");
}

fn fill(standing: &str) -> &'static str {
    match outcome_class(standing).0 {
        "good" => "f-good",
        "well" => "f-well",
        "bad" => "f-bad",
        "none" => "f-none",
        "unclear" => "f-unclear",
        "told" => "f-told",
        "off" => "f-off",
        "merged" => "f-merged",
        _ => "f-open",
    }
}

fn count(counts: &Counts, standing: &str) -> usize {
    counts.get(standing).copied().unwrap_or(0) as usize
}

fn sum(counts: &Counts) -> usize {
    counts.values().map(|count| *count as usize).sum()
}

fn outcomes(page: &mut Page, period: &Period) {
    page.raw("<section>\n<h2>How they came out</h2>\n");
    let all = sum(&period.counts);
    if all == 0 {
        page.raw("<p class=\"soft\">There was none.</p>\n</section>\n");
        return;
    }
    page.raw("<ul class=\"legend\">");
    for standing in STANDINGS {
        let count = count(&period.counts, standing);
        if count > 0 {
            page.raw("<li>").start("i", &[("class", fill(standing))]).end("i");
            page.text(&format!("{} {count}", standing.replace('_', " "))).raw("</li>");
        }
    }
    page.raw("</ul>\n");
    let mut chart = Chart::start(page, 26.0, "how they came out");
    let mut left = 0.0;
    for standing in STANDINGS {
        let width = length(count(&period.counts, standing)) / length(all) * WIDTH;
        if width > 0.0 {
            chart.bar(fill(standing), left, 2.0, (width - 1.5).max(0.0), 20.0);
        }
        left += width;
    }
    chart.end();
    columns(page, period);
    page.raw("</section>\n");
}

/// A part of the period in words.
fn every(seconds: u64) -> String {
    match seconds {
        3_600 => "each hour".into(),
        86_400 => "each day".into(),
        604_800 => "each week".into(),
        other => format!("parts of {}", spoken(i64::try_from(other).unwrap_or(i64::MAX))),
    }
}

/// When they were opened.
fn columns(page: &mut Page, period: &Period) {
    let tallest = period.parts.iter().map(|part| sum(&part.counts)).max().unwrap_or(0);
    if tallest == 0 {
        return;
    }
    let title = format!("Opened in {}, by how they stand at the end", every(period.part_s));
    page.element("h3", &[], &title).raw("\n");
    let (left, room) = (34.0, WIDTH - 64.0);
    let last = period.parts.last().map_or(period.until, |part| plus(part.from, period.part_s));
    let axis = Axis::new(period.since, last, left, room);
    let mut chart = Chart::start(page, HIGH + 30.0, &title);
    let step = tallest.div_ceil(4).max(1);
    for value in (0..=tallest).step_by(step) {
        let y = 6.0 + HIGH - length(value) / length(tallest) * HIGH;
        chart.line("grid", (left, y), (left + room, y));
        chart.text("tick", Anchor::End, left - 6.0, y + 4.0, &value.to_string());
    }
    let width = (room / length(period.parts.len()) - 2.0).clamp(1.5, 40.0);
    for part in &period.parts {
        let mut top = 6.0 + HIGH;
        for standing in STANDINGS {
            let count = count(&part.counts, standing);
            if count > 0 {
                let height = length(count) / length(tallest) * HIGH;
                top -= height;
                chart.bar(fill(standing), axis.at(part.from) + 1.0, top, width, height);
            }
        }
    }
    for (moment, words) in axis.marks() {
        chart.text("tick", Anchor::Middle, axis.at(moment), HIGH + 24.0, &words);
    }
    chart.end();
}

fn effectiveness(page: &mut Page, assessment: &Assessment) {
    if assessment.groups.is_empty() {
        return;
    }
    page.section("Effectiveness");
    let drawn = assessment.groups.iter().filter(|group| group.interval.is_some());
    let drawn = drawn.take(DRAWN).collect::<Vec<_>>();
    if drawn.is_empty() {
        page.raw("<p class=\"soft\">Too early for rates: no template has ten decided cases.</p>\n");
    } else {
        page.raw("<ul class=\"legend\"><li><i class=\"after\"></i>success rate with its 95 % ");
        page.raw("interval (Wilson)</li><li><i class=\"hollow\"></i>went away by themselves, ");
        page.raw("left alone</li></ul>\n");
        rates(page, &drawn);
    }
    page.table(&sheets::effectiveness(assessment)).raw("</section>\n");
}

fn rates(page: &mut Page, groups: &[&Figures]) {
    let bottom = length(groups.len()) * ROW + 4.0;
    let mut chart = Chart::start(page, bottom + 20.0, "success rates with their intervals");
    for mark in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let x = LEFT + mark * ROOM;
        chart.line("grid", (x, 0.0), (x, bottom));
        let words = format!("{:.0} %", mark * 100.0);
        chart.text("tick", Anchor::Middle, x, bottom + 14.0, &words);
    }
    for (index, group) in groups.iter().enumerate() {
        let y = length(index) * ROW + ROW / 2.0 + 2.0;
        chart.text("label", Anchor::End, LEFT - 12.0, y + 4.0, &shorten(&group.key, 26));
        let (Some(rate), Some(interval)) = (group.rate, group.interval) else { continue };
        let (from, to) = (LEFT + interval.low * ROOM, LEFT + interval.high * ROOM);
        chart.line("range", (from, y), (to, y));
        chart.dot("after", LEFT + rate * ROOM, y);
        if let Some(alone) = group.alone.rate() {
            chart.dot("hollow", LEFT + alone * ROOM, y);
        }
        let words = format!(
            "{:.0} % of {} ({:.0}-{:.0})",
            rate * 100.0,
            group.counts.n(),
            interval.low * 100.0,
            interval.high * 100.0
        );
        chart.text("value", Anchor::Start, LEFT + ROOM + 14.0, y + 4.0, &words);
    }
    chart.end();
}
