//! Where everything goes, at every size. Used by the screens to draw and by `update` to scroll.
//!
//! ```text
//! header   1 line     banner 0-3 lines     body     last 1 line (not on cards)     footer 1 line
//! body     list; from 110 columns list │ detail; from 180 list │ detail │ log; from 45 lines health below
//! ```

use super::chrome;
use super::strip;
use crate::ui::model::Model;
use crate::ui::model::card::{Card, Phase};
use crate::ui::model::gate::Way;
use crate::ui::model::place::Place;
use ratatui::layout::Rect;

/// From here the detail stands beside the list.
pub const WIDE: u16 = 110;
/// From here the log stands beside the detail.
pub const WIDEST: u16 = 180;
/// Columns of the list where something stands beside it.
pub const LIST_COLUMNS: u16 = 78;
/// Lines of the peek below a list, its rule included.
pub const PEEK: u16 = 4;

/// The parts of the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Parts {
    /// First line.
    pub header: Rect,
    /// Banners, if any.
    pub banner: Rect,
    /// What the screen is about.
    pub body: Rect,
    /// An open strip, if any.
    pub strip: Rect,
    /// The last thing that happened.
    pub last: Rect,
    /// Keys.
    pub footer: Rect,
}

/// The parts of a list screen's body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListParts {
    /// The list.
    pub list: Rect,
    /// Below it: the peek, or health.
    pub below: Rect,
    /// Beside it.
    pub detail: Rect,
    /// Beside that.
    pub log: Rect,
}

/// The parts of the tree screen's body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TreeParts {
    /// What case it is.
    pub head: Rect,
    /// The steps.
    pub steps: Rect,
    /// The selected step.
    pub detail: Rect,
    /// The log.
    pub log: Rect,
}

/// Splits the screen.
#[must_use]
pub fn parts(model: &Model) -> Parts {
    let (width, height) = model.size;
    let line = |y: u16| Rect::new(0, y, width, 1);
    let banner = u16::try_from(chrome::banners(model).len()).unwrap_or(0);
    let last = u16::from(!matches!(model.place, Place::Card(_)));
    let strip = strip::height(model).min(height.saturating_sub(4 + banner));
    let body_top = 1 + banner;
    let body_end = height.saturating_sub(1 + last + strip);
    Parts {
        header: line(0),
        banner: Rect::new(0, 1, width, banner),
        body: Rect::new(0, body_top, width, body_end.saturating_sub(body_top)),
        strip: Rect::new(0, body_end, width, strip),
        last: Rect::new(0, height.saturating_sub(1 + last), width, last),
        footer: line(height.saturating_sub(1)),
    }
}

/// Splits a list's body. A strip covers the peek, never the list.
#[must_use]
pub fn list_parts(model: &Model, body: Rect) -> ListParts {
    let beside = model.detail && body.width >= WIDE;
    let mut parts = ListParts::default();
    let list_width = if beside { LIST_COLUMNS.min(body.width / 2 + 18) } else { body.width };
    if beside {
        let rest = body.width - list_width - 1;
        let detail_width = if body.width >= WIDEST { 62 } else { rest };
        parts.detail = Rect::new(body.x + list_width + 1, body.y, detail_width, body.height);
        if body.width >= WIDEST {
            let x = parts.detail.right() + 1;
            parts.log = Rect::new(x, body.y, body.right().saturating_sub(x), body.height);
        }
    }
    let closed_off = u16::from(super::breakers::worst(model).is_some());
    let wanted = if beside { 4 + health_lines(model) } else { PEEK + closed_off };
    let strip = strip::height(model);
    let below = if beside && body.height < 24 { 0 } else { wanted.saturating_sub(strip) };
    let below = below.min(body.height.saturating_sub(6));
    parts.list = Rect::new(body.x, body.y, list_width, body.height - below);
    parts.below = Rect::new(body.x, parts.list.bottom(), list_width, below);
    parts
}

fn health_lines(model: &Model) -> u16 {
    let open = model.snapshot.breakers.iter().filter(|view| !view.state.passes()).count();
    u16::try_from(model.snapshot.sources.len() + open).unwrap_or(0).min(12) + 3
}

/// Splits the tree screen's body.
#[must_use]
pub fn tree_parts(model: &Model, body: Rect) -> TreeParts {
    let head = Rect::new(body.x, body.y, body.width, 2.min(body.height));
    let rest = Rect::new(body.x, head.bottom(), body.width, body.height - head.height);
    if body.width < WIDE {
        let below = 7.min(rest.height / 2);
        let steps = Rect::new(rest.x, rest.y, rest.width, rest.height - below);
        let under = Rect::new(rest.x, steps.bottom(), rest.width, below);
        let none = Rect::new(rest.x, rest.bottom(), rest.width, 0);
        let (detail, log) = if model.tree.log { (none, under) } else { (under, none) };
        return TreeParts { head, steps, detail, log };
    }
    if body.width >= WIDEST {
        let steps = Rect::new(rest.x, rest.y, 74, rest.height);
        let detail = Rect::new(steps.right() + 1, rest.y, 56, rest.height);
        let x = detail.right() + 1;
        let log = Rect::new(x, rest.y, rest.right() - x, rest.height);
        return TreeParts { head, steps, detail, log };
    }
    let log_lines = (rest.height * 2 / 5).max(4).min(rest.height);
    let top = rest.height - log_lines;
    let width = rest.width * 3 / 5;
    TreeParts {
        head,
        steps: Rect::new(rest.x, rest.y, width, top),
        detail: Rect::new(rest.x + width + 1, rest.y, rest.width - width - 1, top),
        log: Rect::new(rest.x, rest.y + top, rest.width, log_lines),
    }
}

/// Most lines of a card; below it, on tall screens, stands the log of the case.
pub const CARD_LINES: u16 = 36;

/// The card's part of the body.
#[must_use]
pub fn card_body(body: Rect) -> Rect {
    let height = if body.height >= CARD_LINES + 6 { CARD_LINES } else { body.height };
    Rect { height, ..body }
}

/// Lines of the gesture below a card, its rule included: one more for a name than for keys.
#[must_use]
pub fn gesture_lines(card: &Card) -> u16 {
    let named = card.frozen.plan.as_ref().is_some_and(|plan| Way::of(plan.risk) == Way::Name);
    if named || !matches!(card.phase, Phase::Reading) { 4 } else { 3 }
}

/// The lines of a card's text, below its title.
#[must_use]
pub fn card_text(card: &Card, body: Rect) -> Rect {
    let body = card_body(body);
    Rect::new(
        body.x,
        body.y + 1.min(body.height),
        card_columns(body.width),
        body.height.saturating_sub(1 + gesture_lines(card)),
    )
}

/// Columns of a card's text; the rest of a wide screen has the evidence.
#[must_use]
pub fn card_columns(width: u16) -> u16 {
    if width >= 150 { 100 } else { width.min(118) }
}
