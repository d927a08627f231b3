//! Undoing: the steps that took effect, in reverse, each operation by its planned undo.

use super::advance::{NextAttempt, next_attempt};
use super::fold::{Accepted, Core};
use crate::domain::event::{Event, Outcome};
use crate::domain::remediation::Remediation;
use crate::domain::time::Timestamp;
use crate::domain::verdict::Verdict;
use crate::domain::workflow::execution::{Direction, StepRun, StepState};
use crate::domain::workflow::plan::{PlanStep, PlannedOperation, StepKind};
use std::sync::Arc;

impl Core {
    pub(super) fn advance_undo(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        now: Timestamp,
    ) {
        let (Some(plan), Some(run)) = (&case.plan, &case.execution) else { return };
        let mut all = true;
        for step in plan.all_steps().into_iter().rev() {
            let (Some(state), StepKind::Action { operations, .. }) =
                (run.steps.get(&step.path), &step.kind)
            else {
                continue;
            };
            match &state.state {
                StepState::Undone => continue,
                StepState::UndoFailed { .. } => {
                    all = false;
                    continue;
                }
                StepState::Pending
                | StepState::Running
                | StepState::Waiting { .. }
                | StepState::Done
                | StepState::Failed { .. }
                | StepState::TimedOut { .. }
                | StepState::Unknown { .. }
                | StepState::Skipped { .. }
                | StepState::WillNotBeRun { .. }
                | StepState::Undoing => {}
            }
            if !took_effect(state, operations) {
                continue;
            }
            self.undo_step(out, case, step, state, operations, now);
            return;
        }
        self.undo_ended(out, case, all, now);
    }

    fn undo_step(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        step: &PlanStep,
        run: &StepRun,
        operations: &[PlannedOperation],
        now: Timestamp,
    ) {
        if run.state != StepState::Undoing {
            if self.may_act() {
                self.change(out, case, &step.path, StepState::Undoing, "", now);
            }
            return;
        }
        for (index, planned) in operations.iter().enumerate().rev() {
            if !planned.operation.mutates() || !forward_done(run, index) {
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
                    self.start_attempt(out, case, &step.path, index, Direction::Undo, now);
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

fn took_effect(run: &StepRun, operations: &[PlannedOperation]) -> bool {
    operations
        .iter()
        .enumerate()
        .any(|(index, planned)| planned.operation.mutates() && forward_done(run, index))
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
    next_attempt(&of_it, 1, Direction::Undo, 1)
}
