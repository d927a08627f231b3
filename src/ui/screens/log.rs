//! Engine logs and the event log: lines, newest below.

use super::chrome;
use super::layout::Parts;
use crate::ui::format::{clock, cut};
use crate::ui::model::Model;
use crate::ui::model::place::Place;
use crate::ui::model::state::LogView;
use crate::ui::msg::Level;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::Rect;

/// The lines of the screen, after its filter.
#[must_use]
pub fn lines(model: &Model) -> Vec<Rich> {
    let all = match model.place {
        Place::Logs => engine_lines(model),
        _ => event_lines(model),
    };
    let filter = view(model).filter.to_lowercase();
    all.into_iter()
        .filter(|line| filter.is_empty() || line.plain().to_lowercase().contains(&filter))
        .collect()
}

fn view(model: &Model) -> &LogView {
    if model.place == Place::Logs { &model.logs } else { &model.audit }
}

fn engine_lines(model: &Model) -> Vec<Rich> {
    let lines = model.log_lines.iter().map(|line| {
        let role = match line.level {
            Level::Error => Role::Bad,
            Level::Warn => Role::Unsure,
            Level::Info => Role::Text,
            Level::Debug => Role::TextDim,
        };
        Rich::of(Role::TextDim, &format!("{} ", clock(line.at)))
            .and(role, &format!("{:<5} ", line.level.word()))
            .and(Role::TextDim, &format!("{} ", cut(&line.target, 28)))
            .and(role, &line.text)
    });
    lines.collect()
}

fn event_lines(model: &Model) -> Vec<Rich> {
    let lines = model.event_lines.iter().map(|line| {
        Rich::of(Role::TextDim, &format!("{:>6} {} ", line.seq, clock(line.at)))
            .and(Role::Text, &line.text)
            .and(Role::TextDim, &format!("  by {}", line.by))
    });
    lines.collect()
}

/// Draws the screen.
pub fn draw(pen: &mut Pen<'_>, model: &Model, parts: &Parts) {
    let body = parts.body;
    let view = view(model);
    let lines = lines(model);
    let columns = usize::from(body.width).saturating_sub(2);
    let broken = lines.iter().flat_map(|line| line.wrapped(columns, 10)).collect::<Vec<_>>();
    let mut right = if view.back.is_some() { "held".to_string() } else { "following".to_string() };
    if !view.filter.is_empty() {
        right = format!("/{}  {right}", view.filter);
    }
    pen.rule(
        Rect { height: 1, ..body },
        &Rich::of(Role::Title, &format!("{} {}", model.place.title(), lines.len())),
        &Rich::of(Role::TextDim, &right),
    );
    let room = usize::from(body.height.saturating_sub(1));
    let end = broken.len().saturating_sub(view.back.unwrap_or(0)).max(room.min(broken.len()));
    let start = end.saturating_sub(room);
    for (line, y) in broken[start..end].iter().zip(body.y + 1..body.bottom()) {
        pen.rich(body.x + 1, y, body.width.saturating_sub(2), line);
    }
    if broken.is_empty() {
        pen.put(body.x + 2, body.y + 2, body.width, Role::TextDim, "nothing here yet");
    }
    chrome::footer(pen, model, parts, &format!("{} lines", lines.len()));
}
