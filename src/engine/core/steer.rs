//! Steering: who may, in which state, and what follows. What it makes of a case is folded in `domain::steering`.
//!
//! Promises: an operation in hand is finished and its outcome kept before anything follows; what changes the cluster
//! without a new decision (undo, retry) needs the rights of a decision and was checked just before; each refusal says
//! what the case is and what can be done instead.

use super::decide::Refused;
use super::due::holds_target;
use super::fold::{Accepted, Core};
use crate::domain::approval::{Preflight, drift_words};
use crate::domain::event::{Event, Outcome};
use crate::domain::id::{ExecutionId, PlanDigest, RemediationId, StepPath};
use crate::domain::policy::Permission;
use crate::domain::principal::Principal;
use crate::domain::remediation::{Remediation, State};
use crate::domain::steerable::{NoStep, find_step, in_hand, runs, why_not};
use crate::domain::steering::{Changes, Ending, Steering, is_within, with_reason};
use crate::domain::time::Timestamp;
use crate::domain::workflow::execution::{Execution, StepState};
use crate::domain::workflow::plan::Plan;
use crate::domain::workflow::reversal;
use crate::engine::command::{Command, Refusal, Request};
use std::sync::Arc;

impl Core {
    /// Takes a command that steers. `closed` is the case, when it is closed and only its row is kept here.
    pub(super) fn take_steering(
        &mut self,
        out: &mut Accepted,
        request: &Request,
        closed: Option<Box<Remediation>>,
        preflight: Option<&Preflight>,
        now: Timestamp,
    ) {
        let Command::Steer { remediation, steering, reason } = &request.command else { return };
        let brought = closed.is_some();
        if let Some(case) = closed {
            self.restore(*case);
        }
        self.answer(out, request, now, |core, out| {
            let case = core.case(remediation)?;
            let note =
                core.steer(out, &case, steering, &request.by, reason.trim(), preflight, now)?;
            Ok((note, vec![remediation.clone()]))
        });
        if brought {
            self.retire(remediation);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "a command with all that it depends on")]
    fn steer(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        steering: &Steering,
        by: &Principal,
        reason: &str,
        preflight: Option<&Preflight>,
        now: Timestamp,
    ) -> Result<String, Refused> {
        if matches!(steering, Steering::Skip { .. }) && reason.is_empty() {
            return Err((Refusal::Invalid, "skipping a step needs a reason".into()));
        }
        self.may_steer(case, steering, by)?;
        let steering = self.standing(case, steering, preflight)?;
        let event =
            Event::Steered { by: by.clone(), steering: steering.clone(), reason: reason.into() };
        let skipped = match &steering {
            Steering::Skip { step } => unfinished(case, step),
            Steering::Pause
            | Steering::Resume
            | Steering::Cancel { .. }
            | Steering::Retry { .. }
            | Steering::Undo
            | Steering::TakeOver => Vec::new(),
        };
        self.emit(out, now, by, Some(&case.id), event);
        for path in skipped {
            let why = with_reason(format!("skipped by {}", by.os_user), reason);
            self.change(out, case, &path, StepState::Skipped { why }, "", now);
        }
        if steering == Steering::Undo {
            let why = with_reason(format!("undone by {}", by.os_user), reason);
            self.engine_emit(out, now, &case.id, Event::UndoStarted { why });
        }
        if matches!(steering, Steering::Cancel { .. }) && !runs(case) {
            let why = with_reason(format!("cancelled by {}", by.os_user), reason);
            let why = with_what_stays(case, &why);
            self.close(out, &case.id, Outcome::Cancelled, &why, now);
        }
        Ok(self.steered_note(case, &steering, by))
    }

    /// Rights: steering a run needs those to execute; what changes what was decided, those of a decision.
    fn may_steer(
        &self,
        case: &Remediation,
        steering: &Steering,
        by: &Principal,
    ) -> Result<(), Refused> {
        self.allow(by, &Permission::Execute, case)?;
        let decides = match steering {
            Steering::Skip { .. } | Steering::Retry { .. } | Steering::Undo => true,
            Steering::Pause | Steering::Resume | Steering::Cancel { .. } | Steering::TakeOver => {
                false
            }
        };
        match case.plan.as_deref().filter(|_| decides) {
            Some(plan) => self.may_decide(by, plan).map_err(|why| (Refusal::NotPermitted, why)),
            None => Ok(()),
        }
    }

    /// Whether it can be done in the state that the case is in; with what was left open filled in.
    fn standing(
        &self,
        case: &Remediation,
        steering: &Steering,
        preflight: Option<&Preflight>,
    ) -> Result<Steering, Refused> {
        if let Some(why) = why_not(case, steering) {
            return Err((Refusal::WrongState, why));
        }
        match steering {
            Steering::Skip { step } => {
                let step = find_step(case, step).map_err(no_step)?;
                Ok(Steering::Skip { step: step.path.clone() })
            }
            Steering::Undo | Steering::Retry { .. } => {
                self.check_change(case, preflight)?;
                if let Steering::Retry { step: Some(step) } = steering {
                    let step = Some(find_step(case, step).map_err(no_step)?.path.clone());
                    return Ok(Steering::Retry { step });
                }
                Ok(steering.clone())
            }
            Steering::Pause | Steering::Resume | Steering::Cancel { .. } | Steering::TakeOver => {
                Ok(steering.clone())
            }
        }
    }

    /// What undo and retry need besides rights: an engine that may act, a free target, checks that were just made.
    fn check_change(
        &self,
        case: &Remediation,
        preflight: Option<&Preflight>,
    ) -> Result<(), Refused> {
        let Some(plan) = &case.plan else {
            return Err((Refusal::WrongState, "it has no plan".into()));
        };
        self.check_engine(plan)?;
        let other = self.open.values().find(|other| {
            other.id != case.id && holds_target(other) && other.target_key() == case.target_key()
        });
        if let Some(other) = other {
            let why = format!("remediation {} is at work on the same target", other.id);
            return Err((Refusal::WrongState, why));
        }
        let Some(preflight) = preflight else {
            return Err((Refusal::Unavailable, "what it depends on was not checked".into()));
        };
        if !preflight.drift.is_empty() {
            let why = format!("nothing was done: {}", drift_words(&preflight.drift));
            return Err((Refusal::Stale, why));
        }
        Self::check_rights(preflight)
    }

    fn steered_note(&self, case: &Remediation, steering: &Steering, by: &Principal) -> String {
        let in_hand = case.execution.as_ref().map_or(0, in_hand);
        let finishing = match in_hand {
            0 => String::new(),
            1 => "; the operation in hand is finished first".to_string(),
            many => format!("; {many} operations in hand are finished first"),
        };
        let note = match steering {
            Steering::Pause => format!("paused{finishing}"),
            Steering::Resume if case.state == State::ByHand => "diagnosing anew".into(),
            Steering::Resume => "goes on".into(),
            Steering::Cancel { changes } => {
                let then = match changes {
                    Changes::Leave => "what was done is left",
                    Changes::Undo | Changes::WherePossible => "what was done is undone",
                };
                match case.execution.as_ref().filter(|_| runs(case)) {
                    Some(run)
                        if reversal::of(case.plan.as_deref(), run).changed() || in_hand > 0 =>
                    {
                        format!("cancelled{finishing}; {then}")
                    }
                    Some(_) | None => with_what_stays(case, "cancelled"),
                }
            }
            Steering::Skip { step } => format!("step {step} is skipped"),
            Steering::Retry { step: Some(step) } => format!("step {step} is tried again"),
            Steering::Retry { step: None } => "what failed is tried again".into(),
            Steering::Undo => {
                let stays = case
                    .execution
                    .as_ref()
                    .map(|run| reversal::of(case.plan.as_deref(), run).stays())
                    .unwrap_or_default();
                if stays.is_empty() {
                    "undoing".into()
                } else {
                    format!("undoing what can be; these stay: {}", stays.join(", "))
                }
            }
            Steering::TakeOver => format!("it is {}'s now, by hand{finishing}", by.os_user),
        };
        match &self.stop {
            Some(stop) if matches!(steering, Steering::Resume) => {
                format!("{note}, once the stop by {} is lifted", stop.by)
            }
            Some(_) | None => note,
        }
    }

    /// A run that a person ends: once nothing is in hand, undo or leave. Whether something followed.
    pub(super) fn end_by_person(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        now: Timestamp,
    ) -> bool {
        let (Some(plan), Some(run)) = (&case.plan, &case.execution) else { return false };
        let Some(ending) = run.ending.clone() else { return false };
        if !matches!(case.state, State::Running | State::Verifying) {
            return false;
        }
        if in_hand(run) > 0 {
            return true;
        }
        let why = ending.words("cancelled");
        self.cut_off(out, case, plan, run, &why, now);
        let reversal = reversal::of(Some(plan), run);
        if ending.changes != Changes::Leave && reversal.can_undo() {
            self.engine_emit(out, now, &case.id, Event::UndoStarted { why });
            return true;
        }
        if run.ended_at.is_none() {
            let why = why.clone();
            let event = Event::ExecutionEnded { undone: None, succeeded: false, why };
            self.engine_emit(out, now, &case.id, event);
        }
        let why = with_what_stays(case, &why);
        self.close(out, &case.id, Outcome::Cancelled, &why, now);
        true
    }

    /// A case that a person took over: its run ends where it is, once nothing is in hand.
    pub(super) fn leave_to_person(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        now: Timestamp,
    ) {
        let (Some(plan), Some(run), Some(held)) = (&case.plan, &case.execution, &case.held) else {
            return;
        };
        if run.ended_at.is_some() || in_hand(run) > 0 {
            return;
        }
        let why = format!("{} took over", held.by);
        self.cut_off(out, case, plan, run, &why, now);
        let undone = (run.undo_why.is_some()).then_some(false);
        let event = Event::ExecutionEnded { undone, succeeded: false, why };
        self.engine_emit(out, now, &case.id, event);
    }

    /// Identity of the next run. The same plan may run again after a person had the case by hand; its attempts are
    /// others.
    pub(super) fn execution_id(&self, id: &RemediationId, plan: &PlanDigest) -> ExecutionId {
        let earlier = self
            .open
            .get(id)
            .map_or(0, |case| case.earlier.len() + usize::from(case.execution.is_some()));
        let again = if earlier == 0 { String::new() } else { format!(".{}", earlier + 1) };
        ExecutionId::new(format!("{id}.{}{again}", plan.short()))
    }

    /// Ends every step that has not ended, with the reason.
    fn cut_off(
        &mut self,
        out: &mut Accepted,
        case: &Remediation,
        plan: &Plan,
        run: &Execution,
        why: &str,
        now: Timestamp,
    ) {
        for step in run.all_steps(plan) {
            let Some(state) = run.steps.get(&step.path).map(|step| &step.state) else { continue };
            let why = why.to_string();
            let state = match state {
                StepState::Pending => StepState::WillNotBeRun { reason: why },
                StepState::Running
                | StepState::Waiting { .. }
                | StepState::Asked { .. }
                | StepState::Unknown { .. } => StepState::Skipped { why },
                StepState::Undoing => StepState::UndoFailed { why },
                StepState::Done
                | StepState::Failed { .. }
                | StepState::TimedOut { .. }
                | StepState::Skipped { .. }
                | StepState::WillNotBeRun { .. }
                | StepState::Undone
                | StepState::UndoFailed { .. } => continue,
            };
            self.change(out, case, &step.path, state, "", now);
        }
    }
}

/// The steps at and below a path that have not ended.
fn unfinished(case: &Remediation, top: &StepPath) -> Vec<StepPath> {
    let steps = case.execution.iter().flat_map(|run| &run.steps);
    steps
        .filter(|(path, step)| is_within(path, top) && !step.state.is_final())
        .map(|(path, _)| path.clone())
        .collect()
}

/// A name that means no step, as a refusal.
#[allow(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn no_step(error: NoStep) -> Refused {
    let refusal = match &error {
        NoStep::Several(_) => Refusal::Invalid,
        NoStep::Unknown { .. } => Refusal::NotFound,
    };
    (refusal, error.to_string())
}

/// A sentence with what a run left on the cluster.
fn with_what_stays(case: &Remediation, text: &str) -> String {
    let run = case.execution.as_ref();
    let left = run.map(|run| reversal::of(case.plan.as_deref(), run).steps()).unwrap_or_default();
    if left.is_empty() {
        format!("{text}; nothing was changed")
    } else {
        format!("{text}; what was done stays: {}", left.join(", "))
    }
}

/// How an execution that a person ended is closed after undoing.
pub(super) fn undone_outcome(ending: Option<&Ending>, all: bool) -> Outcome {
    if ending.is_some() && all { Outcome::Cancelled } else { Outcome::Failed }
}
