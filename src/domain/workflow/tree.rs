//! The nested view of an execution, for display: one row a step, in order, with depth.

use super::execution::StepRun;
use super::plan::PlanStep;
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
        let execution = remediation.execution.as_ref();
        for step in steps {
            let run = execution.and_then(|execution| execution.steps.get(&step.path));
            out.push(TreeRow { step, run, depth, parent: step.is_block() });
            // Until its items are found, those of the plan are shown.
            let below = execution.filter(|run| run.added.contains_key(&step.path));
            let below = below.map_or_else(|| step.children(), |run| run.children(step));
            walk(remediation, below, depth + 1, out);
            if let Some(rescue) = &step.rescue {
                walk(remediation, std::slice::from_ref(rescue), depth + 1, out);
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
