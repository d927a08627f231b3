//! The nested view of an execution, for display: one row a step, in order, with depth and progress.
//!
//! Progress counts leaf steps: those that are over, of all that will run. What is left out does not count, nor what only
//! a failure needs while there is none; a step that never started counts among all, since it was meant to run.

use super::execution::{StepRun, StepState};
use super::plan::{PlanStep, StepKind};
use crate::domain::id::StepPath;
use crate::domain::remediation::Remediation;

/// Leaf steps that are over, and all of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Over.
    pub done: u16,
    /// All.
    pub all: u16,
}

impl Counts {
    fn and(self, other: Self) -> Self {
        Self { done: self.done.saturating_add(other.done), all: self.all.saturating_add(other.all) }
    }
}

/// One row of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeRow<'a> {
    /// The step as planned.
    pub step: &'a PlanStep,
    /// What became of it; `None` before the execution started.
    pub run: Option<&'a StepRun>,
    /// 0 for top-level steps.
    pub depth: usize,
    /// Whether it has steps below it.
    pub parent: bool,
    /// The template that it stands in.
    pub template: &'a str,
    /// Whether it is only run when another step fails.
    pub spare: bool,
    /// Its leaf steps: itself, or those below it.
    pub counts: Counts,
}

/// The rows of a case's plan, parents before children.
#[must_use]
pub fn rows(remediation: &Remediation) -> Vec<TreeRow<'_>> {
    let mut out = Vec::new();
    if let Some(plan) = &remediation.plan {
        walk(remediation, &plan.steps, (0, &plan.template.name, false), &mut out);
    }
    out
}

/// Depth, template, and whether it is only for a failure.
type Standing<'a> = (usize, &'a str, bool);

fn walk<'a>(
    case: &'a Remediation,
    steps: &'a [PlanStep],
    (depth, template, spare): Standing<'a>,
    out: &mut Vec<TreeRow<'a>>,
) -> Counts {
    let mut sum = Counts::default();
    for step in steps {
        let run = case.execution.as_ref().and_then(|execution| execution.steps.get(&step.path));
        let parent = step.is_block();
        let row = out.len();
        let counts = Counts::default();
        out.push(TreeRow { step, run, depth, parent, template, spare, counts });
        let inside = (depth + 1, inner_template(step, template), spare);
        let mut counts = walk(case, below(case, step), inside, out);
        if !parent {
            counts = counted(step, run, spare);
        }
        if let Some(rescue) = &step.rescue {
            let rescue = std::slice::from_ref(&**rescue);
            counts = counts.and(walk(case, rescue, (depth + 1, template, true), out));
        }
        if let Some(row) = out.get_mut(row) {
            row.counts = counts;
        }
        sum = sum.and(counts);
    }
    sum
}

/// The steps below a step, as they run. Until its items are found, those of the plan stand for them.
#[must_use]
pub fn below<'a>(case: &'a Remediation, step: &'a PlanStep) -> &'a [PlanStep] {
    let found = case.execution.as_ref().filter(|run| run.added.contains_key(&step.path));
    found.map_or_else(|| step.children(), |run| run.children(step))
}

/// The template that the steps below a step stand in.
#[must_use]
pub fn inner_template<'a>(step: &'a PlanStep, outer: &'a str) -> &'a str {
    match &step.kind {
        StepKind::Subflow { template, .. } => &template.name,
        StepKind::Action { .. }
        | StepKind::WaitFor { .. }
        | StepKind::Steps { .. }
        | StepKind::Parallel { .. }
        | StepKind::Branch { .. }
        | StepKind::ForEach { .. }
        | StepKind::Approval { .. }
        | StepKind::Notify { .. }
        | StepKind::HandOver { .. } => outer,
    }
}

fn counted(step: &PlanStep, run: Option<&StepRun>, spare: bool) -> Counts {
    let (none, open, over) =
        (Counts::default(), Counts { done: 0, all: 1 }, Counts { done: 1, all: 1 });
    match run.map(|run| &run.state) {
        _ if step.skipped.is_some() => none,
        Some(StepState::Skipped { .. }) => none,
        None | Some(StepState::Pending | StepState::WillNotBeRun { .. }) => {
            if spare {
                none
            } else {
                open
            }
        }
        Some(
            StepState::Running
            | StepState::Waiting { .. }
            | StepState::Asked { .. }
            | StepState::Unknown { .. },
        ) => open,
        Some(
            StepState::Done
            | StepState::Failed { .. }
            | StepState::TimedOut { .. }
            | StepState::Undoing
            | StepState::Undone
            | StepState::UndoFailed { .. },
        ) => over,
    }
}

/// Leaf steps of the whole case that are over, and all that will run.
#[must_use]
pub fn progress(remediation: &Remediation) -> Counts {
    let top = rows(remediation).into_iter().filter(|row| row.depth == 0);
    top.fold(Counts::default(), |sum, row| sum.and(row.counts))
}

/// A step of the run with the template that it stands in.
#[must_use]
pub fn home<'a>(case: &'a Remediation, path: &StepPath) -> Option<(&'a str, &'a PlanStep)> {
    let plan = case.plan.as_deref()?;
    let mut template = plan.template.name.as_str();
    let mut steps = plan.steps.iter().collect::<Vec<_>>();
    loop {
        let step =
            steps.into_iter().find(|step| step.path == *path || path.is_below(&step.path))?;
        if step.path == *path {
            return Some((template, step));
        }
        let rescue = step
            .rescue
            .as_deref()
            .filter(|rescue| rescue.path == *path || path.is_below(&rescue.path));
        steps = if let Some(rescue) = rescue {
            vec![rescue]
        } else {
            template = inner_template(step, template);
            below(case, step).iter().collect()
        };
    }
}
