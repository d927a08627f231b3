//! The plan went void under the reader: what moved, and what is different in the plan that replaces it.

use super::chrome;
use super::layout::Parts;
use crate::domain::approval::Drift;
use crate::domain::remediation::Remediation;
use crate::domain::workflow::plan::Plan;
use crate::ui::facts::sides;
use crate::ui::format::{age, left};
use crate::ui::model::Model;
use crate::ui::model::card::Card;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::Rect;

/// What moved, as lines with the label of the card.
#[must_use]
pub fn drift_lines(drift: &[Drift]) -> Vec<Rich> {
    let mut out = Vec::new();
    let mut label = "MOVED   ";
    for one in drift {
        let mut line = Rich::of(Role::Unsure, label).and(Role::Text, &one.object);
        if !one.note.is_empty() {
            line.push(Role::Text, &format!("  {}", one.note));
        }
        out.push(line);
        label = "        ";
        if !one.by.is_empty() {
            out.push(Rich::of(Role::TextDim, &format!("{label}by {}", one.by)));
        }
        for moved in &one.moved {
            for (sign, role, value) in sides(moved) {
                out.push(Rich::of(role, &format!("{label}{sign} {}: {value}", moved.path)));
            }
        }
    }
    out
}

/// Draws the void card in the place of the card.
pub fn draw(pen: &mut Pen<'_>, model: &Model, card: &Card, now: &Remediation, parts: &Parts) {
    let body = parts.body;
    let title = Rich::of(Role::Title, model.short(&card.id))
        .and(Role::Rule, " ─ ")
        .and(Role::Unsure, &format!("plan {} is void", card.plan.short()));
    pen.rule(Rect { height: 1, ..body }, &title, &Rich::of(Role::TextDim, "nothing was done"));
    let columns = usize::from(body.width).saturating_sub(2);
    let mut lines = vec![
        Rich::of(
            Role::Unsure,
            "⚠ The target changed while you were reading. Your typing was cleared.",
        ),
        Rich::new(),
    ];
    if let Some(voided) = &now.voided {
        for line in drift_lines(&voided.drift) {
            lines.extend(line.wrapped(columns, 10));
        }
        lines
            .push(Rich::of(Role::TextDim, &format!("        {} ago", age(model.now(), voided.at))));
    }
    lines.push(Rich::new());
    let mut y = body.y + 1;
    for line in &lines {
        if y >= body.bottom() {
            return;
        }
        pen.rich(body.x + 1, y, body.width - 2, line);
        y += 1;
    }
    if let Some(plan) = now.plan.as_ref().filter(|_| now.request.is_some()) {
        replaced(pen, model, card, now, plan, Rect::new(body.x, y, body.width, body.bottom() - y));
    } else {
        let text = "It is diagnosed anew; the plan that replaces it will be shown here.";
        pen.put(body.x + 1, y, body.width - 2, Role::Waiting, text);
    }
    chrome::footer(pen, model, parts, "");
}

fn replaced(
    pen: &mut Pen<'_>,
    model: &Model,
    card: &Card,
    now: &Remediation,
    plan: &Plan,
    area: Rect,
) {
    let mut right = Rich::of(super::list::risk_role(plan.risk), &format!("risk {}", plan.risk));
    if let Some(words) =
        now.request.as_ref().and_then(|request| left(model.now(), request.expires_at))
    {
        right.push(Role::Rule, " ─ ");
        right.push(Role::TextStrong, &format!("expires in {words}"));
    }
    let title = Rich::of(Role::Title, &format!("plan {} replaces it", plan.digest.short()));
    pen.rule(Rect { height: 1, ..area }, &title, &right);
    let columns = usize::from(area.width).saturating_sub(2);
    let (same, different) = compare(card, now, plan);
    let mut lines = Vec::new();
    let mut label = "NOW     ";
    for line in different {
        let whole = Rich::of(Role::Title, label).and(Role::Text, &line);
        lines.extend(whole.wrapped(columns, 10));
        label = "        ";
    }
    if !same.is_empty() {
        let whole = Rich::of(Role::Title, "SAME    ").and(Role::TextDim, &same.join(", "));
        lines.extend(whole.wrapped(columns, 8));
    }
    lines.push(Rich::new());
    let words = format!(
        "Deciding needs the whole new card. Plan {} can no longer be approved; an approve of it \
         from a script ends with exit code 5.",
        card.plan.short()
    );
    lines.extend(Rich::of(Role::TextDim, &words).wrapped(columns, 0));
    lines.push(
        Rich::of(Role::Key, "Enter")
            .and(Role::Text, &format!(" reads plan {}", plan.digest.short())),
    );
    for (line, y) in lines.iter().zip(area.y + 1..area.bottom()) {
        pen.rich(area.x + 1, y, area.width - 2, line);
    }
}

/// What is the same in the new plan, as words, and what is different, as sentences.
fn compare(card: &Card, now: &Remediation, new: &Plan) -> (Vec<&'static str>, Vec<String>) {
    let mut same = Vec::new();
    let mut different = Vec::new();
    let Some(old) = card.frozen.plan.as_ref() else { return (same, different) };
    let mut field = |name: &'static str, equal: bool, words: String| {
        if equal {
            same.push(name);
        } else {
            different.push(format!("{name:<9} {words}"));
        }
    };
    let target = |plan: &Plan| plan.target.as_ref().map_or("unknown".into(), |t| t.key.path());
    field("target", old.target == new.target, format!("{} → {}", target(old), target(new)));
    let changes = |plan: &Plan| {
        plan.operations().map(|(_, planned)| planned.operation.clone()).collect::<Vec<_>>()
    };
    field("change", changes(old) == changes(new), format!("{} → {}", old.title, new.title));
    field("risk", old.risk == new.risk, format!("{} → {}", old.risk, new.risk));
    field("cause", old.cause == new.cause, format!("{} → {}", old.cause, new.cause));
    let before = card.frozen.diagnosis.as_ref().map_or(0.0, |d| d.confidence);
    let after = now.diagnosis.as_ref().map_or(0.0, |d| d.confidence);
    let equal = (before - after).abs() < 0.005;
    field("confidence", equal, format!("{before:.2} → {after:.2}"));
    field("blast", old.blast == new.blast, format!("{} → {} pods", old.blast.pods, new.blast.pods));
    field("undo", old.undo == new.undo, format!("{} → {}", old.undo, new.undo));
    let settles = old.verification == new.verification;
    field("checks", settles, "other conditions or settle time".into());
    (same, different)
}
