//! The time that a run has left, as far as history tells.
//!
//! ```text
//! leaf       what it usually takes, less what it has taken       unknown where nothing like it ran
//! in order   the sum          at once  as the lanes would share it          branch  the longest arm
//! ```
//!
//! Promises: it says from how many earlier runs, and how many steps nothing is known of; then it is a lower bound.
//! Absent: guesses, and the time that people take.

use super::execution::{StepRun, StepState};
use super::history::History;
use super::plan::{Lanes, PlanStep, StepKind};
use super::tree;
use crate::domain::remediation::Remediation;
use crate::domain::time::{Timestamp, countdown, seconds_between};

/// How much time is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Left {
    /// Seconds of the steps that have a history.
    pub seconds: u64,
    /// The fewest earlier runs that any of them is known from; `None`: no step that is left has a history.
    pub runs: Option<usize>,
    /// Steps that are left and have no history.
    pub unknown: usize,
    /// Steps that are left and wait for a person's answer.
    pub people: usize,
    /// Whether a step takes longer than it usually does.
    pub late: bool,
}

impl Left {
    /// In words: `about 3:10 left, from 7 runs`.
    #[must_use]
    pub fn words(&self) -> String {
        let seconds = countdown(i64::try_from(self.seconds).unwrap_or(i64::MAX));
        let over = self.late && self.seconds == 0 && self.unknown == 0;
        let mut words = match (self.runs, self.unknown) {
            (None, 0) if self.people > 0 => "no time is estimated".to_string(),
            (None, 0) => "moments left".into(),
            (None, _) => "time left not known: no history yet".into(),
            (Some(runs), 0) if over => {
                format!("longer than usual ({})", counted(runs, "run"))
            }
            (Some(runs), 0) => format!("about {seconds} left, from {}", counted(runs, "run")),
            (Some(runs), unknown) => {
                let steps = counted(unknown, "step");
                let (runs, have) =
                    (counted(runs, "run"), if unknown == 1 { "has" } else { "have" });
                format!("at least {seconds} left, from {runs}; {steps} {have} no history yet")
            }
        };
        if self.late && !over {
            words.push_str("; longer than usual");
        }
        match self.people {
            0 => {}
            1 => words.push_str("; a person is asked"),
            many => {
                let asked = format!("; people are asked {many} times");
                words.push_str(&asked);
            }
        }
        words
    }

    /// In words, of what has not begun: `usually 3:10, from 7 runs`.
    #[must_use]
    pub fn usually(&self) -> String {
        let seconds = countdown(i64::try_from(self.seconds).unwrap_or(i64::MAX));
        match (self.runs, self.unknown) {
            (None, _) => "time not known: no history yet".into(),
            (Some(runs), 0) => format!("usually {seconds}, from {}", counted(runs, "run")),
            (Some(runs), unknown) => format!(
                "usually more than {seconds}, from {}; {} without history",
                counted(runs, "run"),
                counted(unknown, "step")
            ),
        }
    }

    /// In one word: `~3:10`, `>3:10` where steps have no history, `late`; `None`: nothing is known.
    #[must_use]
    pub fn short(&self) -> Option<String> {
        self.runs?;
        if self.seconds == 0 && self.late {
            return Some("late".into());
        }
        let sign = if self.unknown > 0 { '>' } else { '~' };
        Some(format!("{sign}{}", countdown(i64::try_from(self.seconds).unwrap_or(i64::MAX))))
    }

    fn and(self, other: Self, seconds: u64) -> Self {
        Self {
            seconds,
            runs: match (self.runs, other.runs) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (one, other) => one.or(other),
            },
            unknown: self.unknown + other.unknown,
            people: self.people + other.people,
            late: self.late || other.late,
        }
    }

    fn then(self, other: Self) -> Self {
        self.and(other, self.seconds.saturating_add(other.seconds))
    }

    fn beside(self, other: Self) -> Self {
        self.and(other, self.seconds.max(other.seconds))
    }
}

fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// What the steps of a case have left at `now`; before the run, what they usually take. `None` without a plan, and once
/// the run is over or is being undone.
#[must_use]
pub fn of_case(case: &Remediation, history: &History, now: Timestamp) -> Option<Left> {
    let plan = case.plan.as_ref()?;
    let over = case.execution.as_ref().is_some_and(|run| {
        run.ended_at.is_some() || run.undo_why.is_some() || run.closing.is_some()
    });
    let rest = Rest { case, history, now };
    (!over && case.is_open()).then(|| rest.in_order(&plan.steps, &plan.template.name))
}

/// What one step and those below it have left at `now`.
#[must_use]
pub fn of_step(
    case: &Remediation,
    (template, step): (&str, &PlanStep),
    history: &History,
    now: Timestamp,
) -> Left {
    Rest { case, history, now }.step(step, template)
}

struct Rest<'a> {
    case: &'a Remediation,
    history: &'a History,
    now: Timestamp,
}

impl Rest<'_> {
    fn run(&self, step: &PlanStep) -> Option<&StepRun> {
        self.case.execution.as_ref()?.steps.get(&step.path)
    }

    fn step(&self, step: &PlanStep, template: &str) -> Left {
        let state = self.run(step).map(|run| &run.state);
        if step.skipped.is_some() || state.is_some_and(StepState::is_final) {
            // Only what is run because it failed may be left.
            let rescue =
                step.rescue.as_deref().filter(|_| state.is_some_and(StepState::has_failed));
            return rescue.map_or_else(Left::default, |rescue| self.step(rescue, template));
        }
        let below = tree::below(self.case, step);
        let inner = tree::inner_template(step, template);
        match &step.kind {
            StepKind::Subflow { .. } | StepKind::Steps { .. } => self.in_order(below, inner),
            StepKind::Parallel { lanes, .. } | StepKind::ForEach { lanes, .. } => {
                self.at_once(*lanes, below, inner)
            }
            StepKind::Branch { .. } => self.branch(below, inner),
            StepKind::Approval { .. } => Left { people: 1, ..Left::default() },
            StepKind::Notify { .. } | StepKind::HandOver { .. } => Left::default(),
            StepKind::Action { .. } | StepKind::WaitFor { .. } => self.leaf(step, template),
        }
    }

    fn leaf(&self, step: &PlanStep, template: &str) -> Left {
        let Some(usual) = self.history.usual(template, step) else {
            return Left { unknown: 1, ..Left::default() };
        };
        let taken = self.run(step).map_or(0, |run| {
            let since = run.started_at.map_or(0, |at| seconds_between(at, self.now).max(0));
            u64::try_from(since).unwrap_or(0).saturating_sub(run.held_s)
        });
        Left {
            seconds: usual.seconds.saturating_sub(taken),
            runs: Some(usual.runs),
            // A second of rounding is not late.
            late: taken > usual.seconds + 1,
            ..Left::default()
        }
    }

    fn in_order(&self, steps: &[PlanStep], template: &str) -> Left {
        steps.iter().map(|step| self.step(step, template)).fold(Left::default(), Left::then)
    }

    /// Until an arm is taken it may be any; the others are left out then.
    fn branch(&self, arms: &[PlanStep], template: &str) -> Left {
        let each = arms.iter().map(|arm| self.step(arm, template));
        each.fold(None, |longest: Option<Left>, arm| {
            Some(longest.map_or(arm, |longest| longest.beside(arm)))
        })
        .unwrap_or_default()
    }

    fn at_once(&self, lanes: Lanes, steps: &[PlanStep], template: &str) -> Left {
        let each = steps.iter().map(|step| self.step(step, template)).collect::<Vec<_>>();
        let canaries = usize::try_from(lanes.canary).unwrap_or(usize::MAX).min(each.len());
        let (first, rest) = each.split_at(canaries);
        let seconds = shared(first, lanes.at_most).saturating_add(shared(rest, lanes.at_most));
        let all = each.iter().copied().fold(Left::default(), Left::beside);
        Left { seconds, ..all }
    }
}

/// Seconds until all are over when each lane takes the next one as soon as it is free.
fn shared(each: &[Left], at_most: u32) -> u64 {
    let lanes = usize::try_from(at_most).unwrap_or(usize::MAX).clamp(1, each.len().max(1));
    let mut free = vec![0_u64; lanes];
    for left in each {
        if let Some(lane) = free.iter_mut().min() {
            *lane = lane.saturating_add(left.seconds);
        }
    }
    free.into_iter().max().unwrap_or(0)
}
