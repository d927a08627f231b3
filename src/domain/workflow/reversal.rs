//! What a run changed, and what of it can be taken back.

use super::execution::{Direction, Execution, StepState};
use super::plan::Plan;
use crate::domain::operation::Operation;

/// What a run changed that is not taken back yet, newest first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reversal {
    /// Each change: its step in words, and what takes it back.
    changes: Vec<(String, Option<Operation>)>,
}

/// What a run changed, as far as its plan says how it is taken back.
#[must_use]
pub fn of(plan: Option<&Plan>, run: &Execution) -> Reversal {
    let mut found = Vec::new();
    for step in plan.map(|plan| run.all_steps(plan)).unwrap_or_default() {
        let Some(state) = run.steps.get(&step.path) else { continue };
        if state.state == StepState::Undone {
            continue;
        }
        for (index, planned) in step.operations().iter().enumerate() {
            let when = |direction| {
                let mut all = state.attempts.iter();
                all.find(|attempt| {
                    attempt.operation == index
                        && attempt.direction == direction
                        && attempt.took_effect()
                })
            };
            let Some(done) = when(Direction::Forward) else { continue };
            if planned.operation.mutates() && when(Direction::Undo).is_none() {
                let words = format!("{} {}", step.path, step.title);
                found.push((done.ended_seq, (words, planned.undo.clone())));
            }
        }
    }
    // The sort is stable: where the log says nothing, the plan's order.
    found.sort_by_key(|(ended, _)| *ended);
    Reversal { changes: found.into_iter().rev().map(|(_, change)| change).collect() }
}

/// Operations of a run that ended which would still be sent if its failed steps were tried again, in order.
#[must_use]
pub fn rest<'a>(plan: &'a Plan, run: &'a Execution) -> Vec<&'a Operation> {
    let mut rest = Vec::new();
    for step in run.all_steps(plan) {
        let Some(state) = run.steps.get(&step.path) else { continue };
        if !state.failed() && !matches!(state.state, StepState::WillNotBeRun { .. }) {
            continue;
        }
        for (index, planned) in step.operations().iter().enumerate() {
            let done = state
                .attempts
                .iter()
                .any(|attempt| attempt.operation == index && attempt.took_effect());
            if !done {
                rest.push(&planned.operation);
            }
        }
    }
    rest
}

impl Reversal {
    /// Whether something of it is on the cluster.
    #[must_use]
    pub fn changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Whether some of it can be taken back.
    #[must_use]
    pub fn can_undo(&self) -> bool {
        self.changes.iter().any(|(_, undo)| undo.is_some())
    }

    /// What takes it back, in order.
    pub fn operations(&self) -> impl Iterator<Item = &Operation> {
        self.changes.iter().filter_map(|(_, undo)| undo.as_ref())
    }

    /// Steps whose change can't be taken back.
    #[must_use]
    pub fn stays(&self) -> Vec<String> {
        let stays = self.changes.iter().filter(|(_, undo)| undo.is_none());
        stays.map(|(words, _)| words.clone()).collect()
    }

    /// All steps whose change is on the cluster.
    #[must_use]
    pub fn steps(&self) -> Vec<String> {
        self.changes.iter().map(|(words, _)| words.clone()).collect()
    }
}
