//! Breakers: those that are not closed first, each with since when, what happens instead and what waits.
//!
//! ```text
//! ─ breakers 4 ───────────────────────── last hour, per 2m ─ calls ─ fail ─ slow ─
//! › ✗ open       prometheus    ▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▃█▇▂▂▁▂▁▁     41   83%    17%
//!                since 03:08:17Z, 12:50; probe 4 in 1:52, after 0:48 1:55 4:03 ✗
//!                instead: …; 2 remediations wait
//!   ✓ closed     cluster       …
//! ─ prometheus ────────────────────────────────────────── http://prometheus:9090 ─
//!  counts, opens, history
//! ```

use super::chrome;
use super::layout::Parts;
use crate::domain::breaker::{Counted, Destination, State, View};
use crate::domain::notify::ChannelShown;
use crate::domain::remediation::State as CaseState;
use crate::domain::time::{countdown, seconds_between};
use crate::ui::format::{BARS, clock, counted, cut, left};
use crate::ui::glyphs::{self, Shown};
use crate::ui::model::Model;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::{Position, Rect};

/// Columns of a row.
const COLUMNS: u16 = 80;
/// Fewer calls than these have no rate.
const RATE_FROM: u32 = 10;
/// Where a row's second and third line begin.
const INDENT: u16 = 15;

/// How a breaker is shown.
fn shown(state: State) -> Shown {
    let (sign, word, role) = match state {
        State::Closed => (glyphs::GOOD, "closed", Role::TextDim),
        State::Open => (glyphs::BAD, "open", Role::Bad),
        State::HalfOpen => (glyphs::CHECKS, "half-open", Role::Unsure),
        State::Forced => (glyphs::NO, "forced", Role::Held),
        State::Disabled => (glyphs::NO, "disabled", Role::Held),
    };
    Shown { sign, word, role }
}

/// What the header says; `None`: nothing is known. `drop` grows as room shrinks.
#[must_use]
pub fn header_words(breakers: &[View], drop: u8) -> Option<(Role, String)> {
    let odd = breakers.iter().filter(|view| view.state != State::Closed).collect::<Vec<_>>();
    match odd.as_slice() {
        [] if breakers.is_empty() || drop > 0 => None,
        [] => Some((Role::TextDim, "✓ breakers".into())),
        [one] => {
            let Shown { sign, word, role } = shown(one.state);
            let words = if drop < 2 { format!(" breaker {word}") } else { String::new() };
            Some((role, format!("{} 1{words}", sign.0)))
        }
        [worst, ..] => {
            let words = if drop < 2 { " breakers" } else { "" };
            let Shown { sign, role, .. } = shown(worst.state);
            Some((role, format!("{} {}{words}", sign.0, odd.len())))
        }
    }
}

/// Why nothing passes to a destination now, since when, and when it is tried again; `None`: calls pass.
#[must_use]
pub fn closed_off(model: &Model, destination: Destination) -> Option<String> {
    let view = model
        .snapshot
        .breakers
        .iter()
        .find(|view| view.destination == destination && !view.state.passes())?;
    let since = clock(view.down_since.unwrap_or(view.since));
    Some(format!(
        "waits: breaker {destination} is {} since {since}{}",
        shown(view.state).word,
        next(model, view)
    ))
}

fn next(model: &Model, view: &View) -> String {
    view.until
        .and_then(|until| left(model.now(), until))
        .map_or_else(String::new, |left| format!("; next probe in {left}"))
}

/// The first breaker that lets nothing pass, in one line, for the peek.
#[must_use]
pub fn worst(model: &Model) -> Option<Rich> {
    let view = model.snapshot.breakers.iter().find(|view| !view.state.passes())?;
    let Shown { sign, word, role } = shown(view.state);
    let open = countdown(seconds_between(view.down_since.unwrap_or(view.since), model.now()));
    let text = format!(
        "{} {} {word} {open}: {}{}",
        sign.0,
        view.destination,
        view.destination.declared().instead,
        next(model, view)
    );
    Some(Rich::of(role, &cut(&text, usize::from(model.size.0).saturating_sub(2))))
}

/// Draws the screen.
pub fn draw(pen: &mut Pen<'_>, model: &Model, parts: &Parts) -> Option<Position> {
    let body = parts.body;
    let views = &model.snapshot.breakers;
    let narrow = "last hour, per 2m ─ calls ─ fail ─ slow";
    let title = Rich::of(Role::Title, &format!("breakers {}", views.len()));
    pen.rule(Rect { height: 1, ..body }, &Rich::new(), &Rich::new());
    // The words stand above their columns, which are as wide on every screen.
    let above = Rect { height: 1, width: body.width.min(COLUMNS), ..body };
    pen.rule(above, &title, &Rich::of(Role::TextDim, narrow));
    let Some((selected, chosen)) = model.selected_breaker() else {
        pen.put(
            body.x + 2,
            body.y + 2,
            body.width,
            Role::TextDim,
            "nothing is known of breakers yet",
        );
        chrome::footer(pen, model, parts, "");
        return None;
    };
    let mut position = None;
    let mut y = body.y + 1;
    for (index, view) in views.iter().enumerate() {
        if y >= body.bottom() {
            break;
        }
        row(pen, view, Rect::new(body.x, y, body.width, 1));
        if index == selected {
            pen.put(body.x, y, 1, Role::Text, pen.glyph(glyphs::CURSOR));
            pen.over(Rect::new(body.x, y, body.width, 1), Role::Cursor);
            position = Some(Position::new(body.x, y));
        }
        y += 1;
        for line in below(model, view) {
            if y < body.bottom() {
                let room = body.width.saturating_sub(INDENT + 1);
                pen.put(body.x + INDENT, y, room, Role::Text, &cut(&line, usize::from(room)));
                y += 1;
            }
        }
    }
    if y + 2 < body.bottom() {
        let area = Rect::new(body.x, y, body.width, body.bottom() - y);
        detail(pen, chosen, area);
    }
    chrome::footer(pen, model, parts, &format!("{} of {}", selected + 1, views.len()));
    position
}

fn row(pen: &mut Pen<'_>, view: &View, area: Rect) {
    let Shown { sign, word, role } = shown(view.state);
    pen.put(area.x + 2, area.y, 12, role, &format!("{} {word}", sign.0));
    let name = cut(&view.destination.to_string(), 13);
    pen.put(area.x + INDENT, area.y, 13, Role::TextStrong, &name);
    let Some(counts) = &view.counted else {
        pen.put(area.x + 29, area.y, 30, Role::TextDim, "not counted here");
        return;
    };
    let bars = spark(counts);
    pen.put(area.x + 29, area.y, 30, if view.state.passes() { Role::TextDim } else { role }, &bars);
    pen.right(area.x + 66, area.y, Role::Text, &grouped(counts.calls));
    for (end, part) in [(73, counts.down), (79, counts.slow)] {
        let text = if counts.calls < RATE_FROM {
            "-".to_string()
        } else {
            format!("{}%", u64::from(part) * 100 / u64::from(counts.calls))
        };
        pen.right(area.x + end, area.y, Role::Text, &text);
    }
}

/// Failures of each two minutes, scaled to the row's own peak; a blank: no calls.
fn spark(counts: &Counted) -> String {
    let peak = counts.parts.iter().map(|(_, down)| *down).max().unwrap_or(0).max(1);
    let bar = |(calls, down): &(u32, u32)| {
        if *calls == 0 {
            return " ";
        }
        let height = usize::try_from(u64::from(*down) * 7 / u64::from(peak)).unwrap_or(0);
        let least = usize::from(*down > 0);
        BARS.get(height.max(least)).copied().unwrap_or("█")
    };
    counts.parts.iter().map(bar).collect()
}

/// `9,214`.
fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Since when, what waits, what happens instead: of one that is not closed.
fn below(model: &Model, view: &View) -> Vec<String> {
    let since = view.down_since.unwrap_or(view.since);
    let instead =
        format!("{}instead: {}", waiting(model, view), view.destination.declared().instead);
    match view.state {
        State::Closed => dead_letters(model, view).into_iter().collect(),
        State::Open => {
            let length = countdown(seconds_between(since, model.now()));
            let line = format!("since {}, {length}{}", clock(since), probes(model, view));
            vec![line, instead]
        }
        State::HalfOpen => {
            let (good, out, wanted) = view.probes.unwrap_or((0, 0, 0));
            let words = format!("{good} of {wanted} probes good; {out} on the way");
            vec![format!("{words}; down since {}", clock(since)), instead]
        }
        State::Forced => vec![set_words(view, "held open"), instead],
        State::Disabled => vec![set_words(view, "everything is asked")],
    }
}

/// `; probe 4 in 1:52, after 0:48 1:55 4:03 ✗`: the last three waits whose probe failed.
fn probes(model: &Model, view: &View) -> String {
    let next = view.until.and_then(|until| left(model.now(), until));
    let next =
        next.map_or_else(String::new, |left| format!("; probe {} in {left}", view.waits_s.len()));
    let failed = view.waits_s.split_last().map_or(&[][..], |(_, failed)| failed);
    let shown = failed.iter().skip(failed.len().saturating_sub(3));
    let waits = shown.map(|s| countdown(i64::try_from(*s).unwrap_or(i64::MAX)));
    let waits = waits.collect::<Vec<_>>().join(" ");
    if waits.is_empty() { next } else { format!("{next}, after {waits} ✗") }
}

fn set_words(view: &View, what: &str) -> String {
    let Some(forced) = &view.forced else { return format!("{what}: {}", view.cause) };
    let until = forced.until.map_or_else(String::new, |until| format!(", until {}", clock(until)));
    format!("{what} by {} since {}{until}: \"{}\"", forced.by, clock(forced.since), forced.reason)
}

/// What the log says of a channel, if the destination is one.
fn channel<'a>(model: &'a Model, view: &View) -> Option<&'a ChannelShown> {
    view.destination.channel().and_then(|name| model.snapshot.telling.channel(name))
}

/// What could not be told over a channel.
fn dead_letters(model: &Model, view: &View) -> Option<String> {
    let channel = channel(model, view).filter(|channel| channel.dead > 0)?;
    let letters = counted(channel.dead, "dead letter", "dead letters");
    Some(format!("{letters}, see `pilothouse notifications`; last: {}", channel.last))
}

/// How many remediations, or notices, wait for a destination.
fn waiting(model: &Model, view: &View) -> String {
    if let Some(channel) = channel(model, view) {
        return match channel.waiting {
            0 => String::new(),
            count => format!("{} waiting; ", counted(count, "notice", "notices")),
        };
    }
    let waits = |state: CaseState| match view.destination {
        Destination::Cluster | Destination::Store => matches!(
            state,
            CaseState::Diagnosing | CaseState::Planning | CaseState::Running | CaseState::Undoing
        ),
        Destination::Prometheus | Destination::Alertmanager => state == CaseState::Verifying,
        // It is gone past, not waited for.
        Destination::Model => false,
        Destination::VectorDb => false,
        Destination::Channel(_) => false,
    };
    match model.snapshot.rows.iter().filter(|row| waits(row.state)).count() {
        0 => String::new(),
        count => format!("{} waiting; ", counted(count, "remediation", "remediations")),
    }
}

fn detail(pen: &mut Pen<'_>, view: &View, area: Rect) {
    let place = cut(&view.place, usize::from(area.width / 2));
    pen.rule(
        Rect { height: 1, ..area },
        &Rich::of(Role::Title, &view.destination.to_string()),
        &Rich::of(Role::TextDim, &place),
    );
    let columns = usize::from(area.width.saturating_sub(2));
    let mut y = area.y + 1;
    for line in detail_lines(view) {
        for part in line.wrapped(columns, 9) {
            if y >= area.bottom() {
                return;
            }
            pen.rich(area.x + 1, y, area.width.saturating_sub(2), &part);
            y += 1;
        }
    }
}

fn detail_lines(view: &View) -> Vec<Rich> {
    let labelled = |label: &str, text: &str| {
        Rich::of(Role::Title, &format!("{label:<8} ")).and(Role::Text, text)
    };
    let mut lines = Vec::new();
    if let Some(counts) = &view.counted {
        let list = |kinds: &[(String, u32)]| {
            kinds
                .iter()
                .map(|(kind, count)| format!("{kind} {count}"))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut text = if counts.kinds.is_empty() { "nothing".into() } else { list(&counts.kinds) };
        if !counts.noes.is_empty() {
            text = format!("{text}; not counted: {}", list(&counts.noes));
        }
        lines.push(labelled("counts", &text));
    }
    lines.push(labelled("opens", view.limits.describe().trim_start_matches("opens ")));
    // Half-open is between two of them, always.
    let kept = view.moves.iter().filter(|one| one.to != State::HalfOpen);
    let kept = kept.collect::<Vec<_>>();
    let history = kept
        .iter()
        .skip(kept.len().saturating_sub(3))
        .map(|one| format!("{} {}: {}", clock(one.at), shown(one.to).word, one.cause))
        .collect::<Vec<_>>();
    let history = if history.is_empty() {
        "closed since the engine began".into()
    } else {
        history.join("  ")
    };
    lines.push(labelled("history", &history));
    let declared = view.destination.declared();
    lines.push(labelled("running", declared.running));
    lines.push(labelled("waiting", declared.waiting));
    lines.push(labelled("down is", declared.down));
    lines
}
