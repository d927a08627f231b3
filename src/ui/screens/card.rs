//! The approval card: what a decision depends on, and the gesture.
//!
//! ```text
//! ─ t4dx ─ plan 9c41e70b ─────────────────────────── risk high ─ expires in 9:58 ─
//!  DO      raise memory limit …                        (labelled rows, all of them)
//! ────────────────────────────────────────────────────────────────────────────────
//!  HIGH RISK. Type the name of the target, then Enter. Anything else does nothing.
//!  approve payments/ ledger-a_                                    2 letters to go
//!  by mira from 10.20.4.17 pts/3; written to the log before it runs
//! ```

use super::chrome;
use super::layout::{self, Parts};
use super::list::risk_role;
use super::{peek, void};
use crate::domain::approval::Decision;
use crate::domain::workflow::plan::Risk;
use crate::ui::facts::{self, Extent};
use crate::ui::format::{counted, left};
use crate::ui::model::Model;
use crate::ui::model::card::{Card, Phase, Standing};
use crate::ui::model::gate::{Gate, Way, gate};
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::{Position, Rect};

/// The card's lines for an area.
#[must_use]
pub fn text(model: &Model, card: &Card, area: Rect) -> Vec<Rich> {
    let extent = Extent { evidence: card.evidence, all: card.all, ..Extent::default() };
    let columns = usize::from(area.width).saturating_sub(2);
    let mut lines = question(card, columns);
    if let Some(moved) = moved(card) {
        lines.extend(moved);
    }
    let room = usize::from(area.height).saturating_sub(lines.len());
    let checks = Some(&card.checks);
    lines.extend(facts::rows(model, &card.frozen, checks, extent, (columns, room)));
    lines
}

/// What a step of the run asks: it stays on screen however far the card is scrolled.
fn question(card: &Card, columns: usize) -> Vec<Rich> {
    let Some(asks) = &card.asks else { return Vec::new() };
    let words = format!("step {} asks: {}", asks.path, asks.message);
    let line = Rich::of(Role::Attention, "ASKS    ").and(Role::TextStrong, &words);
    line.wrapped(columns, 8)
}

/// What moved, when the check of an open card says so.
fn moved(card: &Card) -> Option<Vec<Rich>> {
    let crate::ui::model::card::Checks::Done { preflight, .. } = &card.checks else { return None };
    (!preflight.drift.is_empty()).then(|| void::drift_lines(&preflight.drift))
}

/// Lines of the card and lines that fit: for scrolling and for the scroll gate.
#[must_use]
pub fn measure(model: &Model, card: &Card) -> (usize, usize) {
    let area = layout::card_text(card, layout::parts(model).body);
    (text(model, card, area).len(), usize::from(area.height))
}

/// Draws the card; returns where the terminal's cursor goes.
pub fn draw(pen: &mut Pen<'_>, model: &Model, parts: &Parts) -> Option<Position> {
    let card = model.card.as_ref()?;
    if let Standing::Void(now) = &card.standing {
        void::draw(pen, model, card, now, parts);
        return None;
    }
    let body = layout::card_body(parts.body);
    if body.height < parts.body.height {
        let y = body.bottom();
        let below = Rect { y, height: parts.body.bottom() - y, ..parts.body };
        peek::events(pen, model, below);
    }
    title(pen, model, card, Rect { height: 1, ..body });
    let area = layout::card_text(card, body);
    let gesture_lines = layout::gesture_lines(card);
    let lines = text(model, card, area);
    let asked = question(card, usize::from(area.width).saturating_sub(2)).len();
    let shown = lines.iter().take(asked).chain(lines.iter().skip(asked + card.offset));
    for (line, y) in shown.zip(area.top()..area.bottom()) {
        pen.rich(area.x + 1, y, area.width.saturating_sub(2), line);
    }
    if body.width >= 150 {
        beside(pen, model, card, area, body);
    }
    let y = body.bottom().saturating_sub(gesture_lines);
    let below = lines.len().saturating_sub(card.offset + usize::from(area.height));
    let more = if below > 0 {
        Rich::of(Role::TextStrong, &format!("… {} more (↓)", counted(below, "line", "lines")))
    } else {
        Rich::new()
    };
    pen.rule(Rect::new(body.x, y, body.width, 1), &Rich::new(), &more);
    let position =
        gesture(pen, model, card, Rect::new(body.x, y + 1, body.width, gesture_lines - 1));
    chrome::footer(pen, model, parts, "");
    position
}

fn title(pen: &mut Pen<'_>, model: &Model, card: &Card, area: Rect) {
    let plan = card.frozen.plan.as_ref();
    let title = Rich::of(Role::Title, model.short(&card.id))
        .and(Role::Rule, " ─ ")
        .and(Role::Title, &format!("plan {}", card.plan.short()));
    let mut right = Rich::new();
    if let Some(risk) = plan.and(card.risk()) {
        right.push(risk_role(risk), &format!("risk {risk}"));
    }
    let open = matches!(card.phase, Phase::Reading | Phase::Rejecting(_) | Phase::Recording(_));
    match card.expires_at().filter(|_| open) {
        Some(expires_at) => {
            right.push(Role::Rule, " ─ ");
            match left(model.now(), expires_at) {
                Some(words) => right.push(Role::TextStrong, &format!("expires in {words}")),
                None => right.push(Role::Unsure, "expired"),
            }
        }
        None if open => right.push(Role::TextDim, " not asked for"),
        None => {}
    }
    pen.rule(area, &title, &right);
}

/// On wide screens: all the evidence and all the steps beside the card.
fn beside(pen: &mut Pen<'_>, model: &Model, card: &Card, area: Rect, body: Rect) {
    let x = area.right();
    let bottom = area.bottom();
    pen.separator(x, area.y, bottom);
    let columns = usize::from(body.right().saturating_sub(x + 3));
    let mut lines = Vec::new();
    if let Some(plan) = &card.frozen.plan {
        lines.push(Rich::of(
            Role::Title,
            &format!(
                "template {}@{}  {}",
                plan.template.name,
                plan.template.version,
                plan.template.digest.get(..8).unwrap_or_default()
            ),
        ));
        for step in plan.all_steps() {
            let line = Rich::text(&format!(
                "{}{} {}",
                "  ".repeat(step.path.depth()),
                step.path,
                step.title
            ));
            lines.extend(line.wrapped(columns, 6));
            if let Some(why) = &step.skipped {
                lines.push(Rich::of(Role::Off, &format!("      left out: {why}")));
            }
        }
        lines.push(Rich::new());
    }
    if let Some(diagnosis) = &card.frozen.diagnosis {
        lines.push(Rich::of(Role::Title, "evidence, and where it came from"));
        for fact in &diagnosis.evidence {
            lines.extend(Rich::text(&fact.text).wrapped(columns, 2));
            lines
                .extend(Rich::of(Role::TextDim, &format!("  {}", fact.source)).wrapped(columns, 4));
        }
        lines.push(Rich::new());
        lines.push(Rich::of(Role::Title, "weighed"));
        for weighed in &diagnosis.weighed {
            lines.push(Rich::text(&format!(
                "{:.2} {}, {}",
                weighed.confidence, weighed.pattern, weighed.cause
            )));
        }
    }
    let _ = model;
    for (line, y) in lines.iter().zip(area.y..bottom) {
        pen.rich(x + 2, y, u16::try_from(columns).unwrap_or(0), line);
    }
}

fn gesture(pen: &mut Pen<'_>, model: &Model, card: &Card, area: Rect) -> Option<Position> {
    let columns = area.width.saturating_sub(1);
    match &card.phase {
        Phase::Rejecting(field) => return Some(rejecting(pen, card, field, area)),
        Phase::Recording(decision) => {
            pen.put(1, area.y, columns, Role::Active, recording(*decision));
            return None;
        }
        Phase::Answered { taken, text } => {
            let (role, sign) = if *taken { (Role::Good, "✓") } else { (Role::Bad, "✗") };
            let line = Rich::of(role, &format!("{sign} {text}"));
            for (line, y) in line.wrapped(usize::from(columns), 2).iter().zip(area.top()..) {
                if y + 1 < area.bottom() {
                    pen.rich(1, y, columns, line);
                }
            }
            pen.put(1, area.bottom() - 1, columns, Role::TextDim, "Enter follows it   Esc back");
            return None;
        }
        Phase::Reading => {}
    }
    let mut position = None;
    match gate(model, card) {
        Gate::Off(why) => {
            let line = Rich::of(Role::Unsure, &format!("⊖ {why}"));
            for (line, y) in
                line.wrapped(usize::from(columns), 2).iter().zip(area.top()..area.bottom())
            {
                pen.rich(1, y, columns, line);
            }
        }
        Gate::Dead(left) => {
            // To the tenth, upwards: it never says 0.0 while keys are dead.
            let tenths = left.div_ceil(100);
            let text = format!("keys wake in {}.{}s", tenths / 10, tenths % 10);
            pen.put(1, area.y, columns, Role::Held, &text);
        }
        Gate::Ready(way) => position = ready(pen, model, card, way, area),
    }
    if let Some(said) = &card.said {
        pen.right(area.right() - 1, area.y, Role::TextStrong, said);
    }
    position
}

fn recording(decision: Decision) -> &'static str {
    match decision {
        Decision::Approve => "recording your approval… it is not lost if you look away",
        Decision::Reject => "recording your rejection…",
    }
}

fn rejecting(
    pen: &mut Pen<'_>,
    card: &Card,
    field: &crate::ui::model::field::Field,
    area: Rect,
) -> Position {
    pen.put(
        1,
        area.y,
        area.width - 2,
        Role::Title,
        "REJECT. Say why, then Enter. Esc goes back to the card.",
    );
    let label = "reason ";
    pen.put(1, area.y + 1, area.width - 2, Role::TextDim, label);
    let x = 1 + u16::try_from(label.len()).unwrap_or(0);
    let used = pen.put(x, area.y + 1, area.width - x - 1, Role::TextStrong, field.text());
    if let Some(said) = &card.said {
        pen.put(1, area.y + 2, area.width - 2, Role::TextStrong, said);
    }
    Position::new((x + used).min(area.right() - 1), area.y + 1)
}

fn ready(pen: &mut Pen<'_>, model: &Model, card: &Card, way: Way, area: Rect) -> Option<Position> {
    use crate::ui::intent::Intent;
    let columns = area.width.saturating_sub(1);
    let approve = model.keymap.keys_for(Intent::Approve);
    let arm = model.keymap.keys_for(Intent::Arm);
    let risk = card.risk().unwrap_or(Risk::High);
    let mut position = None;
    match way {
        Way::Key => {
            let line = Rich::text("Low risk. ")
                .and(Role::Key, &approve)
                .and(Role::Text, " approves. Anything else does nothing.");
            pen.rich(1, area.y, columns, &line);
        }
        Way::Chord => {
            let armed = card.armed.is_some();
            let line = if armed {
                Rich::of(Role::TextStrong, "now ")
                    .and(Role::Key, &approve)
                    .and(Role::Text, ": approves. Anything else does nothing.")
            } else {
                Rich::text("Medium risk. ")
                    .and(Role::Key, &arm)
                    .and(Role::Text, " then ")
                    .and(Role::Key, &approve)
                    .and(Role::Text, " within 2 s approves. Anything else does nothing.")
            };
            pen.rich(1, area.y, columns, &line);
        }
        Way::Name => position = name_field(pen, card, risk, area),
    }
    let by = format!("by {}; written to the log before it runs", model.principal.describe());
    pen.put(1, area.bottom() - 1, columns, Role::TextDim, &by);
    position
}

fn name_field(pen: &mut Pen<'_>, card: &Card, risk: Risk, area: Rect) -> Option<Position> {
    let columns = area.width.saturating_sub(1);
    let wanted = card.name()?;
    let words = format!(
        "{} RISK. Type the name of the target, then Enter. Anything else does nothing.",
        risk.word().to_uppercase()
    );
    pen.put(1, area.y, columns, risk_role(risk), &words);
    let namespace = card
        .frozen
        .plan
        .as_ref()
        .and_then(|plan| plan.target.as_ref())
        .map_or(String::new(), |target| target.key.namespace.clone());
    let label =
        if namespace.is_empty() { "approve ".into() } else { format!("approve {namespace}/ ") };
    let used = pen.put(1, area.y + 1, columns, Role::TextDim, &label);
    let x = 1 + used;
    let right_so_far = wanted.starts_with(&card.typed);
    let role = if right_so_far { Role::TextStrong } else { Role::Bad };
    let typed = pen.put(x, area.y + 1, columns.saturating_sub(used), role, &card.typed);
    let left = wanted.chars().count().saturating_sub(card.typed.chars().count());
    let hint = if !card.focused {
        "Tab enters the field".into()
    } else if !right_so_far {
        "that is not its name".into()
    } else if left > 0 {
        format!("{} to go", counted(left, "letter", "letters"))
    } else {
        "Enter approves".into()
    };
    pen.right(area.right() - 1, area.y + 1, Role::TextDim, &hint);
    card.focused.then(|| Position::new((x + typed).min(area.right() - 1), area.y + 1))
}
