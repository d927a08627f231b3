//! The picture of a model.

use super::{breakers, card, chrome, figures, help, layout, list, log, strip, tree};
use crate::ui::model::Model;
use crate::ui::model::place::Place;
use crate::ui::model::state::SMALLEST;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

/// Draws the model.
pub fn view(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let position = {
        let mut pen = Pen::new(frame.buffer_mut(), &model.theme);
        pen.blank(area, Role::Bg);
        if model.too_small() {
            too_small(&mut pen, model, area);
            None
        } else {
            whole(&mut pen, model)
        }
    };
    if let Some(position) = position {
        frame.set_cursor_position(position);
    }
}

fn whole(pen: &mut Pen<'_>, model: &Model) -> Option<Position> {
    let parts = layout::parts(model);
    chrome::header(pen, model, &parts);
    chrome::banner(pen, model, &parts);
    let position = match model.place {
        Place::Overview | Place::Approvals | Place::Remediations => list::draw(pen, model, &parts),
        Place::Case(_) => tree::draw(pen, model, &parts),
        Place::Card(_) => card::draw(pen, model, &parts),
        Place::Breakers => breakers::draw(pen, model, &parts),
        Place::Effectiveness => figures::draw(pen, model, &parts),
        Place::Logs | Place::Audit => {
            log::draw(pen, model, &parts);
            None
        }
        Place::Help => {
            help::draw(pen, model, &parts);
            None
        }
    };
    chrome::last(pen, model, &parts);
    strip::draw(pen, model, &parts).or(position)
}

fn too_small(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let lines = [
        format!(
            "Pilothouse needs {}x{}; this terminal is {}x{}. Widen it,",
            SMALLEST.0, SMALLEST.1, model.size.0, model.size.1
        ),
        "or use line mode: pilothouse list, watch, show, approve".to_string(),
    ];
    for (text, y) in lines.iter().zip(area.top()..area.bottom()) {
        let line = crate::ui::widgets::rich::Rich::text(text);
        let broken = line.wrapped(usize::from(area.width.saturating_sub(2)), 0);
        if broken.len() > 1 {
            // Narrower than the sentence: both, broken, as far as there is room.
            let all = crate::ui::widgets::rich::Rich::text(&lines.join(" "));
            for (line, y) in all
                .wrapped(usize::from(area.width.saturating_sub(2)), 0)
                .iter()
                .zip(area.top()..area.bottom())
            {
                pen.rich(1, y, area.width.saturating_sub(1), line);
            }
            return;
        }
        pen.put(2, y, area.width.saturating_sub(2), Role::Text, text);
    }
}
