//! Strips above the footer: filter, palette, which-key, stop, start, quit. They never cover what needs you.

use super::layout::Parts;
use crate::domain::breaker::{Destination, Setting};
use crate::ui::format::{cut, width};
use crate::ui::model::Model;
use crate::ui::model::overlay::Overlay;
use crate::ui::palette;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::{Position, Rect};

/// Shown so long after the first key of a sequence.
pub const WHICH_KEY_MS: u64 = 300;

/// Lines of the open strip; 0: none is open.
#[must_use]
pub fn height(model: &Model) -> u16 {
    match &model.overlay {
        Some(Overlay::Filter(_)) => 2,
        Some(Overlay::Palette { .. }) => 8,
        Some(
            Overlay::Stop(_) | Overlay::Start { .. } | Overlay::Steer(_) | Overlay::Breaker { .. },
        ) => 5,
        Some(Overlay::Quit { .. }) => 4,
        None if which_key_open(model) => {
            let entries = model.keymap.after(model.context(), &model.pending.0).len();
            u16::try_from(entries.div_ceil(2)).unwrap_or(0).min(8) + 1
        }
        None => 0,
    }
}

/// Whether the unfinished sequence is explained.
#[must_use]
pub fn which_key_open(model: &Model) -> bool {
    !model.pending.0.is_empty() && model.now_ms.saturating_sub(model.pending.1) >= WHICH_KEY_MS
}

/// Draws the open strip; returns where the terminal's cursor goes.
pub fn draw(pen: &mut Pen<'_>, model: &Model, parts: &Parts) -> Option<Position> {
    let area = parts.strip;
    if area.height == 0 {
        return None;
    }
    pen.blank(area, Role::BgRaised);
    match &model.overlay {
        Some(Overlay::Filter(field)) => {
            title(pen, area, "filter", "words; Enter keeps it, Esc clears it");
            field_line(pen, area, 1, "/ ", field.text())
        }
        Some(Overlay::Palette { field, cursor }) => {
            palette_strip(pen, model, area, field.text(), *cursor)
        }
        Some(Overlay::Stop(field)) => {
            title(pen, area, "STOP EVERYTHING", "Enter stops, Esc does nothing");
            let text = "Takes effect before the next operation, on every engine of this cluster.";
            pen.put(1, area.y + 1, area.width - 2, Role::Bad, text);
            let text = "What was sent is observed. It survives restarts; lifting it is harder.";
            pen.put(1, area.y + 2, area.width - 2, Role::Text, text);
            field_line(pen, area, 3, "reason ", field.text())
        }
        Some(Overlay::Start { cluster, reason, at_reason }) => {
            title(pen, area, "lift the stop", "Enter goes on, Esc does nothing");
            let words = format!("Type the cluster's name, {}, then why.", model.snapshot.cluster);
            pen.put(1, area.y + 1, area.width - 2, Role::Text, &words);
            let first = field_line(pen, area, 2, "cluster ", cluster.text());
            let second = field_line(pen, area, 3, "reason  ", reason.text());
            if *at_reason { second } else { first }
        }
        Some(Overlay::Steer(asked)) => {
            let target = model.row(&asked.id).map_or("", |row| &row.target);
            let verb = asked.steering.verb();
            let words = format!("{verb} {} {target}", model.short(&asked.id));
            title(pen, area, &words, "Enter does it, Esc does nothing");
            for (line, text) in (1..).zip(&asked.lines) {
                let role = if line == 1 { Role::TextStrong } else { Role::Text };
                let room = usize::from(area.width.saturating_sub(2));
                pen.put(1, area.y + line, area.width - 2, role, &cut(text, room));
            }
            field_line(pen, area, 3, "reason ", asked.reason.text())
        }
        Some(Overlay::Breaker { destination, setting, reason }) => {
            breaker_strip(pen, area, (*destination, *setting), reason.text())
        }
        Some(Overlay::Quit { why }) => {
            title(pen, area, "leave", "Esc stays");
            pen.put(1, area.y + 1, area.width - 2, Role::TextStrong, why);
            let text = "The process goes on without a screen to each safe point; nothing is lost.";
            pen.put(1, area.y + 2, area.width - 2, Role::Text, text);
            let line = Rich::of(Role::Key, "Enter")
                .and(Role::Text, " leave   ")
                .and(Role::Key, "Esc")
                .and(Role::Text, " stay");
            pen.rich(1, area.y + 3, area.width - 2, &line);
            None
        }
        None => {
            which_key(pen, model, area);
            None
        }
    }
}

fn breaker_strip(
    pen: &mut Pen<'_>,
    area: Rect,
    (destination, setting): (Destination, Setting),
    reason: &str,
) -> Option<Position> {
    let (words, first) = match setting {
        Setting::Automatic => ("back to normal", "It opens and closes by itself again."),
        Setting::ForcedOpen => ("force open", "Nothing is asked of it until somebody lifts that."),
        Setting::Disabled => {
            ("disable", "Everything is asked of it, whatever comes of it, until that is lifted.")
        }
    };
    title(pen, area, &format!("{words}: {destination}"), "Enter does it, Esc does nothing");
    let room = usize::from(area.width.saturating_sub(2));
    pen.put(1, area.y + 1, area.width - 2, Role::TextStrong, &cut(first, room));
    let second = match setting {
        Setting::ForcedOpen => format!("Instead: {}.", destination.declared().instead),
        Setting::Automatic | Setting::Disabled => "It is in the log, with your name.".into(),
    };
    pen.put(1, area.y + 2, area.width - 2, Role::Text, &cut(&second, room));
    field_line(pen, area, 3, "reason ", reason)
}

fn title(pen: &mut Pen<'_>, area: Rect, left: &str, right: &str) {
    pen.rule(
        Rect { height: 1, ..area },
        &Rich::of(Role::RuleFocus, left),
        &Rich::of(Role::TextDim, right),
    );
}

fn field_line(
    pen: &mut Pen<'_>,
    area: Rect,
    line: u16,
    label: &str,
    text: &str,
) -> Option<Position> {
    let y = area.y + line;
    if y >= area.bottom() {
        return None;
    }
    let used = pen.put(1, y, area.width - 2, Role::TextDim, label);
    let room = usize::from(area.width.saturating_sub(used + 3));
    let excess = width(text).saturating_sub(room);
    let shown = text.chars().skip(excess).collect::<String>();
    let typed = pen.put(1 + used, y, area.width.saturating_sub(used + 2), Role::TextStrong, &shown);
    Some(Position::new(1 + used + typed, y))
}

fn palette_strip(
    pen: &mut Pen<'_>,
    model: &Model,
    area: Rect,
    text: &str,
    cursor: usize,
) -> Option<Position> {
    let found = palette::search(model, text);
    let room = usize::from(area.height.saturating_sub(3));
    title(pen, area, "command", &format!("{} found", found.len()));
    let top = (cursor + 1).saturating_sub(room);
    for (index, entry) in found.iter().enumerate().skip(top).take(room) {
        let y = area.y + 1 + u16::try_from(index - top).unwrap_or(0);
        let role = if entry.off.is_some() { Role::Off } else { Role::Text };
        let mark = if index == cursor {
            "› "
        } else if entry.off.is_some() {
            "- "
        } else {
            "  "
        };
        let used = pen.put(0, y, area.width, role, mark);
        let mut used = used + pen.put(used, y, 40, Role::TextStrong, &entry.verb);
        used = used.max(30) + 2;
        let about = entry.off.as_ref().map_or(entry.about.clone(), |why| format!("not now: {why}"));
        let about = cut(&about, usize::from(area.width.saturating_sub(used + 12)));
        pen.put(used, y, area.width, role, &about);
        pen.right(area.right() - 1, y, Role::Key, &entry.keys);
        if index == cursor {
            pen.over(Rect::new(area.x, y, area.width, 1), Role::Cursor);
        }
    }
    let same = found.get(cursor).map_or(String::new(), |entry| entry.same_as.clone());
    pen.put(1, area.bottom() - 2, area.width - 2, Role::TextDim, &same);
    field_line(pen, area, area.height - 1, ": ", text)
}

fn which_key(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let so_far = crate::ui::keymap::sequence_name(&model.pending.0);
    let about = model.subject().and_then(|id| model.row(&id).map(|row| (id, row.target.clone())));
    let words = about
        .map_or_else(String::new, |(id, target)| format!(": on {} {target}", model.short(&id)));
    title(pen, area, &format!("{so_far}{words}"), "Esc does nothing");
    let entries = model.keymap.after(model.context(), &model.pending.0);
    let lines = entries.len().div_ceil(2);
    let half = area.width / 2;
    for (index, (keys, binding)) in entries.iter().enumerate() {
        let column = u16::from(index >= lines);
        let y = area.y + 1 + u16::try_from(index % lines.max(1)).unwrap_or(0);
        if y >= area.bottom() {
            continue;
        }
        let off = palette::off(model, binding.intent);
        let role = if off.is_some() { Role::Off } else { Role::Text };
        let text = off.map_or_else(
            || binding.help.clone(),
            |why| {
                format!(
                    "-{} ({why})",
                    binding.help.split([':', ';', ',']).next().unwrap_or_default()
                )
            },
        );
        let text = cut(&text, usize::from(half).saturating_sub(5));
        let line = Rich::of(Role::Key, &format!("{keys:<3}")).and(role, &text);
        pen.rich(1 + column * half, y, half.saturating_sub(2), &line);
    }
}
