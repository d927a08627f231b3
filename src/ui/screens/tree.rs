//! One remediation as a live tree of steps.
//!
//! ```text
//!  b2vn ▸ running  node/wk-03  node-issue …
//!  now  12 of 14 pods moved …
//! ─ steps 3 of 6 ─────────────── attempts ── time ─│─ the selected step ──────────
//!   ▾ ▸ 3 drain wk-03                   1     12:46 │ WHAT …
//! ─ log ───────────────────────────────────────────────────────────────────────────
//! ```

use super::layout::{self, Parts};
use super::{chrome, step};
use crate::domain::breaker::Destination;
use crate::domain::id::StepPath;
use crate::domain::remediation::{Remediation, State};
use crate::domain::steering::with_reason;
use crate::domain::time::{countdown, seconds_between};
use crate::domain::workflow::execution::{StepRun, StepState};
use crate::domain::workflow::left::of_case;
use crate::domain::workflow::plan::StepKind;
use crate::domain::workflow::tree::{self, Counts, TreeRow};
use crate::ui::format::{age, clock_short, cut, left, width};
use crate::ui::glyphs;
use crate::ui::model::Model;
use crate::ui::model::tree::{Pane, TimeLine};
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::{Position, Rect};
use std::collections::BTreeSet;

/// The rows of the tree that are not folded away.
#[must_use]
pub fn visible<'a>(case: &'a Remediation, folded: &BTreeSet<StepPath>) -> Vec<TreeRow<'a>> {
    let mut hidden_below: Option<usize> = None;
    tree::rows(case)
        .into_iter()
        .filter(|row| {
            if let Some(depth) = hidden_below {
                if row.depth > depth {
                    return false;
                }
                hidden_below = None;
            }
            if row.parent && folded.contains(&row.step.path) {
                hidden_below = Some(row.depth);
            }
            true
        })
        .collect()
}

/// Draws the screen; returns where the terminal's cursor goes.
pub fn draw(pen: &mut Pen<'_>, model: &Model, parts: &Parts) -> Option<Position> {
    let id = model.subject()?;
    let areas = layout::tree_parts(model, parts.body);
    let Some(case) = model.remediation(&id) else {
        pen.put(
            1,
            parts.body.y + 1,
            60,
            Role::Waiting,
            &format!("{} is being read…", model.short(&id)),
        );
        chrome::footer(pen, model, parts, "");
        return None;
    };
    head(pen, model, case, areas.head);
    let rows = visible(case, &model.tree.folded);
    let position = steps(pen, model, case, &rows, areas.steps);
    let selected = selected(model, &rows);
    if areas.detail.height > 0 {
        if areas.detail.x > areas.steps.x {
            pen.separator(areas.detail.x - 1, areas.steps.top(), areas.detail.bottom());
        }
        match selected.and_then(|index| rows.get(index)) {
            Some(row) => step::draw(pen, model, case, row, areas.detail),
            None => pen.rule(Rect { height: 1, ..areas.detail }, &Rich::new(), &Rich::new()),
        }
    }
    if areas.log.height > 0 {
        if areas.log.y == areas.steps.y {
            pen.separator(areas.log.x - 1, areas.log.top(), areas.log.bottom());
        }
        log(pen, model, case, areas.log);
    }
    let place =
        selected.map_or(String::new(), |index| format!("step {} of {}", index + 1, rows.len()));
    chrome::footer(pen, model, parts, &place);
    position
}

fn selected(model: &Model, rows: &[TreeRow<'_>]) -> Option<usize> {
    let path = model.tree.selected.as_ref()?;
    rows.iter().position(|row| row.step.path == *path)
}

fn head(pen: &mut Pen<'_>, model: &Model, case: &Remediation, area: Rect) {
    let shown = glyphs::case(case);
    let target = case.target_key().map_or("target unknown".into(), |key| key.short_path());
    let mut line = Rich::of(Role::TextStrong, model.short(&case.id))
        .and(Role::Text, " ")
        .and(shown.role, &format!("{} {}", shown.sign.0, shown.word))
        .and(Role::TextStrong, &format!("  {target}"));
    let mut right = String::new();
    if let Some(plan) = &case.plan {
        right = format!("plan {}", plan.digest.short());
        let template = format!("  {}@{}", plan.template.name, plan.template.version);
        let cause = format!("  {}, {}", plan.pattern, plan.cause);
        // As much of it as there is room for.
        let room = usize::from(area.width).saturating_sub(line.width() + 20);
        if width(&cause) <= room {
            line.push(Role::TextDim, &cause);
            if width(&cause) + width(&template) + 24 <= room {
                line.push(Role::TextDim, &template);
            }
        }
    }
    if let Some(approval) = case.approvals.last() {
        right = format!(
            "{right}  {} by {} {}",
            if approval.decision.word() == "approve" { "approved" } else { "rejected" },
            approval.by.os_user,
            clock_short(approval.at)
        );
    }
    pen.rich(1, area.y, area.width.saturating_sub(2), &line);
    if line.width() + width(&right) + 4 < usize::from(area.width) {
        pen.right(area.right() - 1, area.y, Role::TextDim, &right);
    }
    if area.height < 2 {
        return;
    }
    let opened = format!("opened {} ago", age(model.now(), case.opened_at));
    let room = usize::from(area.width).saturating_sub(width(&opened) + 9);
    let now = Rich::of(Role::Title, "now  ").and(Role::Text, &cut(&now_words(model, case), room));
    pen.rich(1, area.y + 1, area.width.saturating_sub(2), &now);
    pen.right(area.right() - 1, area.y + 1, Role::TextDim, &opened);
}

fn now_words(model: &Model, case: &Remediation) -> String {
    if matches!(case.state, State::Running | State::Undoing)
        && let Some(words) = super::breakers::closed_off(model, Destination::Cluster)
    {
        return words;
    }
    match case.state {
        State::Verifying => case.settle_until.and_then(|at| left(model.now(), at)).map_or_else(
            || "measuring whether it worked".into(),
            |left| format!("settling, {left} until it is measured"),
        ),
        State::AwaitingApproval => case
            .request
            .as_ref()
            .and_then(|request| left(model.now(), request.expires_at))
            .map_or("the request lapsed".into(), |left| {
                format!("waits for a decision, {left} left; Space a opens the card")
            }),
        State::Closed if !case.closed_why.is_empty() => case.closed_why.clone(),
        State::Running | State::Undoing => {
            asking_words(model, case).or_else(|| waiting_words(case)).unwrap_or(case.last.clone())
        }
        State::Paused | State::ByHand => held_words(model, case),
        _ => case.last.clone(),
    }
}

/// Who holds it, since when, why, and what ends that.
fn held_words(model: &Model, case: &Remediation) -> String {
    let Some(held) = &case.held else { return case.last.clone() };
    let who = if case.state == State::Paused { "paused by" } else { "by hand, taken over by" };
    let since = age(model.now(), held.since);
    let words = format!("{who} {} {since} ago", held.by);
    format!("{}; Space r goes on", with_reason(words, &held.reason))
}

/// What a step asks a person, and how to answer.
fn asking_words(model: &Model, case: &Remediation) -> Option<String> {
    let (step, until) = case.asking_step()?;
    let left = left(model.now(), until).map_or("no time".into(), |left| left);
    Some(format!("step {} asks: {}; {left} left; Space a opens the card", step.path, step.asks()))
}

/// What the step that waits has seen.
fn waiting_words(case: &Remediation) -> Option<String> {
    tree::rows(case).into_iter().find_map(|row| match &row.run?.state {
        StepState::Waiting { seen, .. } => {
            Some(format!("{} {}: {seen}", row.step.path, row.step.title))
        }
        _ => None,
    })
}

fn steps(
    pen: &mut Pen<'_>,
    model: &Model,
    case: &Remediation,
    rows: &[TreeRow<'_>],
    area: Rect,
) -> Option<Position> {
    let focus = if model.tree.pane == Pane::Steps { Role::RuleFocus } else { Role::Title };
    let title = Rich::of(focus, &progress_words(case));
    let room = usize::from(area.width).saturating_sub(title.width() + 24);
    let title = title.and(Role::TextDim, &left_words(model, case, room));
    pen.rule(
        Rect { height: 1, ..area },
        &title,
        &Rich::of(Role::TextDim, "tries").and(Role::Rule, " ─ ").and(Role::TextDim, "time"),
    );
    let mut position = None;
    if rows.is_empty() {
        pen.put(area.x + 2, area.y + 1, area.width, Role::TextDim, "no plan yet");
    }
    let lines = rows.iter().enumerate().skip(model.tree.top);
    for ((index, row), y) in lines.zip(area.y + 1..area.bottom()) {
        let at = Rect::new(area.x, y, area.width, 1);
        let chosen = model.tree.selected.as_ref() == Some(&row.step.path);
        draw_step(pen, model, case, row, at, chosen);
        if chosen {
            position = Some(Position::new(area.x, y));
        }
        let _ = index;
    }
    position
}

fn progress_words(case: &Remediation) -> String {
    let Counts { done, all } = tree::progress(case);
    if case.execution.is_some() {
        format!("steps {done} of {all}")
    } else {
        format!("steps {all}, as planned")
    }
}

/// How much time is left, in as many words as there is room for.
fn left_words(model: &Model, case: &Remediation, room: usize) -> String {
    let history = &model.snapshot.history;
    let Some(left) = of_case(case, history, model.now()) else { return String::new() };
    let words = match (&case.execution, left.runs) {
        (Some(_), _) => left.words(),
        (None, Some(_)) => left.usually(),
        (None, None) => return String::new(),
    };
    let words = format!("  {words}");
    if width(&words) <= room {
        return words;
    }
    left.short().map_or_else(String::new, |short| format!("  {short}"))
}

fn draw_step(
    pen: &mut Pen<'_>,
    model: &Model,
    case: &Remediation,
    row: &TreeRow<'_>,
    area: Rect,
    chosen: bool,
) {
    let shown = glyphs::tree_row(row);
    let y = area.y;
    if chosen {
        pen.put(area.x, y, 1, Role::TextStrong, pen.glyph(glyphs::CURSOR));
    }
    let x = area.x + 2 + u16::try_from(row.depth * 2).unwrap_or(0);
    if row.parent {
        let sign =
            if model.tree.folded.contains(&row.step.path) { glyphs::FOLDED } else { glyphs::OPEN };
        pen.put(x, y, 1, Role::TextDim, sign.0);
    }
    pen.put(x + 2, y, 1, shown.role, shown.sign.0);
    let end = area.right().saturating_sub(17);
    let text = match shown.role {
        Role::TextDim | Role::Off => Role::TextDim,
        _ => Role::Text,
    };
    let mut line = Rich::of(text, &format!("{} {}", row.step.path, row.step.title));
    let room = usize::from(end.saturating_sub(x + 5));
    let why = why_not_run(row);
    let more = if why.is_empty() && row.parent { counts_words(row) } else { why.into() };
    if !more.is_empty() && line.width() + 12 < room {
        line.push(Role::TextDim, &format!("  {}", cut(&more, room - line.width() - 2)));
    }
    if let StepKind::Subflow { template, .. } = &row.step.kind {
        let words = format!("  (subflow {}@{})", template.name, template.version);
        if line.width() + width(&words) <= room {
            line.push(Role::TextDim, &words);
        }
    }
    pen.rich(x + 4, y, end.saturating_sub(x + 5), &line);
    if let Some(run) = row.run {
        tries(pen, run, area.right() - 9, y);
        let (role, words) = time_words(model, case, run, shown.word);
        pen.right(area.right() - 1, y, role, &words);
    } else {
        pen.right(area.right() - 1, y, Role::TextDim, shown.word);
    }
    if chosen {
        pen.over(area, Role::Cursor);
    }
}

/// `12 of 14`, once a step that holds others has begun.
fn counts_words(row: &TreeRow<'_>) -> String {
    let begun = row.run.is_some_and(|run| run.started_at.is_some());
    let Counts { done, all } = row.counts;
    if begun && all > 0 { format!("{done} of {all}") } else { String::new() }
}

/// Why a step was left out, or will never start.
fn why_not_run<'a>(row: &TreeRow<'a>) -> &'a str {
    match row.run.map(|run| &run.state) {
        Some(state @ (StepState::Skipped { .. } | StepState::WillNotBeRun { .. })) => state.why(),
        Some(_) => "",
        None => row.step.skipped.as_deref().unwrap_or_default(),
    }
}

fn tries(pen: &mut Pen<'_>, run: &StepRun, end: u16, y: u16) {
    if !run.attempts.is_empty() {
        pen.right(end, y, Role::TextDim, &run.attempts.len().to_string());
    }
}

fn time_words(model: &Model, case: &Remediation, run: &StepRun, word: &str) -> (Role, String) {
    let Some(started) = run.started_at else { return (Role::TextDim, word.into()) };
    let open = run.ended_at.is_none();
    let end =
        run.ended_at.or(case.execution.as_ref().and_then(|e| e.ended_at)).unwrap_or(model.now());
    let seconds = seconds_between(started, end);
    let words = if seconds < 60 { format!("{seconds}s") } else { countdown(seconds) };
    (if open { Role::Text } else { Role::TextDim }, words)
}

/// The lines of a case's log.
#[must_use]
pub fn log_lines(model: &Model, case: &Remediation) -> Vec<TimeLine> {
    if let Some(known) = model.case.as_ref().filter(|known| *known.id() == case.id) {
        return known.lines.clone();
    }
    model
        .snapshot
        .log
        .iter()
        .filter(|(_, id, _)| id.as_ref() == Some(&case.id))
        .map(|(at, _, text)| TimeLine {
            at: *at,
            seq: 0,
            path: None,
            by: String::new(),
            text: text.clone(),
        })
        .collect()
}

fn log(pen: &mut Pen<'_>, model: &Model, case: &Remediation, area: Rect) {
    let lines = log_lines(model, case);
    let focus = if model.tree.pane == Pane::Log { Role::RuleFocus } else { Role::Title };
    let newer = lines.len().saturating_sub(model.tree.frozen_at);
    let right = match model.tree.back {
        Some(_) if newer > 0 => format!("frozen, {newer} newer"),
        Some(_) => "frozen".into(),
        None => "following".into(),
    };
    pen.rule(
        Rect { height: 1, ..area },
        &Rich::of(focus, &format!("log of {}", model.short(&case.id))),
        &Rich::of(Role::TextDim, &right),
    );
    let columns = usize::from(area.width).saturating_sub(2);
    let mut broken = Vec::new();
    for line in &lines {
        let own = line.path.is_some() && line.path == model.tree.selected;
        let role = if own { Role::TextStrong } else { Role::Text };
        let path = line.path.as_ref().map_or(String::new(), |path| format!("{path} "));
        let whole = Rich::of(Role::TextDim, &format!("{} ", clock_short(line.at)))
            .and(Role::TextDim, &path)
            .and(role, &line.text);
        broken.extend(whole.wrapped(columns, 9));
    }
    let room = usize::from(area.height.saturating_sub(1));
    let back = model.tree.back.unwrap_or(0);
    let end = broken.len().saturating_sub(back);
    let start = end.saturating_sub(room);
    for (line, y) in broken[start..end].iter().zip(area.y + 1..area.bottom()) {
        pen.rich(area.x + 1, y, area.width.saturating_sub(2), line);
    }
}
