//! Nothing needs you: nearly empty on purpose, and still a proof that the engine is awake.

use super::peek;
use crate::domain::time::spoken;
use crate::ui::format::{age, counted};
use crate::ui::glyphs;
use crate::ui::model::Model;
use crate::ui::model::list::Group;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::Rect;

/// Draws it.
pub fn draw(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let snapshot = &model.snapshot;
    let count = |group: Group| snapshot.rows.iter().filter(|row| Group::of(row) == group).count();
    let mut lines = vec![
        Rich::of(Role::Title, "Nothing needs you."),
        Rich::new(),
        Rich::text(&format!(
            "{} firing in open cases",
            counted(snapshot.firing as usize, "alert", "alerts")
        )),
        Rich::text(&format!("{} held; {} done in 24 h", count(Group::Held), count(Group::Done))),
        Rich::new(),
    ];
    for (index, row) in
        snapshot.rows.iter().filter(|row| Group::of(row) == Group::Done).take(3).enumerate()
    {
        lines.push(told(model, row, if index == 0 { "last   " } else { "       " }));
    }
    for row in snapshot.rows.iter().filter(|row| Group::of(row) == Group::Held).take(3) {
        lines.push(told(model, row, "held   "));
    }
    let columns = lines.iter().map(Rich::width).max().unwrap_or(0);
    let x = area.x + area.width.saturating_sub(u16::try_from(columns).unwrap_or(0)) / 2;
    let top = area.y + area.height / 4;
    for (line, y) in lines.iter().zip(top..area.bottom().saturating_sub(2)) {
        pen.rich(x, y, area.width, line);
    }
    let y = area.bottom().saturating_sub(2);
    pen.rule(Rect::new(area.x, y, area.width, 1), &Rich::new(), &Rich::new());
    pen.rich(area.x + 1, y + 1, area.width.saturating_sub(2), &sources(model));
}

fn told(model: &Model, row: &crate::engine::snapshot::Row, label: &str) -> Rich {
    let shown = glyphs::row(row);
    Rich::of(Role::TextDim, label)
        .and(Role::TextStrong, model.short(&row.id))
        .and(Role::Text, &format!(" {}  ", row.target))
        .and(shown.role, &format!("{} {}", shown.sign.0, shown.word))
        .and(Role::TextDim, &format!("  {} ago", age(model.now(), row.updated_at)))
}

fn sources(model: &Model) -> Rich {
    let mut line = Rich::new();
    for source in &model.snapshot.sources {
        let (role, sign, seconds) = peek::source_state(model, source);
        line.push(role, &format!("{} {}", sign.0, source.name));
        let words = seconds.map_or("never".to_string(), spoken);
        line.push(Role::TextDim, &format!(" {words}  "));
    }
    line
}
