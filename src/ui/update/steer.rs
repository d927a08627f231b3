//! Steering from the console: pause and resume at once, everything else after a question that says what follows.
//!
//! Promises: nothing that changes the cluster, or gives work up, is sent by the first key; what can't be done now says
//! why, in the words of the engine, which checks again.

use super::keys::{say, warn};
use super::turn::Turn;
use crate::domain::event::Outcome;
use crate::domain::id::{RemediationId, StepPath};
use crate::domain::remediation::{Remediation, State};
use crate::domain::steerable::why_not;
use crate::domain::steering::{Changes, Steering};
use crate::domain::workflow::tree;
use crate::engine::command::Command;
use crate::ui::intent::Intent;
use crate::ui::keymap::Press;
use crate::ui::model::Model;
use crate::ui::model::field::Field;
use crate::ui::model::overlay::{Asked, Overlay};
use crate::ui::model::place::Place;
use crate::ui::msg::{Effect, Ticket};
use crossterm::event::KeyCode;

/// What an intent steers; `None`: it steers nothing.
#[must_use]
pub fn steering(model: &Model, intent: Intent, case: Option<&Remediation>) -> Option<Steering> {
    Some(match intent {
        Intent::Pause => Steering::Pause,
        Intent::Resume => Steering::Resume,
        Intent::Cancel => Steering::Cancel { changes: Changes::WherePossible },
        Intent::SkipStep => Steering::Skip { step: step_to_skip(model, case) },
        Intent::RetryStep => Steering::Retry { step: None },
        Intent::Undo => Steering::Undo,
        Intent::TakeOver => Steering::TakeOver,
        _ => return None,
    })
}

/// The step that is selected in the tree, else the one that is under way.
fn step_to_skip(model: &Model, case: Option<&Remediation>) -> StepPath {
    let Some(case) = case else { return StepPath::root() };
    let open = matches!(&model.place, Place::Case(id) if *id == case.id);
    if let Some(path) = model.tree.selected.clone().filter(|_| open) {
        return path;
    }
    let rows = tree::rows(case);
    let mut under_way =
        rows.iter().filter(|row| !row.parent && row.run.is_some_and(|run| !run.state.is_final()));
    under_way.next().map_or_else(StepPath::root, |row| row.step.path.clone())
}

/// Why a case can't be steered so now; `None`: it can, as far as is known here.
#[must_use]
pub fn off(model: &Model, intent: Intent, id: Option<&RemediationId>) -> Option<String> {
    let Some(id) = id else { return Some("nothing selected".into()) };
    let case = model.remediation(id);
    let steering = steering(model, intent, case)?;
    let Some(case) = case else {
        // Of a closed case only its row is here; the engine reads the rest.
        let row = model.row(id)?;
        let known = match (&steering, &row.outcome) {
            (Steering::Undo, _) => row.progress.is_none().then_some("nothing ran"),
            (Steering::Retry { .. }, Some(Outcome::Failed)) => None,
            (Steering::Retry { .. }, _) => Some("no failed step"),
            _ => Some("it is closed"),
        };
        return known.map(String::from);
    };
    why_not(case, &steering)
}

/// Sends at once, or asks first.
pub fn begin(model: &mut Model, intent: Intent, id: &RemediationId, turn: &mut Turn) {
    let Some(steering) = steering(model, intent, model.remediation(id)) else { return };
    if matches!(steering, Steering::Pause | Steering::Resume) {
        send(model, id, steering, String::new(), turn);
        return;
    }
    let lines = consequences(model.remediation(id), &steering);
    let asked = Asked { id: id.clone(), steering, lines, reason: Field::default() };
    model.overlay = Some(Overlay::Steer(Box::new(asked)));
}

fn send(
    model: &mut Model,
    id: &RemediationId,
    steering: Steering,
    reason: String,
    turn: &mut Turn,
) {
    say(model, &format!("{} {}…", steering.verb(), model.short(id)));
    let ticket = Ticket::Command(steering.verb());
    turn.want(Effect::Send(ticket, Command::Steer { remediation: id.clone(), steering, reason }));
}

/// What follows, in two lines.
fn consequences(case: Option<&Remediation>, steering: &Steering) -> [String; 2] {
    let undo = case.and_then(|case| case.plan.as_deref()).map_or("", |plan| plan.undo.as_str());
    let runs = case.is_some_and(|case| {
        matches!(case.state, State::Running | State::Paused | State::Verifying)
    });
    let lines = match steering {
        Steering::Cancel { changes: Changes::Leave } => (
            "The operation in hand is finished, no other is sent.".into(),
            "What was done stays as it is. Tab: undo it instead.".into(),
        ),
        Steering::Cancel { .. } if runs => (
            "The operation in hand is finished, then what was done is undone.".into(),
            format!("Undo: {undo}. Tab: leave it instead."),
        ),
        Steering::Cancel { .. } => (
            "It is closed as cancelled.".into(),
            "Nothing was changed, and nothing is sent.".into(),
        ),
        Steering::Skip { step } => {
            let steps = case.and_then(|case| case.plan.as_deref()).map(|plan| plan.all_steps());
            let title = steps.into_iter().flatten().find(|one| one.path == *step);
            let title = title.map_or("", |step| step.title.as_str());
            (
                format!("Step {step} {title} is left out; the run goes on after it."),
                "This is not what was approved: say why.".into(),
            )
        }
        Steering::Retry { .. } => (
            "What failed is tried again, and the run goes on from there.".into(),
            "Drift and your permissions are checked first.".into(),
        ),
        Steering::Undo => (
            "What it changed is taken back, while each field holds what was set.".into(),
            format!("Undo: {undo}."),
        ),
        Steering::TakeOver => (
            "You do it by hand: the engine sends nothing more for it.".into(),
            "What was done stays. Resume hands it back; then it is diagnosed anew.".into(),
        ),
        Steering::Pause | Steering::Resume => (String::new(), String::new()),
    };
    lines.into()
}

/// A key for the question.
pub fn key(model: &mut Model, mut asked: Box<Asked>, press: Press, turn: &mut Turn) {
    match press.code {
        KeyCode::Esc => {
            say(model, "nothing was done");
            return;
        }
        KeyCode::Tab | KeyCode::BackTab => {
            if let Steering::Cancel { changes } = &mut asked.steering {
                *changes = match changes {
                    Changes::Leave => Changes::WherePossible,
                    Changes::WherePossible | Changes::Undo => Changes::Leave,
                };
                asked.lines = consequences(model.remediation(&asked.id), &asked.steering);
            }
        }
        KeyCode::Enter => {
            let reason = asked.reason.text().trim().to_string();
            if matches!(asked.steering, Steering::Skip { .. }) && reason.is_empty() {
                warn(model, "say why");
            } else {
                let Asked { id, steering, .. } = *asked;
                send(model, &id, steering, reason, turn);
                return;
            }
        }
        _ => {
            super::strips::edit(&mut asked.reason, press);
        }
    }
    model.overlay = Some(Overlay::Steer(asked));
}
