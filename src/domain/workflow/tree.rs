//! The nested view of an execution, for display: one row a step, in order, with depth.

use super::execution::StepRun;
use super::plan::{PlanStep, StepKind};
use crate::domain::remediation::Remediation;

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
}

/// The rows of a case's plan, parents before children.
#[must_use]
pub fn rows(remediation: &Remediation) -> Vec<TreeRow<'_>> {
    fn walk<'a>(
        remediation: &'a Remediation,
        steps: &'a [PlanStep],
        depth: usize,
        out: &mut Vec<TreeRow<'a>>,
    ) {
        for step in steps {
            let run = remediation
                .execution
                .as_ref()
                .and_then(|execution| execution.steps.get(&step.path));
            let parent = matches!(step.kind, StepKind::Subflow { .. });
            out.push(TreeRow { step, run, depth, parent });
            if let StepKind::Subflow { steps, .. } = &step.kind {
                walk(remediation, steps, depth + 1, out);
            }
        }
    }
    let mut out = Vec::new();
    if let Some(plan) = &remediation.plan {
        walk(remediation, &plan.steps, 0, &mut out);
    }
    out
}

/// Finished leaf steps and all leaf steps that will run.
#[must_use]
pub fn progress(remediation: &Remediation) -> (u16, u16) {
    let leaves = rows(remediation)
        .into_iter()
        .filter(|row| !row.parent && row.step.skipped.is_none())
        .collect::<Vec<_>>();
    let done = leaves.iter().filter(|row| row.run.is_some_and(|run| run.state.is_final())).count();
    (u16::try_from(done).unwrap_or(u16::MAX), u16::try_from(leaves.len()).unwrap_or(u16::MAX))
}
