//! The steps of a run: moves of the tree to events, attempts one after another, and how a run ends.

use super::flow::{Flow, Move, Walk};
use super::fold::{Accepted, Core};
use crate::domain::approval::Decision;
use crate::domain::digest::sha256_hex;
use crate::domain::event::{Event, Outcome};
use crate::domain::id::{AttemptId, ExecutionId, StepPath};
use crate::domain::remediation::Remediation;
use crate::domain::time::{Timestamp, plus};
use crate::domain::verdict::{Judgement, Verdict};
use crate::domain::workflow::execution::{Attempt, AttemptOutcome, Direction, StepRun, StepState};
use crate::domain::workflow::plan::{OnFailure, Plan, PlanStep, StepKind};
use crate::domain::workflow::retry::Failures;
use std::sync::Arc;

impl Core {
    pub(super) fn advance_execution(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        now: Timestamp,
    ) {
        let (Some(plan), Some(run)) = (&case.plan, &case.execution) else { return };
        let mut walk = Walk::new(run, now);
        let flow = walk.root(&plan.steps);
        for one in walk.moves {
            match one {
                Move::Go(step) => {
                    if let Some(state) = run.steps.get(&step.path) {
                        self.go(out, case, step, state, now);
                    }
                }
                Move::Finish(step, why) => {
                    if let Some(state) = run.steps.get(&step.path) {
                        self.finish(out, case, step, state, &why, now);
                    }
                }
                Move::Set(step, state) => self.change(out, case, &step.path, state, "", now),
            }
        }
        match flow {
            Flow::Open => {}
            Flow::Failed(step) => self.step_failed(out, case, plan, step, now),
            Flow::Done => self.all_done(out, case, plan, now),
        }
    }

    fn go(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        step: &PlanStep,
        run: &StepRun,
        now: Timestamp,
    ) {
        match (&step.kind, &run.state) {
            (StepKind::HandOver { message, .. }, StepState::Pending) => {
                self.change(out, case, &step.path, StepState::Done, message, now);
            }
            (StepKind::Notify { message }, StepState::Pending) => {
                self.change(out, case, &step.path, StepState::Done, message, now);
            }
            (StepKind::Approval { .. }, StepState::Pending) => {
                if self.may_act() {
                    let state = StepState::Asked { until: plus(now, step.timeout_s) };
                    self.change(out, case, &step.path, state, "", now);
                }
            }
            (StepKind::Approval { .. }, StepState::Asked { until }) => {
                self.answered(out, case, step, *until, now);
            }
            (StepKind::WaitFor { .. }, StepState::Pending) => {
                if self.may_act() {
                    let until = plus(now, step.timeout_s);
                    let state = StepState::Waiting { seen: String::new(), until };
                    self.change(out, case, &step.path, state, "", now);
                }
            }
            (StepKind::Action { .. }, StepState::Pending) => {
                if self.may_act() {
                    self.change(out, case, &step.path, StepState::Running, "", now);
                }
            }
            (
                StepKind::Action { operations, .. },
                StepState::Running | StepState::Unknown { .. } | StepState::Waiting { .. },
            ) => {
                let next = forward(run, operations.len(), step);
                self.follow_attempts(out, case, step, run, next, now);
            }
            (
                StepKind::HandOver { .. }
                | StepKind::WaitFor { .. }
                | StepKind::Action { .. }
                | StepKind::Subflow { .. }
                | StepKind::Steps { .. }
                | StepKind::Parallel { .. }
                | StepKind::ForEach { .. }
                | StepKind::Approval { .. }
                | StepKind::Notify { .. }
                | StepKind::Branch { .. },
                _,
            ) => {}
        }
    }

    /// What follows from a person's answer to a step that asks, or from the lack of one.
    fn answered(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        step: &PlanStep,
        until: Timestamp,
        now: Timestamp,
    ) {
        let answer = case.decision_on_step(&step.path);
        let state = match answer {
            Some(approval) if approval.decision == Decision::Reject => {
                let (who, reason) = (&approval.by.os_user, &approval.reason);
                StepState::Failed { why: format!("rejected by {who}: {reason}") }
            }
            Some(_) => StepState::Done,
            None if now >= until => StepState::TimedOut { why: "nobody decided in time".into() },
            None => return,
        };
        let note =
            answer.map(|approval| format!("{} by {}", approval.decision, approval.by.os_user));
        self.change(out, case, &step.path, state, note.as_deref().unwrap_or_default(), now);
    }

    fn follow_attempts(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        step: &PlanStep,
        run: &StepRun,
        next: NextAttempt,
        now: Timestamp,
    ) {
        let path = &step.path;
        match next {
            NextAttempt::AllDone => {
                let note = run.attempts.iter().rev().find_map(effect_note).unwrap_or_default();
                self.change(out, case, path, StepState::Done, &note, now);
            }
            NextAttempt::Wait => self.note_no_answer(out, case, path, run, now),
            NextAttempt::GiveUp(why) => {
                self.change(out, case, path, StepState::Failed { why }, "", now);
            }
            NextAttempt::Start(_)
                if run
                    .started_at
                    .is_some_and(|at| now >= plus(at, step.timeout_s + run.held_s)) =>
            {
                let late = || "its time ran out before it could be confirmed".to_string();
                let why = held(run).map_or_else(late, String::from);
                self.change(out, case, path, StepState::TimedOut { why }, "", now);
            }
            NextAttempt::Start(operation) => {
                if let (Some(why), Some(at)) = (held(run), run.started_at) {
                    let until = plus(at, step.timeout_s + run.held_s);
                    let state = StepState::Waiting { seen: why.to_string(), until };
                    if run.state != state {
                        self.change(out, case, path, state, "", now);
                    }
                }
                self.start_attempt(out, case, step, operation, Direction::Forward, now);
            }
        }
    }

    fn note_no_answer(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        path: &StepPath,
        run: &StepRun,
        now: Timestamp,
    ) {
        let why = run.attempts.last().and_then(|last| match &last.outcome {
            Some(AttemptOutcome::NoAnswer { why }) => Some(why.clone()),
            Some(_) | None => None,
        });
        if let (Some(why), StepState::Running) = (why, &run.state) {
            self.change(out, case, path, StepState::Unknown { why }, "", now);
        }
    }

    /// Ends a step without a new attempt: what is in hand is awaited first.
    fn finish(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        step: &PlanStep,
        run: &StepRun,
        why: &str,
        now: Timestamp,
    ) {
        let given_up = StepState::Failed { why: format!("given up: {why}") };
        let StepKind::Action { operations, .. } = &step.kind else {
            self.change(out, case, &step.path, given_up, "", now);
            return;
        };
        match forward(run, operations.len(), step) {
            next @ (NextAttempt::AllDone | NextAttempt::Wait | NextAttempt::GiveUp(_)) => {
                self.follow_attempts(out, case, step, run, next, now);
            }
            NextAttempt::Start(_) => self.change(out, case, &step.path, given_up, "", now),
        }
    }

    /// Writes the intent of one attempt, if acting is allowed now and its pause is over.
    pub(super) fn start_attempt(
        &mut self,
        out: &mut Accepted,
        case: &Remediation,
        step: &PlanStep,
        operation: usize,
        direction: Direction,
        now: Timestamp,
    ) {
        let Some(run) = &case.execution else { return };
        let known = run.steps.get(&step.path);
        let paused =
            known.and_then(|known| step.retry.next_at(known, direction)).is_some_and(|at| now < at);
        if !self.may_act() || paused {
            return;
        }
        let number = known.map_or(0, |known| known.attempts.len());
        let attempt = attempt_id(&run.id, &step.path, number);
        let path = step.path.clone();
        let event = Event::AttemptStarted { path, attempt, operation, direction };
        self.engine_emit(out, now, &case.id, event);
    }

    pub(super) fn change(
        &mut self,
        out: &mut Accepted,
        case: &Remediation,
        path: &StepPath,
        state: StepState,
        note: &str,
        now: Timestamp,
    ) {
        let event = Event::StepChanged { path: path.clone(), state, note: note.to_string() };
        self.engine_emit(out, now, &case.id, event);
    }

    fn step_failed(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        plan: &Plan,
        step: &PlanStep,
        now: Timestamp,
    ) {
        let Some(run) = &case.execution else { return };
        let path = &step.path;
        let why = run.steps.get(path).map_or_else(String::new, |failed| {
            format!("step {path} {}: {}", failed.state.word(), failed.state.why())
        });
        let cant_tell = run.steps.values().any(|step| {
            let last = step.attempts.last().and_then(|last| last.outcome.as_ref());
            matches!(last, Some(AttemptOutcome::CantTell { .. }))
        });
        self.leave_unused(out, case, plan, now);
        if step.on_failure == OnFailure::Undo && !cant_tell {
            self.engine_emit(out, now, &case.id, Event::UndoStarted { why });
        } else {
            let event = Event::ExecutionEnded { undone: None, succeeded: false, why: why.clone() };
            self.engine_emit(out, now, &case.id, event);
            self.close(out, &case.id, Outcome::Failed, &why, now);
        }
    }

    /// What only a failure would have needed: it says so, and never runs.
    fn leave_unused(
        &mut self,
        out: &mut Accepted,
        case: &Remediation,
        plan: &Plan,
        now: Timestamp,
    ) {
        let Some(run) = &case.execution else { return };
        for step in run.all_steps(plan) {
            let Some(rescue) = &step.rescue else { continue };
            for below in run.with_all_below(rescue) {
                if run.steps.get(&below.path).is_some_and(|run| run.state == StepState::Pending) {
                    let reason = format!("only if step {} fails, and it did not", step.path);
                    let state = StepState::WillNotBeRun { reason };
                    self.change(out, case, &below.path, state, "", now);
                }
            }
        }
    }

    fn all_done(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        plan: &Plan,
        now: Timestamp,
    ) {
        self.leave_unused(out, case, plan, now);
        let why = "all steps are done".to_string();
        let event = Event::ExecutionEnded { undone: None, succeeded: true, why };
        self.engine_emit(out, now, &case.id, event);
        let told = case.only_tells();
        if told || !plan.mutates() {
            let why = case
                .diagnosis
                .as_ref()
                .map_or_else(|| plan.title.clone(), |diagnosis| diagnosis.summary.clone());
            let judgement = Judgement {
                verdict: Verdict::HandedOver,
                why,
                checks: Vec::new(),
                before: None,
                after: None,
            };
            self.verdict(out, &case.id, plan, judgement, now);
        }
    }
}

/// What comes next for the operations of a step.
pub(super) enum NextAttempt {
    AllDone,
    Wait,
    Start(usize),
    GiveUp(String),
}

/// What comes next on the way forward.
fn forward(run: &StepRun, operations: usize, step: &PlanStep) -> NextAttempt {
    next_attempt(run, operations, Direction::Forward, (step.attempts, step.retry.on))
}

/// Looks at the attempts of a step in one direction. `tries` is how often the step may be tried, and after what.
pub(super) fn next_attempt(
    run: &StepRun,
    operations: usize,
    direction: Direction,
    (tries, on): (u32, Failures),
) -> NextAttempt {
    let tries = usize::try_from(tries).unwrap_or(1).max(1);
    for operation in 0..operations {
        let of_it = run
            .counted()
            .filter(|attempt| attempt.operation == operation && attempt.direction == direction)
            .collect::<Vec<_>>();
        if of_it.iter().any(|attempt| attempt.took_effect()) {
            continue;
        }
        let Some(last) = of_it.last() else { return NextAttempt::Start(operation) };
        return match &last.outcome {
            None | Some(AttemptOutcome::NoAnswer { .. }) => NextAttempt::Wait,
            Some(AttemptOutcome::SeenNotDone { .. } | AttemptOutcome::Held { .. }) => {
                NextAttempt::Start(operation)
            }
            Some(
                outcome @ (AttemptOutcome::Refused { why, .. } | AttemptOutcome::Failed { why }),
            ) => {
                if !on.include(outcome) {
                    NextAttempt::GiveUp(why.clone())
                } else if of_it.len() < tries {
                    NextAttempt::Start(operation)
                } else {
                    NextAttempt::GiveUp(format!("{why} ({} tries)", of_it.len()))
                }
            }
            Some(AttemptOutcome::CantTell { why }) => {
                NextAttempt::GiveUp(format!("it can't be told whether it happened: {why}"))
            }
            Some(AttemptOutcome::Applied { .. } | AttemptOutcome::SeenDone { .. }) => continue,
        };
    }
    NextAttempt::AllDone
}

/// The words of the rule that holds the step back now.
fn held(run: &StepRun) -> Option<&str> {
    run.attempts.last().and_then(|last| match &last.outcome {
        Some(AttemptOutcome::Held { why }) => Some(why.as_str()),
        Some(_) | None => None,
    })
}

fn effect_note(attempt: &Attempt) -> Option<String> {
    match &attempt.outcome {
        Some(AttemptOutcome::Applied { note } | AttemptOutcome::SeenDone { note }) => {
            Some(note.clone())
        }
        Some(
            AttemptOutcome::SeenNotDone { .. }
            | AttemptOutcome::Refused { .. }
            | AttemptOutcome::Held { .. }
            | AttemptOutcome::Failed { .. }
            | AttemptOutcome::NoAnswer { .. }
            | AttemptOutcome::CantTell { .. },
        )
        | None => None,
    }
}

/// Ids of attempts follow from what they are an attempt at: no randomness, and unique.
fn attempt_id(execution: &ExecutionId, path: &StepPath, number: usize) -> AttemptId {
    let digest = sha256_hex(format!("{execution}/{path}/{number}").as_bytes());
    AttemptId::new(format!("a-{}", digest.get(..16).unwrap_or(&digest)))
}
