//! Overview, approvals, remediations: the same list with other rows.
//!
//! ```text
//! ─ needs you 2 ────────────────────────────────────────────────── expires ─ age ─
//! › t4dx ? approval   payments/deploy/ledger-api  raise limit high     10:38   4m
//! ```

use super::layout::{self, Parts};
use super::{calm, chrome, peek};
use crate::domain::remediation::State;
use crate::domain::time::seconds_between;
use crate::domain::workflow::left::of_case;
use crate::domain::workflow::plan::Risk;
use crate::domain::workflow::tree::Counts;
use crate::engine::snapshot::Row;
use crate::ui::format::{age, cut, elide, left, width};
use crate::ui::glyphs;
use crate::ui::model::Model;
use crate::ui::model::list::{Group, List, Visual};
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::{Position, Rect};
use std::fmt::Write as _;

const EXPIRES: u16 = 8;
const AGE: u16 = 5;

/// Draws a list screen; returns where the terminal's cursor goes.
pub fn draw(pen: &mut Pen<'_>, model: &Model, parts: &Parts) -> Option<Position> {
    let list = model.list()?;
    if model.calm() && model.overlay.is_none() {
        calm::draw(pen, model, parts.body);
        chrome::footer(pen, model, parts, "");
        return None;
    }
    let areas = layout::list_parts(model, parts.body);
    let position = lines(pen, model, list, areas.list);
    if areas.detail.width > 0 {
        pen.separator(areas.detail.x - 1, parts.body.top(), parts.body.bottom());
        peek::detail(pen, model, areas.detail);
        peek::health(pen, model, areas.below);
    } else {
        peek::peek(pen, model, areas.below);
    }
    if areas.log.width > 0 {
        pen.separator(areas.log.x - 1, parts.body.top(), parts.body.bottom());
        peek::events(pen, model, areas.log);
    }
    chrome::footer(pen, model, parts, &place(model, list));
    position
}

fn place(model: &Model, list: &List) -> String {
    let mut words = String::new();
    if model.frozen {
        words.push_str("frozen  ");
    }
    if list.newer > 0 {
        let _ = write!(words, "order: {} newer  ", list.newer);
    }
    if !list.filter.is_empty() {
        let _ = write!(words, "/{} hides {}  ", list.filter, list.hidden);
    }
    words + &format!("{} of {}", list.place(), list.len())
}

fn lines(pen: &mut Pen<'_>, model: &Model, list: &List, area: Rect) -> Option<Position> {
    if list.is_empty() {
        empty(pen, model, list, area);
        return None;
    }
    let mut position = None;
    let shown = list.lines.iter().enumerate().skip(list.top).take(usize::from(area.height));
    for ((index, line), y) in shown.zip(area.top()..area.bottom()) {
        let at = Rect::new(area.x, y, area.width, 1);
        match line {
            Visual::Header(group, count) => header(pen, list, *group, *count, at),
            Visual::Row(row) => {
                let Some(row) = list.rows.get(*row) else { continue };
                let selected = index == list.cursor;
                draw_row(pen, model, row, at, selected);
                if selected {
                    position = Some(Position::new(area.x, y));
                }
            }
        }
    }
    let below = list.lines.len().saturating_sub(list.top + usize::from(area.height));
    if below > 0 && area.height > 2 {
        let at = Rect::new(area.x, area.bottom() - 1, area.width, 1);
        if position.is_none_or(|position| position.y != at.y) {
            pen.blank(at, Role::Text);
            let keys = model.keymap.keys_for(crate::ui::intent::Intent::Last);
            pen.put(
                area.x + 2,
                at.y,
                area.width,
                Role::TextDim,
                &format!("… {} more ({keys})", below + 1),
            );
        }
    }
    position
}

fn empty(pen: &mut Pen<'_>, model: &Model, list: &List, area: Rect) {
    let text = if !list.filter.is_empty() {
        format!("Nothing matches /{} ({} hidden). Esc clears the filter.", list.filter, list.hidden)
    } else if model.place == crate::ui::model::place::Place::Approvals {
        "Nothing needs a decision.".into()
    } else {
        "No remediations in the last 24 h.".into()
    };
    let y = area.y + area.height / 3;
    let x = area.x + area.width.saturating_sub(u16::try_from(width(&text)).unwrap_or(0)) / 2;
    pen.put(x, y, area.width, Role::TextDim, &text);
}

fn header(pen: &mut Pen<'_>, list: &List, group: Group, count: usize, area: Rect) {
    let role = if group == Group::NeedsYou { Role::Attention } else { Role::Title };
    let title = Rich::of(role, &format!("{} {count}", group.title()));
    let right = match group {
        Group::NeedsYou => {
            Rich::of(Role::TextDim, "expires").and(Role::Rule, " ─ ").and(Role::TextDim, "age")
        }
        Group::Done => {
            let ends = list.endings;
            Rich::of(
                Role::TextDim,
                &format!("✓ {}  ▪ {}  ✗ {}  ⊗ {}", ends.good, ends.same, ends.bad, ends.no),
            )
        }
        Group::Acting | Group::Held => Rich::new(),
    };
    pen.rule(area, &title, &right);
}

fn draw_row(pen: &mut Pen<'_>, model: &Model, row: &Row, area: Rect, selected: bool) {
    let y = area.y;
    let group = Group::of(row);
    let shown = glyphs::row(row);
    let done = group == Group::Done;
    let text = if done && shown.role != Role::Bad { Role::TextDim } else { Role::Text };
    let stale = crate::ui::model::gate::engine_ready(model).is_err() && !done;
    let text = if stale { Role::TextDim } else { text };
    if selected {
        pen.put(area.x, y, 1, Role::TextStrong, pen.glyph(glyphs::CURSOR));
    }
    let id_end = id(pen, row, area.x + 2, y, text);
    let sign_x = (area.x + 7).max(id_end + 1);
    pen.put(sign_x, y, 1, shown.role, shown.sign.0);
    pen.put(sign_x + 2, y, 11, shown.role, shown.word);
    let start = sign_x + 13;
    let end = area.right().saturating_sub(EXPIRES + AGE + 1);
    let room = end.saturating_sub(start + 1);
    let target_columns = (room * 62 / 100).max(18).min(room);
    let target = elide(&row.target, usize::from(target_columns));
    pen.put(start, y, target_columns, text, &target);
    let what_x = start + target_columns + 1;
    let what = what(row, usize::from(end.saturating_sub(what_x)), text);
    pen.rich(what_x, y, end.saturating_sub(what_x), &what);
    due(pen, model, row, area, y);
    pen.right(area.right() - 1, y, Role::TextDim, &age(model.now(), since(row, group)));
    if selected {
        pen.over(area, Role::Cursor);
    }
}

fn since(row: &Row, group: Group) -> crate::domain::time::Timestamp {
    if group == Group::Done { row.updated_at } else { row.opened_at }
}

fn id(pen: &mut Pen<'_>, row: &Row, x: u16, y: u16, rest: Role) -> u16 {
    let length = usize::from(row.short).max(4);
    let text = row.id.as_str().get(..length).unwrap_or(row.id.as_str());
    let role = if rest == Role::TextDim { Role::TextDim } else { Role::TextStrong };
    x + pen.put(x, y, 10, role, text)
}

fn what(row: &Row, room: usize, text: Role) -> Rich {
    let mut words = row.what.to_string();
    if let Some(Counts { done, all }) = row.progress.filter(|_| row.state == State::Running) {
        // The title is cut, never how far it is.
        let how_far = format!(" {done}/{all}");
        words =
            cut(&words, room.saturating_sub(width(&how_far) + 9 * usize::from(row.needs_person)));
        words.push_str(&how_far);
    }
    let risk = row.plan.as_ref().map(|(_, risk)| *risk).filter(|_| row.needs_person);
    let Some(risk) = risk else { return Rich::of(text, &cut(&words, room)) };
    let word = risk.word();
    let words = cut(&words, room.saturating_sub(word.len() + 1));
    let gap = if words.is_empty() { "" } else { " " };
    Rich::of(text, &words).and(Role::Text, gap).and(risk_role(risk), word)
}

/// `~3:10`, from the history of the steps of what runs by itself; `None` where that says nothing.
fn time_left(model: &Model, row: &Row) -> Option<String> {
    if row.state != State::Running || row.needs_person {
        return None;
    }
    let case = model.snapshot.open.get(&row.id)?;
    of_case(case, &model.snapshot.history, model.now())?.short()
}

/// The role of a risk's word.
#[must_use]
pub fn risk_role(risk: Risk) -> Role {
    match risk {
        Risk::Low | Risk::Medium => Role::Text,
        Risk::High => Role::RiskHigh,
        Risk::Critical => Role::RiskCritical,
    }
}

fn due(pen: &mut Pen<'_>, model: &Model, row: &Row, area: Rect, y: u16) {
    let end = area.right() - 1 - AGE;
    if let Some(left) = time_left(model, row) {
        pen.right(end, y, Role::TextDim, &left);
        return;
    }
    let Some(due) = row.due.filter(|_| row.outcome.is_none()) else { return };
    match left(model.now(), due) {
        Some(words) => pen.right(end, y, deadline_role(model, row, due), &words),
        None if row.needs_person => pen.right(end, y, Role::Unsure, "lapsed"),
        None => {}
    }
}

fn deadline_role(model: &Model, row: &Row, due: crate::domain::time::Timestamp) -> Role {
    if !row.needs_person {
        return Role::TextDim;
    }
    match seconds_between(model.now(), due) {
        ..120 => Role::Attention,
        120..300 => Role::TextStrong,
        _ => Role::Text,
    }
}
