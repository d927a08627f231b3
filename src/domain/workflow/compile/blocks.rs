//! Steps that hold other steps.

use super::at::At;
use super::request::CompileError;
use super::steps::Work;
use crate::domain::id::StepPath;
use crate::domain::workflow::plan::{OnFailure, PlanStep, StepKind};
use crate::domain::workflow::template::{Arm, Call, Step};
use std::borrow::Cow;

impl Work<'_> {
    /// Steps one after another.
    pub(super) fn below(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        holder: &Step,
        steps: &[Step],
        skipped: bool,
    ) -> Result<Vec<PlanStep>, CompileError> {
        if skipped {
            return Ok(Vec::new());
        }
        self.list(&mut at.inside(path, holder), steps)
    }

    /// Steps at once: none knows of another.
    pub(super) fn beside(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        holder: &Step,
        steps: &[Step],
        skipped: bool,
    ) -> Result<Vec<PlanStep>, CompileError> {
        if skipped {
            return Ok(Vec::new());
        }
        let inside = at.inside(path, holder);
        let mut planned = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            planned.extend(self.step(&inside, index, step)?);
        }
        Ok(planned)
    }

    /// The arms of a branch. All that may be taken are compiled, each from the objects as they were before the branch.
    pub(super) fn arms(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        holder: &Step,
        arms: &[Arm],
        skipped: bool,
    ) -> Result<Vec<PlanStep>, CompileError> {
        if skipped {
            return Ok(Vec::new());
        }
        let before = self.gathered.clone();
        let mut taken: Option<usize> = None;
        let mut live = 0;
        let mut planned = Vec::new();
        for (index, arm) in arms.iter().enumerate() {
            let path = path.child(index);
            let (mut out, when) = at.condition_of(&path, &arm.when)?;
            if let Some(first) = taken {
                out = Some(format!("arm {} is taken", first + 1));
            } else if out.is_none() && when.is_none() {
                taken = Some(index);
            }
            let title = if arm.when.is_empty() {
                "else".to_string()
            } else {
                format!("when {}", arm.when.split_whitespace().collect::<Vec<_>>().join(" "))
            };
            let steps = if out.is_some() {
                Vec::new()
            } else {
                if live > 0 {
                    self.gathered = Cow::clone(&before);
                }
                live += 1;
                self.list(&mut at.inside(&path, holder), &arm.steps)?
            };
            let id = format!("{}-{}", holder.id, index + 1);
            let mut step = PlanStep::plain(path, id, title, StepKind::Steps { steps });
            step.timeout_s = holder.timeout_s.unwrap_or(super::steps::BLOCK_S);
            step.on_failure = holder.on_failure.unwrap_or(at.on_failure);
            step.skipped = out;
            step.when = when;
            planned.push(step);
        }
        if live > 1 {
            // Which of them it will be is not known: what comes later starts from the objects as they are.
            self.gathered = before;
        }
        Ok(planned)
    }

    /// What is run when the step fails. Its own failures end it, whatever they say.
    pub(super) fn rescue(
        &mut self,
        at: &At<'_>,
        path: &StepPath,
        call: &Call,
    ) -> Result<Option<Box<PlanStep>>, CompileError> {
        let path = path.rescue();
        let before = self.gathered.clone();
        let from = self.done.len();
        let (kind, title) = self.call(at, &path, call, OnFailure::Escalate, false)?;
        self.gathered = before;
        for done in self.done.iter_mut().skip(from) {
            done.rescue = true;
        }
        let mut step = PlanStep::plain(path, call.name.clone(), title, kind);
        step.timeout_s = super::steps::BLOCK_S;
        step.on_failure = OnFailure::Escalate;
        Ok(Some(Box::new(step)))
    }
}
