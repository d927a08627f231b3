//! Which steering fits the state of a case, and what to do instead where it does not.
//!
//! The engine refuses by it, and the console shows by it what it offers: one answer for both.

use super::approval::Decision;
use super::event::Outcome;
use super::id::StepPath;
use super::remediation::{Remediation, State};
use super::steering::{Changes, Steering, is_within};
use super::workflow::execution::{Attempt, AttemptOutcome, Execution, StepRun};
use super::workflow::plan::{PlanStep, StepKind};
use super::workflow::reversal::{self, Reversal};

/// Why a name means no step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoStep {
    /// Several have that id.
    #[error("several steps are called {0}: name the number")]
    Several(StepPath),
    /// None has it.
    #[error("there is no step {named}; there are {known}")]
    Unknown {
        /// What was named.
        named: StepPath,
        /// Those that there are.
        known: String,
    },
}

/// Attempts whose outcome is not known yet.
#[must_use]
pub fn in_hand(run: &Execution) -> usize {
    let attempts = run.steps.values().flat_map(|step| &step.attempts);
    attempts.filter(|attempt| attempt.is_open()).count()
}

/// Whether a run of it is under way, or would go on.
#[must_use]
pub fn runs(case: &Remediation) -> bool {
    let state = case.held.as_ref().map_or(case.state, |held| held.from);
    case.state != State::ByHand
        && matches!(state, State::Running | State::Undoing | State::Verifying)
}

/// Why a case can't be steered so now: what it is, and what can be done instead. `None`: it can.
///
/// The console asks it too, for the verbs that it offers.
#[must_use]
pub fn why_not(case: &Remediation, steering: &Steering) -> Option<String> {
    if case.state == State::Closed {
        return why_not_closed(case, steering);
    }
    let ending = case.execution.as_ref().and_then(|run| run.ending.as_ref());
    let cancelled = || ending.map(|ending| format!("{} cancelled it already", ending.by));
    let from = case.held.as_ref().map_or(case.state, |held| held.from);
    match steering {
        Steering::Pause => why_not_pause(case),
        Steering::Resume => why_not_resume(case),
        Steering::Cancel { .. } if from == State::Undoing && case.state != State::ByHand => {
            Some("it is being undone: pause it, or take it over".into())
        }
        Steering::Cancel { changes } => cancelled().or_else(|| why_not_cancel(case, *changes)),
        Steering::Skip { .. } if !matches!(case.state, State::Running | State::Paused) => {
            Some(format!("no step can be skipped: it is {}", case.state))
        }
        Steering::Skip { .. } if from != State::Running => {
            Some(format!("no step can be skipped: it was {from}"))
        }
        Steering::Skip { step } => cancelled().or_else(|| why_not_skip(case, step)),
        Steering::Retry { .. } => Some(not_ended(case, "it still runs")),
        Steering::Undo => Some(not_ended(case, "it still runs: cancel it, which undoes it")),
        Steering::TakeOver => {
            let held = case.held.as_ref().filter(|_| case.state == State::ByHand);
            held.map(|held| format!("{} has it already", held.by))
        }
    }
}

fn why_not_pause(case: &Remediation) -> Option<String> {
    match (case.state, &case.held) {
        (State::Running | State::Undoing | State::Verifying, _) => None,
        (State::AwaitingApproval, _) if approved(case) => None,
        (State::Paused, Some(held)) => Some(format!("{} paused it already", held.by)),
        (State::ByHand, Some(held)) => Some(format!("{} does it by hand", held.by)),
        (
            State::AwaitingApproval
            | State::Diagnosing
            | State::Planning
            | State::Blocked
            | State::Paused
            | State::ByHand
            | State::Expired
            | State::Closed,
            _,
        ) => Some(format!("nothing runs: it is {}", case.state)),
    }
}

fn why_not_resume(case: &Remediation) -> Option<String> {
    match case.state {
        State::Paused => None,
        State::ByHand => still_in_hand(case),
        State::Running
        | State::Undoing
        | State::Verifying
        | State::AwaitingApproval
        | State::Diagnosing
        | State::Planning
        | State::Blocked
        | State::Expired
        | State::Closed => Some(format!("it is {}, not paused", case.state)),
    }
}

fn still_in_hand(case: &Remediation) -> Option<String> {
    let busy = case.execution.as_ref().is_some_and(|run| in_hand(run) > 0);
    busy.then(|| "an operation is still in hand: in a moment".into())
}

/// Why what needs a run that ended can't be done with this one.
fn not_ended(case: &Remediation, runs: &str) -> String {
    match case.held.as_ref().map_or(case.state, |held| held.from) {
        _ if case.state == State::ByHand => "it is by hand: resume it first".into(),
        State::Running | State::Verifying => runs.into(),
        State::Undoing => "it is being undone".into(),
        State::Paused
        | State::AwaitingApproval
        | State::Diagnosing
        | State::Planning
        | State::Blocked
        | State::ByHand
        | State::Expired
        | State::Closed => format!("nothing ran yet: it is {}", case.state),
    }
}

fn why_not_cancel(case: &Remediation, changes: Changes) -> Option<String> {
    if case.state == State::ByHand
        && let Some(why) = still_in_hand(case)
    {
        return Some(why);
    }
    if changes != Changes::Undo {
        return None;
    }
    let Some(run) = case.execution.as_ref().filter(|_| runs(case)) else {
        return Some(format!("nothing runs that could be undone: it is {}", case.state));
    };
    let reversal = reversal::of(case.plan.as_deref(), run);
    (reversal.changed() && !reversal.can_undo()).then(|| nothing_to_undo(&reversal))
}

fn nothing_to_undo(reversal: &Reversal) -> String {
    format!("what was done can't be undone: {}", reversal.stays().join(", "))
}

fn why_not_skip(case: &Remediation, step: &StepPath) -> Option<String> {
    let Ok(step) = find_step(case, step) else { return None };
    let run = case.execution.as_ref()?;
    let below = |path: &StepPath| is_within(path, &step.path);
    let mut states = run.steps.iter().filter(|(path, _)| below(path)).map(|(_, state)| state);
    if states.clone().any(|state| state.attempts.iter().any(Attempt::is_open)) {
        let why = format!("step {} has an operation in hand: wait until it ended", step.path);
        return Some(why);
    }
    let over = states.all(|state| state.state.is_final());
    if over {
        return Some(format!("step {} is over already", step.path));
    }
    // A decision that the plan asks for is not got round by leaving the question out.
    let gate = steps_of(case).into_iter().find(|one| {
        let open = run.steps.get(&one.path).is_some_and(|state| !state.state.is_final());
        open && below(&one.path) && matches!(one.kind, StepKind::Approval { .. })
    });
    gate.map(|gate| format!("step {} asks for a decision: decide on it, or cancel", gate.path))
}

/// The steps of a case: with the items that a run found, once there is one.
fn steps_of(case: &Remediation) -> Vec<&PlanStep> {
    match (&case.plan, &case.execution) {
        (Some(plan), Some(run)) => run.all_steps(plan),
        (Some(plan), None) => plan.all_steps(),
        (None, _) => Vec::new(),
    }
}

fn why_not_closed(case: &Remediation, steering: &Steering) -> Option<String> {
    let word = case.outcome.as_ref().map_or("closed", |outcome| outcome.word());
    let closed = || Some(format!("it is closed: {word}"));
    match steering {
        Steering::Undo => {
            let (Some(run), Some(plan)) = (&case.execution, &case.plan) else {
                return Some(format!("it is closed ({word}), and nothing ran"));
            };
            let reversal = reversal::of(Some(plan), run);
            if run.undone == Some(true) {
                return Some("it is undone already".into());
            }
            if !reversal.changed() {
                return Some("it changed nothing".into());
            }
            (!reversal.can_undo()).then(|| nothing_to_undo(&reversal))
        }
        Steering::Retry { step } => {
            let Some(run) = case.execution.as_ref() else {
                return Some(format!("it is closed ({word}), and nothing ran"));
            };
            if case.outcome != Some(Outcome::Failed) {
                return closed();
            }
            if run.undo_why.is_some() {
                return Some("it was undone: ask for a new plan".into());
            }
            if run.closing.is_some() {
                return Some("what ended with it is gone: ask for a new plan".into());
            }
            why_not_retry(case, run, step.as_ref())
        }
        Steering::TakeOver => Some(format!("it is closed ({word}): claim it")),
        Steering::Pause | Steering::Resume | Steering::Cancel { .. } | Steering::Skip { .. } => {
            closed()
        }
    }
}

fn why_not_retry(case: &Remediation, run: &Execution, step: Option<&StepPath>) -> Option<String> {
    let only = step.map(|step| find_step(case, step));
    let top = match &only {
        Some(Ok(step)) => Some(&step.path),
        Some(Err(_)) | None => None,
    };
    let failed = run
        .steps
        .iter()
        .filter(|(path, step)| step.failed() && top.is_none_or(|top| is_within(path, top)))
        .collect::<Vec<_>>();
    if failed.is_empty() {
        return Some("no step of it failed".into());
    }
    let unsure = failed.iter().find(|(_, step)| is_unsure(step));
    unsure.map(|(path, _)| {
        format!("whether step {path} happened can't be told: look, then undo it or do it by hand")
    })
}

fn is_unsure(step: &StepRun) -> bool {
    let last = step.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
    matches!(last, Some(AttemptOutcome::CantTell { .. }))
}

fn approved(case: &Remediation) -> bool {
    let decision = case.plan.as_deref().and_then(|plan| case.decision_on(&plan.digest));
    decision.is_some_and(|approval| approval.decision == Decision::Approve)
}

/// The step with that path, or with that id where only one has it.
///
/// # Errors
/// None, or several, are called so.
pub fn find_step<'a>(case: &'a Remediation, named: &StepPath) -> Result<&'a PlanStep, NoStep> {
    let steps = steps_of(case);
    if let Some(step) = steps.iter().find(|step| step.path == *named) {
        return Ok(step);
    }
    let mut same = steps.iter().filter(|step| step.id == named.as_str());
    match (same.next(), same.next()) {
        (Some(step), None) => Ok(step),
        (Some(_), Some(_)) => Err(NoStep::Several(named.clone())),
        (None, _) => {
            let known = steps.iter().map(|step| step.path.as_str()).collect::<Vec<_>>().join(", ");
            Err(NoStep::Unknown { named: named.clone(), known })
        }
    }
}
