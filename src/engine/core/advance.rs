//! What follows by itself: from state and time to events, until nothing follows any more.

use super::fold::{Accepted, Core};
use super::outcome::key;
use crate::domain::approval::{ApprovalRequest, Decision};
use crate::domain::digest::sha256_hex;
use crate::domain::event::{Event, Outcome};
use crate::domain::id::{AttemptId, ExecutionId, PlanDigest, RemediationId, StepPath};
use crate::domain::policy::people;
use crate::domain::remediation::{Remediation, State};
use crate::domain::time::{Timestamp, plus};
use crate::domain::verdict::{Judgement, Sample, Verdict};
use crate::domain::workflow::execution::{Attempt, AttemptOutcome, Direction, StepRun, StepState};
use crate::domain::workflow::plan::{OnFailure, Plan, PlanStep, StepKind};
use crate::engine::job::JobKind;
use crate::engine::snapshot::Role;
use std::sync::Arc;

/// Most tries of one operation that the server refuses in a way that may pass (conflict, throttled).
const RETRIES: usize = 5;
/// Runs of one template on one target within a day, without success, after which a person must look.
const LOOP_LIMIT: usize = 3;
/// Guard against a mistake here: more follow-ups than any plan has steps.
const FOLLOW_UPS: usize = 10_000;

impl Core {
    /// Emits what follows from the state as it is at `now`.
    pub(super) fn advance(&mut self, out: &mut Accepted, now: Timestamp) {
        let ids = self.open.keys().cloned().collect::<Vec<_>>();
        for id in ids {
            for _ in 0..FOLLOW_UPS {
                let before = out.events.len();
                self.advance_one(out, &id, now);
                if out.events.len() == before {
                    break;
                }
            }
        }
    }

    fn advance_one(&mut self, out: &mut Accepted, id: &RemediationId, now: Timestamp) {
        let Some(case) = self.open.get(id).cloned() else { return };
        if self.end_by_person(out, &case, now) {
            return;
        }
        match case.state {
            State::Planning => self.after_planning(out, &case, now),
            State::Blocked => self.after_block(out, &case, now),
            State::AwaitingApproval => {
                let Some(request) = &case.request else { return };
                let approved = case
                    .decision_on(&request.plan)
                    .is_some_and(|approval| approval.decision == Decision::Approve);
                if now >= request.expires_at && !(approved && self.may_act()) {
                    let event = Event::Expired { plan: request.plan.clone() };
                    self.engine_emit(out, now, id, event);
                }
            }
            State::Running => self.advance_execution(out, &case, now),
            State::Undoing => self.advance_undo(out, &case, now),
            State::ByHand => self.leave_to_person(out, &case, now),
            State::Diagnosing
            | State::Paused
            | State::Verifying
            | State::Expired
            | State::Closed => {}
        }
    }

    /// Why a plan may not be put to a person now.
    pub(super) fn withholds(&self, case: &Remediation, plan: &Plan) -> Vec<String> {
        let mut why = self.settings.policy.withholds(plan);
        match &self.role {
            Role::Driving | Role::Starting => {}
            Role::Following { holder } => why.push(format!("{holder} drives this cluster")),
            Role::Observing { why: reason } | Role::Locked { why: reason } => {
                why.push(reason.clone());
            }
        }
        if let Some(target) = case.target_key().filter(|_| plan.mutates()) {
            let tries = self
                .runs
                .iter()
                .filter(|run| run.target == target && run.template == plan.template.name)
                .filter(|run| run.outcome != Outcome::Effective)
                .count();
            if tries >= LOOP_LIMIT {
                why.push(format!(
                    "loop: {} ran {tries} times on it within a day without success",
                    plan.template.name
                ));
            }
        }
        if plan.mutates() {
            why.extend(plan.blast.blockers.iter().cloned());
        }
        if plan.mutates() && !plan.blast.unknown.is_empty() {
            why.push(format!("not known whom it touches: {}", plan.blast.unknown.join("; ")));
        }
        why
    }

    fn after_planning(&mut self, out: &mut Accepted, case: &Arc<Remediation>, now: Timestamp) {
        let Some(plan) = &case.plan else { return };
        let why = self.withholds(case, plan);
        if !why.is_empty() {
            let event = Event::Withheld { plan: plan.digest.clone(), why };
            self.engine_emit(out, now, &case.id, event);
        } else if plan.mutates() {
            self.ask(out, case, plan, now);
        } else if self.may_act() {
            self.start_execution(out, &case.id, &plan.digest, None, now);
        }
    }

    fn after_block(&mut self, out: &mut Accepted, case: &Arc<Remediation>, now: Timestamp) {
        let Some(plan) = case.plan.as_ref().filter(|_| !case.withheld.is_empty()) else { return };
        if self.withholds(case, plan).is_empty() && self.role == Role::Driving {
            if plan.mutates() {
                self.ask(out, case, plan, now);
            } else if self.may_act() {
                self.start_execution(out, &case.id, &plan.digest, None, now);
            }
        }
    }

    fn ask(&mut self, out: &mut Accepted, case: &Remediation, plan: &Plan, now: Timestamp) {
        let request = ApprovalRequest {
            plan: plan.digest.clone(),
            asked_at: now,
            expires_at: plus(now, plan.expires_s),
            people: people(plan.risk),
            policy: self.settings.policy.describe(plan),
        };
        self.engine_emit(out, now, &case.id, Event::ApprovalRequested { request });
    }

    /// The run begins: from here the steps follow one another.
    pub(super) fn start_execution(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        plan: &PlanDigest,
        before: Option<Box<Sample>>,
        now: Timestamp,
    ) {
        let execution = self.execution_id(id, plan);
        let event = Event::ExecutionStarted { execution, plan: plan.clone(), before };
        self.engine_emit(out, now, id, event);
    }

    fn advance_execution(&mut self, out: &mut Accepted, case: &Arc<Remediation>, now: Timestamp) {
        let (Some(plan), Some(run)) = (&case.plan, &case.execution) else { return };
        match next_step(&plan.steps, run) {
            Next::Step(step) => {
                if let Some(state) = run.steps.get(&step.path) {
                    self.advance_step(out, case, step, state, now);
                }
            }
            Next::ParentStarts(path) => self.change(out, case, &path, StepState::Running, "", now),
            Next::ParentEnds(path) => self.change(out, case, &path, StepState::Done, "", now),
            Next::Failed(step) => self.step_failed(out, case, plan, step, now),
            Next::AllDone => self.all_done(out, case, plan, now),
        }
    }

    fn advance_step(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        step: &PlanStep,
        run: &StepRun,
        now: Timestamp,
    ) {
        match (&step.kind, &run.state) {
            (StepKind::Subflow { .. }, _) => {}
            (StepKind::HandOver { message }, StepState::Pending) => {
                self.change(out, case, &step.path, StepState::Done, message, now);
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
                StepState::Running | StepState::Unknown { .. },
            ) => {
                let tries = step.attempts;
                let count = operations.len();
                let next = next_attempt(run, count, Direction::Forward, tries);
                let late =
                    run.started_at.is_some_and(|at| now >= plus(at, step.timeout_s + run.held_s));
                self.follow_attempts(out, case, &step.path, run, next, late, now);
            }
            (StepKind::HandOver { .. } | StepKind::WaitFor { .. } | StepKind::Action { .. }, _) => {
            }
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one step's whole context, used once")]
    fn follow_attempts(
        &mut self,
        out: &mut Accepted,
        case: &Arc<Remediation>,
        path: &StepPath,
        run: &StepRun,
        next: NextAttempt,
        late: bool,
        now: Timestamp,
    ) {
        match next {
            NextAttempt::AllDone => {
                let note = run.attempts.iter().rev().find_map(effect_note).unwrap_or_default();
                self.change(out, case, path, StepState::Done, &note, now);
            }
            NextAttempt::Wait => {
                let why = run.attempts.last().and_then(|last| match &last.outcome {
                    Some(AttemptOutcome::NoAnswer { why }) => Some(why.clone()),
                    Some(_) | None => None,
                });
                if let (Some(why), StepState::Running) = (why, &run.state) {
                    self.change(out, case, path, StepState::Unknown { why }, "", now);
                }
            }
            NextAttempt::GiveUp(why) => {
                self.change(out, case, path, StepState::Failed { why }, "", now);
            }
            NextAttempt::Start(_) if late => {
                let held = run.attempts.last().and_then(|last| match &last.outcome {
                    Some(AttemptOutcome::Held { why }) => Some(why.clone()),
                    Some(_) | None => None,
                });
                let why = held
                    .unwrap_or_else(|| "its time ran out before it could be confirmed".to_string());
                self.change(out, case, path, StepState::TimedOut { why }, "", now);
            }
            NextAttempt::Start(operation) => {
                self.start_attempt(out, case, path, operation, Direction::Forward, now);
            }
        }
    }

    /// Writes the intent of one attempt, if acting is allowed now and its back-off has passed.
    pub(super) fn start_attempt(
        &mut self,
        out: &mut Accepted,
        case: &Remediation,
        path: &StepPath,
        operation: usize,
        direction: Direction,
        now: Timestamp,
    ) {
        let held =
            self.not_before.get(&key(&case.id, JobKind::Send)).is_some_and(|(at, _)| now < *at);
        if !self.may_act() || held {
            return;
        }
        let Some(run) = &case.execution else { return };
        let number = run.steps.get(path).map_or(0, |step| step.attempts.len());
        let attempt = attempt_id(&run.id, path, number);
        let event = Event::AttemptStarted { path: path.clone(), attempt, operation, direction };
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
        let failed = run.steps.get(&step.path);
        let why = failed.map_or_else(String::new, |failed| match &failed.state {
            StepState::Failed { why } => format!("step {} failed: {why}", step.path),
            StepState::TimedOut { why } => format!("step {} timed out: {why}", step.path),
            StepState::Pending
            | StepState::Running
            | StepState::Waiting { .. }
            | StepState::Done
            | StepState::Unknown { .. }
            | StepState::Skipped { .. }
            | StepState::WillNotBeRun { .. }
            | StepState::Undoing
            | StepState::Undone
            | StepState::UndoFailed { .. } => String::new(),
        });
        let cant_tell = failed.is_some_and(|failed| {
            matches!(
                failed.attempts.last().and_then(|last| last.outcome.as_ref()),
                Some(AttemptOutcome::CantTell { .. })
            )
        });
        self.give_up_the_rest(out, case, plan, &format!("step {} failed", step.path), now);
        if step.on_failure == OnFailure::Undo && !cant_tell {
            self.engine_emit(out, now, &case.id, Event::UndoStarted { why });
        } else {
            let event = Event::ExecutionEnded { undone: None, succeeded: false, why: why.clone() };
            self.engine_emit(out, now, &case.id, event);
            self.close(out, &case.id, Outcome::Failed, &why, now);
        }
    }

    fn give_up_the_rest(
        &mut self,
        out: &mut Accepted,
        case: &Remediation,
        plan: &Plan,
        reason: &str,
        now: Timestamp,
    ) {
        for step in plan.all_steps() {
            let state = case.execution.as_ref().and_then(|run| run.steps.get(&step.path));
            let parent = matches!(step.kind, StepKind::Subflow { .. });
            match state.map(|run| &run.state) {
                Some(StepState::Pending) => {
                    let state = StepState::WillNotBeRun { reason: reason.into() };
                    self.change(out, case, &step.path, state, "", now);
                }
                Some(StepState::Running) if parent => {
                    let state = StepState::Failed { why: reason.into() };
                    self.change(out, case, &step.path, state, "", now);
                }
                Some(_) | None => {}
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

/// What comes next in a run.
enum Next<'a> {
    Step(&'a PlanStep),
    ParentStarts(StepPath),
    ParentEnds(StepPath),
    Failed(&'a PlanStep),
    AllDone,
}

fn next_step<'a>(
    steps: &'a [PlanStep],
    run: &crate::domain::workflow::execution::Execution,
) -> Next<'a> {
    for step in steps {
        let Some(state) = run.steps.get(&step.path).map(|step| &step.state) else { continue };
        if let StepKind::Subflow { steps: inner, .. } = &step.kind {
            match state {
                StepState::Pending => return Next::ParentStarts(step.path.clone()),
                StepState::Running => match next_step(inner, run) {
                    Next::AllDone => return Next::ParentEnds(step.path.clone()),
                    Next::Failed(_) if step.on_failure == OnFailure::Continue => {
                        return Next::ParentEnds(step.path.clone());
                    }
                    found @ (Next::Step(_)
                    | Next::ParentStarts(_)
                    | Next::ParentEnds(_)
                    | Next::Failed(_)) => return found,
                },
                StepState::Waiting { .. }
                | StepState::Done
                | StepState::Failed { .. }
                | StepState::TimedOut { .. }
                | StepState::Unknown { .. }
                | StepState::Skipped { .. }
                | StepState::WillNotBeRun { .. }
                | StepState::Undoing
                | StepState::Undone
                | StepState::UndoFailed { .. } => continue,
            }
        }
        match state {
            StepState::Failed { .. } | StepState::TimedOut { .. } => {
                if step.on_failure != OnFailure::Continue {
                    return Next::Failed(step);
                }
            }
            StepState::Pending
            | StepState::Running
            | StepState::Waiting { .. }
            | StepState::Unknown { .. } => return Next::Step(step),
            StepState::Done
            | StepState::Skipped { .. }
            | StepState::WillNotBeRun { .. }
            | StepState::Undoing
            | StepState::Undone
            | StepState::UndoFailed { .. } => {}
        }
    }
    Next::AllDone
}

/// What comes next for the operations of a step.
pub(super) enum NextAttempt {
    AllDone,
    Wait,
    Start(usize),
    GiveUp(String),
}

/// Looks at the attempts of a step in one direction. `tries` is how often the step may be tried.
pub(super) fn next_attempt(
    run: &StepRun,
    operations: usize,
    direction: Direction,
    tries: u32,
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
            Some(AttemptOutcome::Refused { why, retryable: true }) => {
                if of_it.len() < tries.max(RETRIES) {
                    NextAttempt::Start(operation)
                } else {
                    NextAttempt::GiveUp(format!("{why} ({} tries)", of_it.len()))
                }
            }
            Some(
                AttemptOutcome::Refused { why, retryable: false } | AttemptOutcome::Failed { why },
            ) => NextAttempt::GiveUp(why.clone()),
            Some(AttemptOutcome::CantTell { why }) => {
                NextAttempt::GiveUp(format!("it can't be told whether it happened: {why}"))
            }
            Some(AttemptOutcome::Applied { .. } | AttemptOutcome::SeenDone { .. }) => continue,
        };
    }
    NextAttempt::AllDone
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
