//! What there is to say of one step: where it stands and why, what it does, how long it usually takes, its tries.
//!
//! ```text
//! ─ evict ledger-api-7d9f-8mq4t ─────────────────────────────── ⋯ waiting ─
//!  SEEN     budget payments/ledger allows 0 now
//!  UNTIL    gives up 03:30:22Z (11:51 left)
//! ```

use crate::domain::remediation::Remediation;
use crate::domain::time::countdown;
use crate::domain::workflow::execution::{Attempt, StepRun, StepState};
use crate::domain::workflow::left::of_step;
use crate::domain::workflow::plan::{PlanStep, StepKind};
use crate::domain::workflow::tree::{Counts, TreeRow};
use crate::ui::facts::sides;
use crate::ui::format::{clock, counted, elide, left};
use crate::ui::glyphs;
use crate::ui::model::Model;
use crate::ui::model::timeline::outcome_words;
use crate::ui::theme::Role;
use crate::ui::widgets::pen::Pen;
use crate::ui::widgets::rich::Rich;
use ratatui::layout::Rect;

/// Draws what there is to say of one step.
pub fn draw(pen: &mut Pen<'_>, model: &Model, case: &Remediation, row: &TreeRow<'_>, area: Rect) {
    let shown = row.run.map(|_| glyphs::tree_row(row));
    let title = Rich::of(Role::Title, &elide(&row.step.title, usize::from(area.width) / 2));
    let right = shown.map_or_else(Rich::new, |shown| {
        Rich::of(shown.role, &format!("{} {}", shown.sign.0, shown.word))
    });
    pen.rule(Rect { height: 1, ..area }, &title, &right);
    let columns = usize::from(area.width).saturating_sub(2);
    let mut y = area.y + 1;
    for line in detail_lines(model, case, row) {
        for broken in line.wrapped(columns, 9) {
            if y >= area.bottom() {
                return;
            }
            pen.rich(area.x + 1, y, area.width.saturating_sub(2), &broken);
            y += 1;
        }
    }
}

fn labelled(label: &str, role: Role, text: &str) -> Rich {
    Rich::of(Role::Title, &format!("{label:<9}")).and(role, text)
}

fn detail_lines(model: &Model, case: &Remediation, row: &TreeRow<'_>) -> Vec<Rich> {
    let mut lines = Vec::new();
    if let Some(run) = row.run {
        state_lines(model, run, &mut lines);
    }
    if let Some(why) = &row.step.skipped {
        lines.push(labelled("LEFT OUT", Role::Off, why));
    }
    kind_lines(row.step, &mut lines);
    told_line(row, &mut lines);
    time_lines(model, case, row, &mut lines);
    lines.push(labelled(
        "LIMIT",
        Role::TextDim,
        &format!(
            "{}, {}, on failure {}",
            countdown(i64::try_from(row.step.timeout_s).unwrap_or(i64::MAX)),
            counted(usize::try_from(row.step.attempts).unwrap_or(usize::MAX), "try", "tries"),
            row.step.on_failure
        ),
    ));
    if let Some(run) = row.run {
        for (number, attempt) in run.attempts.iter().enumerate().rev().take(5) {
            lines.push(attempt_line(number + 1, attempt));
        }
        for note in run.notes.iter().rev().take(3) {
            lines.push(labelled("NOTE", Role::TextDim, note));
        }
    }
    lines
}

fn state_lines(model: &Model, run: &StepRun, lines: &mut Vec<Rich>) {
    match &run.state {
        StepState::Waiting { seen, until } => {
            lines.push(labelled("SEEN", Role::Text, seen));
            let words = left(model.now(), *until).map_or("its time is over".into(), |left| {
                format!("gives up {} ({left} left)", clock(*until))
            });
            lines.push(labelled("UNTIL", Role::Text, &words));
        }
        StepState::Failed { why } | StepState::TimedOut { why } | StepState::UndoFailed { why } => {
            lines.push(labelled("WHY", Role::Bad, why));
        }
        StepState::Asked { until } => {
            let words = left(model.now(), *until).map_or("its time is over".into(), |left| {
                format!("until {} ({left} left); Space a opens the card", clock(*until))
            });
            lines.push(labelled("DECIDE", Role::Attention, &words));
        }
        StepState::Unknown { why } => lines.push(labelled("UNKNOWN", Role::Unsure, why)),
        StepState::Skipped { why } | StepState::WillNotBeRun { reason: why } => {
            lines.push(labelled("WHY", Role::Off, why));
        }
        StepState::Pending
        | StepState::Running
        | StepState::Done
        | StepState::Undoing
        | StepState::Undone => {}
    }
}

/// To whom a message went, once it did.
fn told_line(row: &TreeRow<'_>, lines: &mut Vec<Rich>) {
    let tells = matches!(row.step.kind, StepKind::Notify { .. } | StepKind::HandOver { .. });
    let done = row.run.filter(|run| tells && run.state == StepState::Done);
    if let Some(at) = done.and_then(|run| run.ended_at) {
        let words = format!("{} in the log, to all who watch it", clock(at));
        lines.push(labelled("TOLD", Role::Good, &words));
    }
}

/// How far it is, and how long it usually takes.
fn time_lines(model: &Model, case: &Remediation, row: &TreeRow<'_>, lines: &mut Vec<Rich>) {
    let history = &model.snapshot.history;
    let over = row.run.is_some_and(|run| run.state.is_final()) || row.step.skipped.is_some();
    if row.parent {
        let Counts { done, all } = row.counts;
        let mut words = format!("{done} of {all} steps");
        if !over {
            let left = of_step(case, (row.template, row.step), history, model.now());
            let left = if case.execution.is_some() { left.words() } else { left.usually() };
            words = format!("{words}; {left}");
        }
        lines.push(labelled("PROGRESS", Role::Text, &words));
    } else if let Some(usual) = history.usual(row.template, row.step) {
        let seconds = countdown(i64::try_from(usual.seconds).unwrap_or(i64::MAX));
        let runs = if usual.runs == 1 { "1 run".into() } else { format!("{} runs", usual.runs) };
        lines.push(labelled("USUALLY", Role::TextDim, &format!("{seconds}, median of {runs}")));
    } else if matches!(row.step.kind, StepKind::Action { .. } | StepKind::WaitFor { .. }) && !over {
        lines.push(labelled("USUALLY", Role::TextDim, "not known: no history yet"));
    }
}

fn kind_lines(step: &PlanStep, lines: &mut Vec<Rich>) {
    match &step.kind {
        StepKind::Action { action, target, operations, .. } => {
            lines.push(labelled("ACTION", Role::Text, &format!("{action} on {}", target.path())));
            for line in operations.iter().flat_map(|planned| &planned.diff) {
                for (sign, role, value) in sides(line) {
                    lines.push(labelled("", role, &format!("{sign} {}: {value}", line.path)));
                }
            }
            let undo = if operations.iter().all(|planned| !planned.operation.mutates()) {
                "none needed"
            } else if operations.iter().all(|planned| planned.undo.is_some()) {
                "planned, in reverse order"
            } else {
                "not possible"
            };
            lines.push(labelled("UNDO", Role::TextDim, undo));
        }
        StepKind::WaitFor { condition } => {
            lines.push(labelled("WAITS", Role::Text, &condition.describe));
            lines.push(labelled("", Role::TextDim, &condition.until));
        }
        StepKind::Subflow { template, steps } => lines.push(labelled(
            "SUBFLOW",
            Role::Text,
            &format!(
                "{}@{}, {}",
                template.name,
                template.version,
                counted(steps.len(), "step", "steps")
            ),
        )),
        StepKind::Steps { steps } => lines.push(labelled(
            "STEPS",
            Role::Text,
            &format!("{}, one after another", steps.len()),
        )),
        StepKind::Parallel { lanes, steps } => lines.push(labelled(
            "AT ONCE",
            Role::Text,
            &format!("{} steps, at most {} at once", steps.len(), lanes.at_most),
        )),
        StepKind::Branch { steps } => lines.push(labelled(
            "BRANCH",
            Role::Text,
            &format!("the first of {} arms whose condition holds", steps.len()),
        )),
        StepKind::ForEach { lanes, bounded, steps } => {
            let what = bounded.as_ref().map_or_else(
                || format!("of {} items", steps.len()),
                |bounded| format!("of the {}, at most {}", bounded.rule.words(), bounded.at_most),
            );
            lines.push(labelled("FOR EACH", Role::Text, &what));
            lines.push(labelled("", Role::TextDim, &lanes.words()));
        }
        StepKind::Approval { message, .. } => lines.push(labelled("ASKS", Role::Text, message)),
        StepKind::Notify { message } | StepKind::HandOver { message, .. } => {
            lines.push(labelled("TELLS", Role::Text, message));
        }
    }
}

fn attempt_line(number: usize, attempt: &Attempt) -> Rich {
    let words = attempt.outcome.as_ref().map_or("under way".to_string(), outcome_words);
    labelled(
        &format!("TRY {number}"),
        Role::Text,
        &format!("{} {} {words}", clock(attempt.started_at), attempt.id),
    )
}
