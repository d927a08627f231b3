//! How long steps usually take: the durations of earlier ones of their kind.
//!
//! Promises: only steps that ended done count, without the time in which a person held them; the newest of a kind count.
//! A fold of the log: the same in every engine that reads it.
//! Absent: steps that people answer, and guesses: where nothing like it ran, nothing is said.

use super::execution::StepState;
use super::plan::{PlanStep, StepKind};
use super::tree;
use crate::domain::id::StepPath;
use crate::domain::remediation::Remediation;
use crate::domain::time::seconds_between;
use std::collections::{BTreeMap, VecDeque};

/// Durations of one kind that are kept, the newest.
const KEPT: usize = 31;
/// Kinds that are remembered; no set of templates comes near.
const KINDS: usize = 20_000;

/// What makes steps alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Like {
    /// The same step of the same template.
    Step { template: String, id: String },
    /// The same action, wherever it stands.
    Action(String),
}

/// What steps usually take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usual {
    /// Median, in seconds.
    pub seconds: u64,
    /// Of so many.
    pub runs: usize,
}

/// Durations of steps that were done.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    took: BTreeMap<Like, VecDeque<u32>>,
}

impl History {
    /// Notes a step of a case that has just become done; any other is no news.
    pub fn learn(&mut self, case: &Remediation, path: &StepPath) {
        let Some((template, step)) = tree::home(case, path) else { return };
        let Some(run) = case.execution.as_ref().and_then(|run| run.steps.get(path)) else { return };
        let (StepState::Done, Some(from), Some(to)) = (&run.state, run.started_at, run.ended_at)
        else {
            return;
        };
        let took = u64::try_from(seconds_between(from, to)).unwrap_or(0).saturating_sub(run.held_s);
        for like in likes(template, step) {
            if self.took.len() >= KINDS && !self.took.contains_key(&like) {
                continue;
            }
            let kept = self.took.entry(like).or_default();
            kept.push_back(u32::try_from(took).unwrap_or(u32::MAX));
            if kept.len() > KEPT {
                kept.pop_front();
            }
        }
    }

    /// What a step like this usually takes: the same step of the template, else the same action. `None`: nothing like it
    /// ran yet.
    #[must_use]
    pub fn usual(&self, template: &str, step: &PlanStep) -> Option<Usual> {
        likes(template, step).iter().find_map(|like| {
            let mut sorted = self.took.get(like)?.iter().copied().collect::<Vec<_>>();
            sorted.sort_unstable();
            let median = *sorted.get(sorted.len() / 2)?;
            Some(Usual { seconds: u64::from(median), runs: sorted.len() })
        })
    }
}

/// What a step is like, most like first.
fn likes(template: &str, step: &PlanStep) -> Vec<Like> {
    let same = || Like::Step { template: template.into(), id: step.id.clone() };
    match &step.kind {
        StepKind::Action { action, .. } => vec![same(), Like::Action(action.clone())],
        StepKind::WaitFor { .. } => vec![same()],
        StepKind::Subflow { .. }
        | StepKind::Steps { .. }
        | StepKind::Parallel { .. }
        | StepKind::Branch { .. }
        | StepKind::ForEach { .. }
        | StepKind::Approval { .. }
        | StepKind::Notify { .. }
        | StepKind::HandOver { .. } => Vec::new(),
    }
}
