//! What stands below and beside a list: peek, detail, health, the log of the selected case.

use super::list::risk_role;
use crate::domain::remediation::Remediation;
use crate::domain::time::{Timestamp, seconds_between, spoken};
use crate::domain::workflow::execution::StepState;
use crate::domain::workflow::left::of_case;
use crate::domain::workflow::tree::{self, Counts};
use crate::engine::snapshot::{Row, Source};
use crate::ui::facts::{self, Extent};
use crate::ui::format::{age, clock_short, cut, left};
use crate::ui::glyphs::{self, Sign};
use crate::ui::model::Model;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::Rect;

/// Draws the peek of the selected row: why, what, what is special.
pub fn peek(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let Some(row) = model.list().and_then(|list| list.row()) else {
        if area.height > 0 {
            pen.rule(Rect { height: 1, ..area }, &Rich::new(), &Rich::new());
        }
        return;
    };
    if area.height == 0 {
        return;
    }
    let plan = row.plan.as_ref().map(|(digest, _)| format!("plan {}", digest.short()));
    let title = Rich::of(Role::Title, model.short(&row.id));
    pen.rule(
        Rect { height: 1, ..area },
        &title,
        &Rich::of(Role::TextDim, plan.as_deref().unwrap_or("no plan")),
    );
    let mut lines = peek_lines(model, row, usize::from(area.width).saturating_sub(2));
    lines.truncate(usize::from(super::layout::PEEK) - 1);
    lines.extend(super::breakers::worst(model));
    for (line, y) in lines.iter().zip(area.y + 1..area.bottom()) {
        pen.rich(area.x + 1, y, area.width.saturating_sub(2), line);
    }
}

fn peek_lines(model: &Model, row: &Row, columns: usize) -> Vec<Rich> {
    let Some(case) = model.remediation(&row.id) else {
        return vec![
            Rich::of(Role::Title, "WHY  ").and(Role::Text, &row.cause),
            Rich::of(Role::Title, "DO   ").and(Role::Text, &row.what),
        ];
    };
    let mut lines = vec![why_line(case, columns)];
    if let Some(plan) = &case.plan {
        let undo = if !plan.mutates() {
            "changes nothing".into()
        } else if plan.undo.is_empty() {
            "undo: unknown".to_string()
        } else {
            format!("undo: {}", plan.undo)
        };
        lines.push(
            Rich::of(Role::Title, "DO   ")
                .and(Role::Text, &cut(&format!("{}; {undo}", plan.title), columns - 5)),
        );
    } else {
        lines.push(Rich::of(Role::Title, "DO   ").and(Role::TextDim, "no plan yet"));
    }
    lines.push(state_line(model, case, columns));
    lines
}

fn why_line(case: &Remediation, columns: usize) -> Rich {
    let label = Rich::of(Role::Title, "WHY  ");
    if let Some(diagnosis) = &case.diagnosis {
        let text =
            format!("{} {:.2}: {}", diagnosis.cause, diagnosis.confidence, diagnosis.summary);
        label.and(Role::Text, &cut(&text, columns - 5))
    } else {
        let alert = case.alerts.values().next().map_or("no alert", |alert| alert.name());
        label.and(Role::TextDim, &format!("alert {alert}; facts are being collected"))
    }
}

fn state_line(model: &Model, case: &Remediation, columns: usize) -> Rich {
    if let Some(stuck) = &case.stuck {
        let again = stuck
            .retry_at
            .and_then(|at| left(model.now(), at))
            .map_or("a person has to look".to_string(), |left| format!("again in {left}"));
        return Rich::of(
            Role::Held,
            &cut(&format!("⊖    {}: {}; {again}", stuck.during, stuck.why), columns),
        );
    }
    if !case.withheld.is_empty() {
        return Rich::of(Role::Held, &cut(&format!("⊖    {}", case.withheld.join("; ")), columns));
    }
    if let Some((step, _)) = case.asking_step() {
        let words = format!("step {} asks: {}", step.path, step.asks());
        return Rich::of(Role::Title, "NOW  ").and(Role::Attention, &cut(&words, columns - 5));
    }
    if let Some(judgement) = &case.judgement {
        return Rich::of(Role::Title, "NOW  ").and(Role::Text, &cut(&judgement.why, columns - 5));
    }
    Rich::of(Role::Title, "NOW  ").and(Role::TextDim, &cut(&case.last, columns - 5))
}

/// Draws the detail of the selected case: the card's content in brief, and its steps.
pub fn detail(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let Some(row) = model.list().and_then(|list| list.row()) else { return };
    let mut right = Rich::new();
    if let Some((_, risk)) = &row.plan {
        right.push(risk_role(*risk), &format!("risk {risk}"));
    }
    pen.rule(Rect { height: 1, ..area }, &Rich::of(Role::Title, model.short(&row.id)), &right);
    let columns = usize::from(area.width).saturating_sub(2);
    let mut lines = state_lines(model, row, columns);
    match model.remediation(&row.id) {
        Some(case) => {
            let room = usize::from(area.height).saturating_sub(1 + lines.len());
            let size = (columns, room);
            let extent = Extent { glance: true, ..Extent::default() };
            lines.extend(facts::rows(model, case, None, extent, size));
            lines.extend(steps(model, case, columns));
        }
        None => lines.push(Rich::of(Role::TextDim, "being read…")),
    }
    let room = usize::from(area.height.saturating_sub(1));
    let more = lines.len().saturating_sub(room);
    let shown = if more > 0 { room.saturating_sub(1) } else { room };
    for (line, y) in lines.iter().take(shown).zip(area.y + 1..area.bottom()) {
        pen.rich(area.x + 1, y, area.width.saturating_sub(2), line);
    }
    if more > 0 {
        let text = format!("… {} more: Enter opens it", more + 1);
        pen.put(area.x + 1, area.bottom() - 1, area.width, Role::TextDim, &text);
    }
}

fn state_lines(model: &Model, row: &Row, columns: usize) -> Vec<Rich> {
    let shown = glyphs::row(row);
    let mut line = Rich::of(Role::Title, "STATE   ")
        .and(shown.role, &format!("{} {}", shown.sign.0, shown.word));
    line.push(Role::TextDim, &format!("  opened {} ago", age(model.now(), row.opened_at)));
    if let Some(words) =
        row.due.filter(|_| row.outcome.is_none()).and_then(|due| left(model.now(), due))
    {
        line.push(Role::Text, &format!("  {words} left"));
    }
    let mut lines = line.wrapped(columns, 8);
    if let Some(case) = model.remediation(&row.id) {
        if case.is_open() && case.execution.is_none() && case.stuck.is_none() {
            return lines;
        }
        let why = if case.closed_why.is_empty() { &case.last } else { &case.closed_why };
        lines.extend(Rich::of(Role::Title, "NOW     ").and(Role::Text, why).wrapped(columns, 8));
    }
    lines
}

fn steps(model: &Model, case: &Remediation, columns: usize) -> Vec<Rich> {
    if case.execution.is_none() {
        return Vec::new();
    }
    let Counts { done, all } = tree::progress(case);
    let mut first = Rich::of(Role::Title, "STEPS   ").and(Role::Text, &format!("{done} of {all}"));
    if let Some(left) = of_case(case, &model.snapshot.history, model.now()) {
        first.push(Role::TextDim, &format!("; {}", left.words()));
    }
    let mut lines = first.wrapped(columns, 8);
    for row in tree::rows(case) {
        let Some(run) = row.run else { continue };
        let shown = glyphs::tree_row(&row);
        let why = match &run.state {
            state @ (StepState::Skipped { .. } | StepState::WillNotBeRun { .. }) => state.why(),
            _ => "",
        };
        let why = if why.is_empty() { String::new() } else { format!(" ({}: {why})", shown.word) };
        let text = format!("{} {}{why}", row.step.path, row.step.title);
        let room = columns.saturating_sub(10 + row.depth * 2);
        lines.push(
            Rich::text(&" ".repeat(8 + row.depth * 2))
                .and(shown.role, shown.sign.0)
                .and(Role::Text, &format!(" {}", cut(&text, room))),
        );
    }
    lines
}

/// Sign, role and age of a source.
#[must_use]
pub fn source_state(model: &Model, source: &Source) -> (Role, Sign, Option<i64>) {
    let seconds = source.good_at.map(|at| seconds_between(at, model.now()).max(0));
    match source.ok {
        Some(true) => (Role::TextDim, glyphs::GOOD, seconds),
        Some(false) => (Role::Bad, glyphs::BAD, seconds),
        None => (Role::Off, glyphs::PENDING, seconds),
    }
}

/// Draws the health of the sources, each with its own age, and what happened last.
pub fn health(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    if area.height < 2 {
        return;
    }
    pen.rule(Rect { height: 1, ..area }, &Rich::of(Role::Title, "health"), &Rich::new());
    let mut y = area.y + 1;
    for source in &model.snapshot.sources {
        if y >= area.bottom() {
            return;
        }
        let (role, sign, seconds) = source_state(model, source);
        pen.put(area.x + 1, y, 1, role, sign.0);
        pen.put(
            area.x + 3,
            y,
            13,
            if role == Role::Bad { Role::Bad } else { Role::Text },
            source.name,
        );
        let words = seconds.map_or("never".to_string(), spoken);
        pen.right(area.x + 22, y, Role::TextDim, &words);
        pen.put(area.x + 24, y, area.width.saturating_sub(25), Role::TextDim, &source.note);
        y += 1;
    }
    if y + 1 >= area.bottom() {
        return;
    }
    let rule = Rect::new(area.x, y, area.width, 1);
    pen.rule(rule, &Rich::of(Role::Title, "log"), &Rich::new());
    let room = usize::from(area.bottom() - y - 1);
    let log = &model.snapshot.log;
    for ((at, id, text), y) in log.iter().rev().take(room).zip(y + 1..area.bottom()) {
        let line = log_line(model, *at, id.as_ref(), text);
        pen.rich(area.x + 1, y, area.width.saturating_sub(2), &line);
    }
}

fn log_line(
    model: &Model,
    at: Timestamp,
    id: Option<&crate::domain::id::RemediationId>,
    text: &str,
) -> Rich {
    let mut line = Rich::of(Role::TextDim, &format!("{} ", clock_short(at)));
    if let Some(id) = id {
        line.push(Role::TextStrong, &format!("{} ", id.as_str().get(..4).unwrap_or(id.as_str())));
    }
    let _ = model;
    line.push(Role::Text, text);
    line
}

/// Draws the log of the selected case (of all, when it has no line), newest below.
pub fn events(pen: &mut Pen<'_>, model: &Model, area: Rect) {
    let selected = model.subject();
    let log = &model.snapshot.log;
    let own = log.iter().filter(|(_, id, _)| *id == selected && id.is_some()).collect::<Vec<_>>();
    let (title, lines) = match &selected {
        Some(id) if !own.is_empty() => (format!("log of {}", model.short(id)), own),
        _ => ("log of all".to_string(), log.iter().collect()),
    };
    pen.rule(Rect { height: 1, ..area }, &Rich::of(Role::Title, &title), &Rich::new());
    let columns = usize::from(area.width).saturating_sub(2);
    let mut broken = Vec::new();
    for (at, id, text) in lines {
        broken.extend(log_line(model, *at, id.as_ref(), text).wrapped(columns, 9));
    }
    let room = usize::from(area.height.saturating_sub(1));
    let skip = broken.len().saturating_sub(room);
    for (line, y) in broken.iter().skip(skip).zip(area.y + 1..area.bottom()) {
        pen.rich(area.x + 1, y, area.width.saturating_sub(2), line);
    }
}
