//! Effectiveness: a group a line, on one axis; below it the figures of the selected one, or its records.
//!
//! ```text
//! ─ by template, all records ─── n ─ rate ─ 95% ─ alone ─ effect ──
//! › high-memory@3    38  82%  67-91   4/19  +0.76 better    ·   ▿   ├──▪──┤  ▆▇▆█
//! ```

use super::chrome;
use super::layout::Parts;
use crate::domain::effectiveness::{Assessment, Fate, Figures, Record, Share, Shown, Week};
use crate::domain::resource::ObjectKey;
use crate::domain::time::{countdown, seconds_between, spoken};
use crate::ui::format::{BARS, elide};
use crate::ui::glyphs;
use crate::ui::model::Model;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::{Position, Rect};

/// Columns of a row's words.
const WORDS: u16 = 79;
/// Columns of the axis from 0 to 100 %, and of the weeks beside it.
const AXIS: u16 = 27;
const WEEKS: u16 = 10;
/// Lines that the figures of a group take.
const DETAIL: u16 = 11;

/// Draws the screen.
pub fn draw(pen: &mut Pen<'_>, model: &Model, parts: &Parts) -> Option<Position> {
    let body = parts.body;
    let view = &model.figures;
    let title = format!("by {}, {}", view.by, view.period());
    let Some(assessment) = view.assessment().filter(|all| !all.groups.is_empty()) else {
        pen.rule(Rect { height: 1, ..body }, &Rich::of(Role::Title, &title), &Rich::new());
        let text = "no remediation ended in that time: there is nothing to count";
        pen.put(body.x + 2, body.y + 2, body.width, Role::TextDim, text);
        chrome::footer(pen, model, parts, "");
        return None;
    };
    pen.rule(Rect { height: 1, ..body }, &Rich::of(Role::Title, &title), &Rich::new());
    for (end, name) in [(38, "n"), (44, "rate"), (52, "95%"), (60, "alone"), (67, "effect")] {
        pen.right(body.x + end, body.y, Role::TextDim, &format!(" {name}"));
    }
    pen.put(body.x + 67, body.y, 1, Role::TextDim, " ");
    let wide = body.width >= WORDS + AXIS + WEEKS + 4;
    if wide {
        axis_title(pen, body);
    }
    let room = body.height.saturating_sub(DETAIL + 2).max(3);
    let shown = usize::from(room).min(assessment.groups.len());
    let top = (view.at + 1).saturating_sub(shown);
    let mut position = None;
    let mut y = body.y + 1;
    for (index, group) in assessment.groups.iter().enumerate().skip(top).take(shown) {
        let area = Rect::new(body.x, y, body.width, 1);
        row(pen, group, area, wide);
        if index == view.at {
            pen.put(body.x, y, 1, Role::Text, pen.glyph(glyphs::CURSOR));
            pen.over(area, Role::Cursor);
            position = Some(Position::new(body.x, y));
        }
        y += 1;
    }
    totals(pen, assessment, Rect::new(body.x, y, body.width, 1));
    y += 1;
    let below = Rect::new(body.x, y, body.width, body.bottom().saturating_sub(y));
    if let Some(selected) = view.record {
        position = records(pen, model, below, selected).or(position);
    } else if let Some(group) = view.group() {
        detail(pen, group, below);
    }
    let right = format!("{} of {}", view.at + 1, assessment.groups.len());
    chrome::footer(pen, model, parts, &right);
    position
}

fn axis_title(pen: &mut Pen<'_>, body: Rect) {
    let left = body.x + WORDS + 2;
    pen.put(left, body.y, AXIS, Role::TextDim, "0%    25%   50%   75%  100%");
    pen.put(left + AXIS + 3, body.y, WEEKS, Role::TextDim, "8 weeks");
}

fn row(pen: &mut Pen<'_>, group: &Figures, area: Rect, wide: bool) {
    let y = area.y;
    pen.put(area.x + 2, y, 31, Role::TextStrong, &elide(&group.key, 31));
    pen.right(area.x + 38, y, Role::Text, &group.counts.n().to_string());
    let (Some(rate), Some(interval), Some(effect)) = (group.rate, group.interval, group.effect)
    else {
        pen.put(area.x + 40, y, 39, Role::TextDim, &group.too_early());
        return;
    };
    pen.right(area.x + 44, y, Role::TextStrong, &format!("{:.0}%", rate * 100.0));
    let (low, high) = (interval.low * 100.0, interval.high * 100.0);
    pen.right(area.x + 52, y, Role::Text, &format!("{low:.0}-{high:.0}"));
    pen.right(area.x + 60, y, Role::Text, &group.alone.to_string());
    pen.right(area.x + 67, y, Role::Text, &format!("{effect:+.2}"));
    pen.put(area.x + 68, y, 11, word_role(group.shown), group.shown.word());
    if wide {
        let left = area.x + WORDS + 2;
        axis(pen, group, (left, y), (rate, interval.low, interval.high));
        pen.put(left + AXIS + 3, y, WEEKS, Role::TextDim, &spark(&group.weeks));
    }
}

fn word_role(shown: Shown) -> Role {
    match shown {
        Shown::Better => Role::Good,
        Shown::Worse => Role::Bad,
        Shown::Unproven => Role::Unsure,
        Shown::TooEarly | Shown::AloneTooFew => Role::TextDim,
    }
}

/// Rate, interval, and what went away when left alone, on the same axis in all rows.
fn axis(pen: &mut Pen<'_>, group: &Figures, (x, y): (u16, u16), rate: (f64, f64, f64)) {
    for part in 0..=4 {
        pen.put(x + part * (AXIS - 1) / 4, y, 1, Role::TextDim, "·");
    }
    let (from, to) = (column(rate.1), column(rate.2));
    for at in from..=to {
        let sign = if at == from {
            "├"
        } else if at == to {
            "┤"
        } else {
            "─"
        };
        pen.put(x + at, y, 1, Role::Text, sign);
    }
    if let Some(alone) = group.alone.rate() {
        pen.put(x + column(alone), y, 1, Role::Unsure, "▿");
    }
    pen.put(x + column(rate.0), y, 1, Role::TextStrong, "▪");
}

/// The column of a share on the axis.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and AXIS")]
fn column(share: f64) -> u16 {
    (share.clamp(0.0, 1.0) * f64::from(AXIS - 1)).round() as u16
}

/// The rate of each week; a blank: nothing was decided.
fn spark(weeks: &[Week]) -> String {
    weeks
        .iter()
        .map(|week| {
            let share = Share { hits: week.counts.effective, of: week.counts.n() };
            if share.of == 0 {
                return " ";
            }
            let height = usize::try_from(share.hits * 7 / share.of).unwrap_or(0);
            BARS.get(height).copied().unwrap_or("█")
        })
        .collect()
}

fn totals(pen: &mut Pen<'_>, all: &Assessment, area: Rect) {
    let text = format!(
        "{} decided, {} unclear, {} left alone   ▪ rate, Wilson 95%   ▿ went away when left alone",
        all.decided, all.unclear, all.alone
    );
    pen.put(area.x + 2, area.y, area.width.saturating_sub(2), Role::TextDim, &text);
}

fn detail(pen: &mut Pen<'_>, group: &Figures, area: Rect) {
    let count = format!("Enter the {} records", group.records.len());
    pen.rule(
        Rect { height: 1, ..area },
        &Rich::of(Role::Title, &group.key),
        &Rich::of(Role::TextDim, &count),
    );
    let mut y = area.y + 1;
    for (label, words) in group.lines() {
        let line = Rich::of(Role::Title, &format!("{label:<12} ")).and(Role::Text, &words);
        for part in line.wrapped(usize::from(area.width.saturating_sub(2)), 13) {
            if y >= area.bottom() {
                return;
            }
            pen.rich(area.x + 1, y, area.width.saturating_sub(2), &part);
            y += 1;
        }
    }
    outcomes(pen, group, Rect { y: y + 1, height: area.bottom().saturating_sub(y + 1), ..area });
}

/// Outcomes of each week, one line a kind, where there is room.
fn outcomes(pen: &mut Pen<'_>, group: &Figures, area: Rect) {
    if area.height < 5 {
        return;
    }
    pen.put(area.x + 1, area.y, 20, Role::Title, "outcomes, week of");
    for (index, week) in group.weeks.iter().enumerate() {
        let end = area.x + 24 + u16::try_from(index).unwrap_or(0) * 7;
        pen.right(end + 6, area.y, Role::TextDim, &week.from.format("%m-%d").to_string());
    }
    let kinds = [Fate::Effective, Fate::NoEffect, Fate::Regressed, Fate::Unclear];
    for (fate, y) in kinds.into_iter().zip(area.y + 1..area.bottom()) {
        pen.put(area.x + 2, y, 22, role(fate), &fate_words(fate));
        for (index, week) in group.weeks.iter().enumerate() {
            let end = area.x + 24 + u16::try_from(index).unwrap_or(0) * 7;
            let text = match count(week, fate) {
                0 => "-".to_string(),
                some => some.to_string(),
            };
            pen.right(end + 6, y, Role::Text, &text);
        }
    }
}

fn count(week: &Week, fate: Fate) -> u32 {
    match fate {
        Fate::Effective => week.counts.effective,
        Fate::NoEffect => week.counts.no_effect,
        Fate::Regressed => week.counts.regressed,
        Fate::Unclear => week.counts.unclear,
        Fate::Alone => 0,
    }
}

fn role(fate: Fate) -> Role {
    match fate {
        Fate::Effective => Role::Good,
        Fate::Regressed => Role::Bad,
        Fate::NoEffect => Role::Text,
        Fate::Unclear | Fate::Alone => Role::TextDim,
    }
}

fn fate_words(fate: Fate) -> String {
    let sign = match fate {
        Fate::Effective => "✓",
        Fate::NoEffect => "▪",
        Fate::Regressed => "✗",
        Fate::Unclear => "▫",
        Fate::Alone => "▿",
    };
    format!("{sign} {}", fate.word().replace('_', " "))
}

fn records(pen: &mut Pen<'_>, model: &Model, area: Rect, selected: usize) -> Option<Position> {
    let view = &model.figures;
    let key = view.group().map_or("", |group| group.key.as_str());
    let count = format!("{} records", view.count());
    let title = Rich::of(Role::Title, &format!("records of {key}"));
    pen.rule(Rect { height: 1, ..area }, &title, &Rich::of(Role::TextDim, &count));
    let lines = usize::from(area.height.saturating_sub(1));
    let top = (selected + 1).saturating_sub(lines);
    let mut position = None;
    let shown = (top..).zip(view.records(top)).take(lines);
    for ((index, record), y) in shown.zip(area.y + 1..area.bottom()) {
        record_row(pen, model, record, Rect::new(area.x, y, area.width, 1));
        if index == selected {
            pen.put(area.x, y, 1, Role::Text, pen.glyph(glyphs::CURSOR));
            pen.over(Rect::new(area.x, y, area.width, 1), Role::Cursor);
            position = Some(Position::new(area.x, y));
        }
    }
    position
}

fn record_row(pen: &mut Pen<'_>, model: &Model, record: &Record, area: Rect) {
    pen.put(area.x + 2, area.y, 5, Role::TextStrong, model.short(&record.id));
    pen.put(area.x + 7, area.y, 13, role(record.fate), &fate_words(record.fate));
    let target = record.target.as_ref().map_or_else(|| "-".into(), ObjectKey::short_path);
    pen.put(area.x + 20, area.y, 33, Role::Text, &elide(&target, 32));
    let (seconds, well) = record.recovery();
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let recovery = if well { countdown(seconds) } else { "not seen well".into() };
    pen.right(area.x + 67, area.y, Role::TextDim, &recovery);
    let ago = spoken(seconds_between(record.ended_at, model.now()));
    pen.right(area.x + 78, area.y, Role::TextDim, &format!("{ago} ago"));
}
