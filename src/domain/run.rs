//! What a case knows of its run: the steps as they run, those that ask a person, and how events change them.

use super::approval::{Approval, Decision};
use super::id::{ExecutionId, PlanDigest, StepPath};
use super::remediation::{Remediation, State};
use super::time::Timestamp;
use super::workflow::execution::{AttemptOutcome, Direction, Execution, StepRun, StepState};
use super::workflow::plan::{PlanStep, StepKind};
use std::collections::BTreeMap;

impl Remediation {
    /// A step as it runs, or as planned.
    #[must_use]
    pub fn planned_step(&self, path: &StepPath) -> Option<&PlanStep> {
        let plan = self.plan.as_deref()?;
        match &self.execution {
            Some(run) => run.step(plan, path),
            None => plan.all_steps().into_iter().find(|step| step.path == *path),
        }
    }

    /// All steps as they run, or as planned; parents before children.
    #[must_use]
    pub fn all_steps(&self) -> Vec<&PlanStep> {
        match (&self.plan, &self.execution) {
            (Some(plan), Some(run)) => run.all_steps(plan),
            (Some(plan), None) => plan.all_steps(),
            (None, _) => Vec::new(),
        }
    }

    /// The first step that asks a person, with when the question lapses.
    #[must_use]
    pub fn asking_step(&self) -> Option<(&PlanStep, Timestamp)> {
        let asking = self.execution.as_ref()?.steps.iter().find_map(|(path, run)| {
            if let StepState::Asked { until } = run.state { Some((path, until)) } else { None }
        });
        let (path, until) = asking.filter(|_| self.state == State::Running)?;
        Some((self.planned_step(path)?, until))
    }

    /// The decision on a step that asks in the run that stands. Reject beats approve.
    #[must_use]
    pub fn decision_on_step(&self, path: &StepPath) -> Option<&Approval> {
        let run = self.execution.as_ref()?;
        let mut on_it = self
            .step_approvals
            .iter()
            .filter(|(step, approval)| step == path && approval.at >= run.started_at)
            .map(|(_, approval)| approval);
        let first = on_it.next();
        on_it.find(|approval| approval.decision == Decision::Reject).or(first)
    }

    pub(super) fn step_mut(&mut self, path: &StepPath) -> Option<&mut StepRun> {
        self.execution.as_mut()?.steps.get_mut(path)
    }

    pub(super) fn start_execution(&mut self, id: ExecutionId, plan: PlanDigest, at: Timestamp) {
        self.earlier.extend(self.execution.take());
        let mut steps = BTreeMap::new();
        if let Some(current) = &self.plan {
            for step in current.fixed_steps() {
                steps.insert(step.path.clone(), StepRun::of(step));
            }
        }
        self.execution = Some(Execution {
            id,
            plan,
            started_at: at,
            ended_at: None,
            steps,
            added: BTreeMap::new(),
            undo_why: None,
            undone: None,
            ending: None,
            closing: None,
        });
    }

    pub(super) fn change_step(
        &mut self,
        path: &StepPath,
        state: &StepState,
        note: &str,
        at: Timestamp,
    ) {
        let title = self.planned_step(path).map(|step| step.title.clone());
        self.last = format!("step {path} {}: {}", title.unwrap_or_default(), state.word());
        if let Some(step) = self.step_mut(path) {
            if step.started_at.is_none()
                && !matches!(state, StepState::Pending | StepState::WillNotBeRun { .. })
            {
                step.started_at = Some(at);
            }
            if state.is_final() {
                step.ended_at = Some(at);
            }
            step.state = state.clone();
            if !note.is_empty() {
                step.notes.push(note.to_string());
            }
        }
    }

    /// Whether something took effect that ends with the case, and was not taken back yet.
    #[must_use]
    pub fn must_end(&self) -> bool {
        let (Some(plan), Some(run)) = (&self.plan, &self.execution) else { return false };
        run.all_steps(plan).into_iter().filter(|step| step.ends_with_case()).any(|step| {
            run.steps.get(&step.path).is_some_and(|step| {
                !matches!(step.state, StepState::Undone | StepState::UndoFailed { .. })
                    && step.attempts.iter().any(|attempt| {
                        attempt.direction == Direction::Forward && attempt.took_effect()
                    })
            })
        })
    }

    /// Whether what stands is only a message to a person.
    #[must_use]
    pub fn only_tells(&self) -> bool {
        self.plan.as_deref().is_some_and(|plan| {
            !plan.mutates()
                && plan.all_steps().iter().any(|step| {
                    matches!(step.kind, StepKind::HandOver { .. }) && step.skipped.is_none()
                })
        })
    }
}

impl StepRun {
    /// Whether a person has to look at it: it asks, or what became of it can't be told.
    #[must_use]
    pub fn needs_look(&self) -> bool {
        let last = self.attempts.last().and_then(|attempt| attempt.outcome.as_ref());
        matches!(self.state, StepState::Asked { .. })
            || matches!(last, Some(AttemptOutcome::CantTell { .. }))
    }
}
