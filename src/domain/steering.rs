//! Steering: what people do with a case besides deciding on its plan, and what each makes of the case.
//!
//! ```text
//! running, undoing, verifying, approved ──pause──► paused ──resume──► where it was
//! any open state ──take over──► by_hand ──resume──► diagnosing
//! running, verifying ──cancel──► (operation in hand ends) ─► undoing or closed
//! closed ──undo──► undoing     closed, failed ──retry──► running
//! ```
//!
//! Promises: an operation that is in hand is finished and its outcome kept, whatever is asked; who steered, and why, is
//! an event. Absent on purpose: in which state (`steerable`), and who may (`engine::core::steer`).

use super::event::Recorded;
use super::id::StepPath;
use super::principal::Principal;
use super::remediation::{Remediation, State, VoidedPlan};
use super::time::{Timestamp, seconds_between};
use super::workflow::execution::{StepRun, StepState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What becomes of the changes that were made when a run is cancelled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changes {
    /// Taken back where that is possible.
    #[default]
    WherePossible,
    /// Taken back; refused when nothing of it can be.
    Undo,
    /// Left as they are.
    Leave,
}

/// One way to steer a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "steering", rename_all = "snake_case")]
pub enum Steering {
    /// Finish the operation in hand, start no other.
    Pause,
    /// Go on; a case that a person had taken over is diagnosed anew.
    Resume,
    /// Finish the operation in hand, then end.
    Cancel {
        /// What becomes of what was done.
        changes: Changes,
    },
    /// Leave a step out.
    Skip {
        /// Which.
        step: StepPath,
    },
    /// Try a failed step again.
    Retry {
        /// Which; `None`: all that failed.
        step: Option<StepPath>,
    },
    /// Take back what a run that ended changed.
    Undo,
    /// A person does it by hand: the engine sends nothing more.
    TakeOver,
}

impl Steering {
    /// The verb for it.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel { .. } => "cancel",
            Self::Skip { .. } => "skip",
            Self::Retry { .. } => "retry",
            Self::Undo => "undo",
            Self::TakeOver => "take-over",
        }
    }

    /// What was asked and by whom, in a sentence: `step 2.1 skipped by mira`.
    #[must_use]
    pub fn said(&self, by: &str) -> String {
        match self {
            Self::Pause => format!("paused by {by}"),
            Self::Resume => format!("resumed by {by}"),
            Self::Cancel { changes: Changes::Leave } => {
                format!("cancelled by {by}, what was done is left")
            }
            Self::Cancel { changes: Changes::Undo | Changes::WherePossible } => {
                format!("cancelled by {by}")
            }
            Self::Skip { step } => format!("step {step} skipped by {by}"),
            Self::Retry { step: Some(step) } => format!("step {step} tried again by {by}"),
            Self::Retry { step: None } => format!("failed steps tried again by {by}"),
            Self::Undo => format!("undo asked by {by}"),
            Self::TakeOver => format!("taken over by {by}, by hand"),
        }
    }

    /// Whether it opens a closed case again.
    #[must_use]
    pub fn reopens(&self) -> bool {
        match self {
            Self::Retry { .. } | Self::Undo => true,
            Self::Pause
            | Self::Resume
            | Self::Cancel { .. }
            | Self::Skip { .. }
            | Self::TakeOver => false,
        }
    }
}

/// A plan as a person wants it: another template, other parameters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Wish {
    /// Name of the template; `None`: the one that fits the diagnosis.
    pub template: Option<String>,
    /// Parameters that replace the template's defaults, within its limits.
    pub params: BTreeMap<String, Value>,
}

impl Wish {
    /// `template high-memory, factor=1.5`.
    #[must_use]
    pub fn words(&self) -> String {
        let mut wanted =
            self.template.iter().map(|name| format!("template {name}")).collect::<Vec<_>>();
        let said = |value: &Value| value.as_str().map_or_else(|| value.to_string(), String::from);
        wanted.extend(self.params.iter().map(|(name, value)| format!("{name}={}", said(value))));
        wanted.join(", ")
    }
}

/// Why a case holds: paused, or taken over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// The state that it was in.
    pub from: State,
    /// Who.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A run that a person ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// Who.
    pub by: String,
    /// What becomes of what was done.
    pub changes: Changes,
    /// Why; may be empty.
    pub reason: String,
}

impl Ending {
    /// `cancelled by mira: drill`.
    #[must_use]
    pub fn words(&self, verb: &str) -> String {
        with_reason(format!("{verb} by {}", self.by), &self.reason)
    }
}

/// A sentence with its reason, where there is one.
#[must_use]
pub fn with_reason(text: String, reason: &str) -> String {
    if reason.is_empty() { text } else { format!("{text}: {reason}") }
}

/// Whether a step is this one or below it: `2.1` is below `2`.
#[must_use]
pub fn is_within(step: &StepPath, top: &StepPath) -> bool {
    step == top || step.is_below(top)
}

impl Remediation {
    /// Folds that somebody steered it.
    pub(super) fn steered(
        &mut self,
        steering: &Steering,
        by: &Principal,
        reason: &str,
        recorded: &Recorded,
    ) {
        let at = recorded.at;
        let who = by.os_user.clone();
        self.last = with_reason(steering.said(&who), reason);
        match steering {
            Steering::Pause => self.hold(State::Paused, &who, reason, at),
            Steering::Resume => match self.state {
                State::Paused => self.go_on(at),
                State::ByHand => self.hand_back(at),
                State::Diagnosing
                | State::Planning
                | State::AwaitingApproval
                | State::Blocked
                | State::Running
                | State::Undoing
                | State::Verifying
                | State::Expired
                | State::Closed => {}
            },
            Steering::Cancel { changes } => {
                let ending = Ending { by: who, changes: *changes, reason: reason.into() };
                if self.state == State::Paused {
                    self.go_on(at);
                }
                if let Some(run) = &mut self.execution {
                    run.ending = Some(ending);
                }
            }
            // The steps' new states are events of their own.
            Steering::Skip { .. } => {}
            Steering::Retry { step } => self.try_again(step.as_ref(), at),
            Steering::Undo => self.take_back(&who, reason, at),
            Steering::TakeOver => {
                self.hold(State::ByHand, &who, reason, at);
                self.claimed_by = Some(who);
            }
        }
    }

    /// Folds that a person wants the plan otherwise.
    pub(super) fn revised(&mut self, by: &Principal, wish: &Wish, reason: &str, at: Timestamp) {
        self.last = with_reason(format!("revised by {}", by.os_user), reason);
        self.wish = Some(wish.clone());
        if let Some(plan) = self.plan.take() {
            self.voided = Some(VoidedPlan { plan, drift: Vec::new(), at });
        }
        self.request = None;
        self.withheld.clear();
        self.stuck = None;
        self.enter(State::Planning, at);
    }

    fn hold(&mut self, state: State, by: &str, reason: &str, since: Timestamp) {
        let from = self.held.as_ref().map_or(self.state, |held| held.from);
        self.held = Some(Held { from, by: by.into(), reason: reason.into(), since });
        self.enter(state, since);
    }

    /// Goes on where it was; the time in which it was held is no time that a step had.
    fn go_on(&mut self, at: Timestamp) {
        let Some(held) = self.held.take() else { return };
        let pause = u64::try_from(seconds_between(held.since, at)).unwrap_or(0);
        if let Some(run) = &mut self.execution {
            for step in run.steps.values_mut() {
                step.give_time(pause);
            }
        }
        self.enter(held.from, at);
    }

    /// A person hands it back: what they did is not known, so it starts over.
    fn hand_back(&mut self, at: Timestamp) {
        self.held = None;
        self.claimed_by = None;
        if let Some(plan) = self.plan.take() {
            self.voided = Some(VoidedPlan { plan, drift: Vec::new(), at });
        }
        self.earlier.extend(self.execution.take());
        if self.asked_for.is_none() {
            self.wish = None;
        }
        self.request = None;
        self.withheld.clear();
        self.stuck = None;
        self.before = None;
        self.judgement = None;
        self.settle_until = None;
        self.enter(State::Diagnosing, at);
    }

    fn reopen(&mut self, state: State, at: Timestamp) {
        self.outcome = None;
        self.closed_why.clear();
        self.stuck = None;
        self.settle_until = None;
        if let Some(run) = &mut self.execution {
            run.ended_at = None;
            run.undone = None;
            run.closing = None;
        }
        self.enter(state, at);
    }

    fn try_again(&mut self, only: Option<&StepPath>, at: Timestamp) {
        self.reopen(State::Running, at);
        let Some(run) = &mut self.execution else { return };
        let failed = run
            .steps
            .iter()
            .filter(|(path, step)| step.failed() && only.is_none_or(|top| is_within(path, top)))
            .map(|(path, _)| path.clone())
            .collect::<Vec<_>>();
        for (path, step) in &mut run.steps {
            let parent = failed.iter().any(|below| below != path && is_within(below, path));
            let again = failed.contains(path) && step.failed();
            if parent && step.state.is_final() {
                step.state = StepState::Running;
                step.ended_at = None;
            } else if again || matches!(step.state, StepState::WillNotBeRun { .. }) {
                step.start_over();
            }
        }
    }

    fn take_back(&mut self, by: &str, reason: &str, at: Timestamp) {
        self.reopen(State::Undoing, at);
        let Some(run) = &mut self.execution else { return };
        run.ending = Some(Ending { by: by.into(), changes: Changes::Undo, reason: reason.into() });
        for step in run.steps.values_mut() {
            if matches!(step.state, StepState::UndoFailed { .. }) {
                step.state = StepState::Done;
                step.counted_from = step.attempts.len();
            }
        }
    }
}

impl StepRun {
    /// Whether it ended without what it was for.
    #[must_use]
    pub fn failed(&self) -> bool {
        matches!(self.state, StepState::Failed { .. } | StepState::TimedOut { .. })
    }

    /// Adds to the time that it has: it was held so long.
    fn give_time(&mut self, seconds: u64) {
        if let StepState::Waiting { until, .. } | StepState::Asked { until } = &mut self.state {
            *until = super::time::plus(*until, seconds);
        }
        if self.started_at.is_some() && !self.state.is_final() {
            self.held_s += seconds;
        }
    }

    /// Pending again: tries that failed don't count any more, operations that are done stay done.
    fn start_over(&mut self) {
        self.state = StepState::Pending;
        self.started_at = None;
        self.ended_at = None;
        self.held_s = 0;
        self.counted_from = self.attempts.len();
    }
}
