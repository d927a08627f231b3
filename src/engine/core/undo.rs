//! Undoing: the steps that took effect, in the reverse order of their effects (also of those that ran at once), each
//! operation by its planned undo.

use super::fold::{Accepted, Core};
use super::steps::{NextAttempt, next_attempt};
use crate::domain::event::{Event, Outcome};
use crate::domain::remediation::Remediation;
use crate::domain::time::Timestamp;
use crate::domain::verdict::Verdict;
use crate::domain::workflow::execution::{
    Attempt, Closing, Direction, Execution, StepRun, StepState,
};
use crate::domain::workflow::plan::PlanStep;
use crate::domain::workflow::retry::Failures;
use std::sync::Arc;

/// Most tries of one undo that the server refuses in a way that may pass.
const UNDO_TRIES: u32 = 5;

impl Core {
    pub(super) fn advance_undo(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        now: Timestamp,
    ) {
        let (Some(plan), Some(run)) = (&case.plan, &case.execution) else { return };
        let due = |step: &&PlanStep| run.closing.is_none() || step.ends_with_case();
        let steps = run.all_steps(plan).into_iter().filter(due).collect::<Vec<_>>();
        let effects = in_order_of_effect(run, &steps);
        let all = effects.iter().all(|(_, state)| match &state.state {
            StepState::UndoFailed { .. } => false,
            StepState::Pending
            | StepState::Running
            | StepState::Waiting { .. }
            | StepState::Asked { .. }
            | StepState::Done
            | StepState::Failed { .. }
            | StepState::TimedOut { .. }
            | StepState::Unknown { .. }
            | StepState::Skipped { .. }
            | StepState::WillNotBeRun { .. }
            | StepState::Undoing
            | StepState::Undone => true,
        });
        let next = effects.into_iter().rev().find(|(_, state)| {
            !matches!(state.state, StepState::Undone | StepState::UndoFailed { .. })
        });
        match next {
            Some((step, state)) => self.undo_step(out, case, step, state, now),
            None => self.undo_ended(out, case, all, now),
        }
    }

    fn undo_step(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        step: &PlanStep,
        run: &StepRun,
        now: Timestamp,
    ) {
        if run.state != StepState::Undoing {
            if self.may_act() {
                self.change(out, case, &step.path, StepState::Undoing, "", now);
            }
            return;
        }
        for (index, planned) in step.operations().iter().enumerate().rev() {
            if !planned.operation.mutates() || !forward_done(run, index) {
                continue;
            }
            // Pods that went for another change's sake: their controllers make others, and that change is undone.
            if planned.operation.removes() && step.operations().iter().any(|one| one.undo.is_some())
            {
                continue;
            }
            if planned.undo.is_none() {
                let why = "this operation can't be undone".to_string();
                self.change(out, case, &step.path, StepState::UndoFailed { why }, "", now);
                return;
            }
            match next_attempt_of(run, index) {
                NextAttempt::AllDone => {}
                NextAttempt::Wait => return,
                NextAttempt::Start(_) => {
                    self.start_attempt(out, case, step, index, Direction::Undo, now);
                    return;
                }
                NextAttempt::GiveUp(why) => {
                    self.change(out, case, &step.path, StepState::UndoFailed { why }, "", now);
                    return;
                }
            }
        }
        self.change(out, case, &step.path, StepState::Undone, "", now);
    }

    fn undo_ended(&mut self, out: &mut Accepted, case: &Remediation, all: bool, now: Timestamp) {
        let closing = case.execution.as_ref().and_then(|run| run.closing.as_ref());
        if let Some(Closing { outcome, why }) = closing {
            let (outcome, why) = if all {
                (outcome.clone(), why.clone())
            } else {
                let missed = "what ends with the case could not be taken back: a person must look";
                (Outcome::Failed, format!("{why}; {missed}"))
            };
            self.close(out, &case.id, outcome, &why, now);
            return;
        }
        let why = case
            .execution
            .as_ref()
            .and_then(|run| run.undo_why.clone())
            .unwrap_or_else(|| "undone".into());
        let nothing = case.execution.as_ref().is_some_and(|run| {
            run.steps.values().all(|step| step.state != StepState::Undone) && all
        });
        let words = match (all, nothing) {
            (true, true) => format!("{why}; nothing had to be undone"),
            (true, false) => format!("{why}; undone"),
            (false, _) => format!("{why}; not everything could be undone: a person must look"),
        };
        let event =
            Event::ExecutionEnded { undone: Some(all), succeeded: false, why: words.clone() };
        self.engine_emit(out, now, &case.id, event);
        let regressed =
            case.judgement.as_ref().is_some_and(|judged| judged.verdict == Verdict::Regressed);
        let ending = case.execution.as_ref().and_then(|run| run.ending.as_ref());
        let outcome =
            if regressed { Outcome::Regressed } else { super::steer::undone_outcome(ending, all) };
        self.close(out, &case.id, outcome, &words, now);
    }
}

/// The steps that changed something, in the order in which they did: by their last effect.
fn in_order_of_effect<'a>(
    run: &'a Execution,
    steps: &[&'a PlanStep],
) -> Vec<(&'a PlanStep, &'a StepRun)> {
    let mut effects = steps
        .iter()
        .filter_map(|step| {
            let state = run.steps.get(&step.path)?;
            let changed = |attempt: &&Attempt| {
                attempt.direction == Direction::Forward
                    && attempt.took_effect()
                    && step
                        .operations()
                        .get(attempt.operation)
                        .is_some_and(|planned| planned.operation.mutates())
            };
            let last = state.attempts.iter().filter(changed).map(|one| one.ended_seq).max()?;
            Some((last, *step, state))
        })
        .collect::<Vec<_>>();
    // Stable: where the log says nothing, the plan's order.
    effects.sort_by_key(|(last, ..)| *last);
    effects.into_iter().map(|(_, step, state)| (step, state)).collect()
}

fn forward_done(run: &StepRun, operation: usize) -> bool {
    run.attempts.iter().any(|attempt| {
        attempt.operation == operation
            && attempt.direction == Direction::Forward
            && attempt.took_effect()
    })
}

/// The next undo attempt of one operation.
fn next_attempt_of(run: &StepRun, operation: usize) -> NextAttempt {
    let of_it = StepRun {
        counted_from: 0,
        attempts: run
            .counted()
            .filter(|attempt| attempt.operation == operation)
            .cloned()
            .map(|mut attempt| {
                attempt.operation = 0;
                attempt
            })
            .collect(),
        ..run.clone()
    };
    next_attempt(&of_it, 1, Direction::Undo, (UNDO_TRIES, Failures::default()))
}
