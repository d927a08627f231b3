//! What jobs brought back: from outcomes to events.

use super::episodes::same_object;
use super::fold::{Accepted, Core};
use crate::domain::advice::Advice;
use crate::domain::breaker::Destination;
use crate::domain::diagnosis::{Cause, Diagnosis, Disposition};
use crate::domain::event::{Event, Outcome};
use crate::domain::id::{AttemptId, PlanDigest, RemediationId, StepPath};
use crate::domain::principal::Principal;
use crate::domain::remediation::State;
use crate::domain::resource::ObjectRef;
use crate::domain::time::{Timestamp, plus, rfc3339};
use crate::domain::verdict::{Judgement, Sample, Verdict, judge};
use crate::domain::workflow::execution::{AttemptOutcome, StepState};
use crate::domain::workflow::plan::{Plan, PlanStep};
use crate::engine::job::{Input, JobFailure, JobKey, JobKind, Looked};
use crate::engine::snapshot::Role;
use crate::ports::cluster::Probe;

/// First and longest pause before a failed look is repeated, in seconds.
const BACKOFF_S: (u64, u64) = (5, 300);
/// Seconds after a change by somebody else in which a case is not taken for recovered.
const AFTER_CHANGE_S: u64 = 300;
/// Pause between looks at a condition, and between drift checks, in seconds.
pub(super) const LOOK_S: u64 = 2;
pub(super) const DRIFT_S: u64 = 5;

impl Core {
    /// Lets one input become true, and everything that follows from it.
    pub fn accept(&mut self, input: Input, now: Timestamp) -> Accepted {
        let now = Self::stored_time(now);
        let mut out = Accepted::default();
        match input {
            Input::Alert(taken) => self.take_alert(&mut out, &taken, now),
            Input::Command { request, preflight } => {
                self.take_command(&mut out, &request, preflight.as_ref(), now);
            }
            Input::Steer { request, closed, preflight } => {
                self.take_steering(&mut out, &request, closed, preflight.as_ref(), now);
            }
            Input::Drafted { request, fresh, result } => {
                self.take_draft(&mut out, &request, &fresh, result, now);
            }
            Input::StopSeen { by, reason } => {
                if self.stop.is_none() {
                    let event = Event::Stopped { by, reason };
                    self.emit(&mut out, now, &Principal::engine(), None, event);
                }
            }
            Input::Diagnosed { id, result } => match result {
                Ok(diagnosis) => self.diagnosed(&mut out, &id, *diagnosis, now),
                Err(failure) => self.stuck(&mut out, &id, JobKind::Diagnose, &failure, now),
            },
            Input::PlanMade { id, result, advice } => {
                self.plan_made(&mut out, &id, result, advice, now);
            }
            Input::DriftSeen { id, plan, drift } => {
                self.not_before
                    .insert(JobKey::of_case(&id, JobKind::WatchDrift), (plus(now, DRIFT_S), 0));
                if !drift.is_empty() && self.stands(&id, &plan, State::AwaitingApproval) {
                    let event = Event::PlanVoided { plan, drift };
                    self.engine_emit(&mut out, now, &id, event);
                }
            }
            Input::Begun { id, plan, result } => self.begun(&mut out, &id, &plan, result, now),
            Input::Sent { id, path, attempt, outcome } => {
                self.attempt_ended(&mut out, &id, &path, &attempt, outcome, now);
            }
            Input::Probed { id, path, attempt, probe } => {
                self.probed(&mut out, &id, &path, &attempt, probe, now);
            }
            Input::Looked { id, path, looked } => self.looked(&mut out, &id, &path, looked, now),
            Input::ItemsFound { id, path, result } => {
                self.items_found(&mut out, &id, &path, result, now);
            }
            Input::Assessed { id, result } => self.assessed(&mut out, &id, result, now),
            Input::BreakerMoved(one) => self.take_move(&mut out, one, now),
            Input::Heard { channel, notices, heard } => {
                self.heard(&mut out, channel, notices, heard, now);
            }
            Input::IdentityMismatch { found } => {
                if self.mismatch.is_none() {
                    self.role = Role::Locked { why: found.clone() };
                    let event = Event::IdentityMismatch { found };
                    self.emit(&mut out, now, &Principal::engine(), None, event);
                }
            }
            Input::Wake => {}
        }
        self.lapse_breakers(&mut out, now);
        self.advance(&mut out, now);
        self.notice(&mut out, now);
        out
    }

    pub(super) fn engine_emit(
        &mut self,
        out: &mut Accepted,
        now: Timestamp,
        id: &RemediationId,
        event: Event,
    ) {
        self.emit(out, now, &Principal::engine(), Some(id), event);
    }

    pub(super) fn close(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        outcome: Outcome,
        why: &str,
        now: Timestamp,
    ) {
        let ending = self.open.get(id).filter(|case| case.must_end());
        let begun = ending.and_then(|case| case.execution.as_ref()?.closing.as_ref());
        let event = match (ending, begun) {
            // What ends with the case does so first, and then it is closed.
            (Some(_), None) => Event::Closing { outcome, why: why.into() },
            (Some(_), Some(_)) | (None, _) => Event::Closed { outcome, why: why.into() },
        };
        self.engine_emit(out, now, id, event);
    }

    fn stands(&self, id: &RemediationId, plan: &PlanDigest, state: State) -> bool {
        self.open.get(id).is_some_and(|case| {
            case.state == state && case.plan.as_deref().is_some_and(|own| own.digest == *plan)
        })
    }

    fn diagnosed(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        diagnosis: Diagnosis,
        now: Timestamp,
    ) {
        if self.open.get(id).is_none_or(|case| case.state != State::Diagnosing) {
            return;
        }
        let disposition = diagnosis.disposition;
        if disposition == Disposition::Recovered && self.was_just_changed(id, now) {
            let why = "well for the moment after the change; looking on".to_string();
            let failure = JobFailure { why, retryable: true };
            self.stuck(out, id, JobKind::Diagnose, &failure, now);
            return;
        }
        if self.may_show_yet(id, &diagnosis, now) {
            let why = "the cause can't be told yet; looking on".to_string();
            let failure = JobFailure { why, retryable: true };
            self.stuck(out, id, JobKind::Diagnose, &failure, now);
            return;
        }
        self.not_before.remove(&JobKey::of_case(id, JobKind::Diagnose));
        let why = diagnosis.summary.clone();
        let target = diagnosis.target.clone();
        let told = self.told_before(id, &diagnosis, now);
        self.engine_emit(out, now, id, Event::Diagnosed { diagnosis });
        // What a person asked for is about what they named, whatever else is open or was told.
        let asked = self.open.get(id).is_some_and(|case| case.asked_for.is_some());
        match disposition {
            Disposition::Remediate if asked => {}
            Disposition::Remediate => {
                let other = target.as_ref().and_then(|target| self.case_on(target, id));
                if let Some(into) = other {
                    self.merge(out, id, &into, now);
                } else if let Some((into, why)) = told {
                    self.close(out, id, Outcome::Merged { into }, &why, now);
                }
            }
            Disposition::Recovered
            | Disposition::TargetGone
            | Disposition::Heartbeat
            | Disposition::OnPurpose => self.close(out, id, Outcome::Recovered, &why, now),
        }
    }

    /// Another open case whose diagnosis names this object.
    fn case_on(&self, target: &ObjectRef, id: &RemediationId) -> Option<RemediationId> {
        self.open
            .values()
            .filter(|other| other.id != *id && other.is_open() && other.asked_for.is_none())
            .find(|other| {
                let found = other.diagnosis.as_ref().and_then(|found| found.target.as_ref());
                same_object(found, Some(target))
            })
            .map(|other| other.id.clone())
    }

    /// An alert may come before the objects show what is wrong: images still being pulled, a first restart, samples that
    /// are not there yet. What a person asked for is not waited with.
    fn may_show_yet(&self, id: &RemediationId, diagnosis: &Diagnosis, now: Timestamp) -> bool {
        diagnosis.disposition == Disposition::Remediate
            && diagnosis.cause == Cause::Unknown
            && diagnosis.target.is_some()
            && self.open.get(id).is_some_and(|case| {
                case.asked_for.is_none()
                    && now < plus(case.opened_at, self.settings.policy.patience_s)
            })
    }

    /// Somebody changed the target while the plan waited: pods that were made just now prove nothing yet.
    fn was_just_changed(&self, id: &RemediationId, now: Timestamp) -> bool {
        self.open
            .get(id)
            .and_then(|case| case.voided.as_ref())
            .is_some_and(|voided| !voided.drift.is_empty() && now < plus(voided.at, AFTER_CHANGE_S))
    }

    fn merge(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        into: &RemediationId,
        now: Timestamp,
    ) {
        let alerts = self
            .open
            .get(id)
            .map(|case| case.alerts.values().cloned().collect::<Vec<_>>())
            .unwrap_or_default();
        for alert in alerts {
            self.engine_emit(out, now, into, Event::AlertJoined { alert });
        }
        let outcome = Outcome::Merged { into: into.clone() };
        self.close(out, id, outcome, &format!("the same target as {into}"), now);
    }

    /// A job failed: note why once, and try again later.
    pub(super) fn stuck(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        kind: JobKind,
        failure: &JobFailure,
        now: Timestamp,
    ) {
        let Some(case) = self.open.get(id).filter(|case| case.is_open()) else { return };
        let during = match kind {
            JobKind::Diagnose => "diagnosing",
            JobKind::Plan => "planning",
            JobKind::Begin => "starting",
            JobKind::Assess => "verifying",
            JobKind::WatchDrift
            | JobKind::Send
            | JobKind::Probe
            | JobKind::Look
            | JobKind::FindItems => "looking",
        };
        let known = case.stuck.as_ref().is_some_and(|stuck| stuck.why == failure.why);
        let retry_at = failure.retryable.then(|| self.back_off(&JobKey::of_case(id, kind), now));
        if !known || retry_at.is_none() {
            let event = Event::Stuck { during: during.into(), why: failure.why.clone(), retry_at };
            self.engine_emit(out, now, id, event);
        }
    }

    /// When a failed job is due again: 5 s, doubling, at most 5 min.
    pub(super) fn back_off(&mut self, key: &JobKey, now: Timestamp) -> Timestamp {
        let tries = self.not_before.get(key).map_or(0, |(_, tries)| *tries);
        let pause = BACKOFF_S.0.saturating_mul(1 << tries.min(10)).min(BACKOFF_S.1);
        let at = plus(now, pause);
        self.not_before.insert(key.clone(), (at, tries + 1));
        at
    }

    fn plan_made(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        result: Result<Box<Plan>, JobFailure>,
        advice: Option<Box<Advice>>,
        now: Timestamp,
    ) {
        let Some(case) = self.open.get(id).filter(|case| case.is_open()) else { return };
        let planning = case.state == State::Planning;
        // Before the plan: what was said to a model is kept also where no plan came of it.
        if let Some(advice) = advice {
            self.engine_emit(out, now, id, Event::Advised { advice });
        }
        if !planning {
            return;
        }
        match result {
            Ok(plan) => {
                self.not_before.remove(&JobKey::of_case(id, JobKind::Plan));
                self.engine_emit(out, now, id, Event::Planned { plan });
                self.close_if_rejected_before(out, id, now);
            }
            Err(failure) => self.stuck(out, id, JobKind::Plan, &failure, now),
        }
    }

    fn begun(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        plan: &PlanDigest,
        result: Result<(Vec<crate::domain::approval::Drift>, Option<Box<Sample>>), JobFailure>,
        now: Timestamp,
    ) {
        if !self.stands(id, plan, State::AwaitingApproval) || !self.may_act() {
            return;
        }
        let expired = self
            .open
            .get(id)
            .and_then(|case| case.request.as_ref())
            .is_none_or(|request| now >= request.expires_at);
        if expired {
            self.engine_emit(out, now, id, Event::Expired { plan: plan.clone() });
            return;
        }
        match result {
            Ok((drift, before)) if drift.is_empty() => {
                self.not_before.remove(&JobKey::of_case(id, JobKind::Begin));
                self.start_execution(out, id, plan, before, now);
            }
            Ok((drift, _)) => {
                let event = Event::PlanVoided { plan: plan.clone(), drift };
                self.engine_emit(out, now, id, event);
            }
            Err(failure) => self.stuck(out, id, JobKind::Begin, &failure, now),
        }
    }

    fn attempt_ended(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        path: &StepPath,
        attempt: &AttemptId,
        outcome: AttemptOutcome,
        now: Timestamp,
    ) {
        let open = self.open.get(id).is_some_and(|case| {
            case.execution.as_ref().and_then(|run| run.steps.get(path)).is_some_and(|step| {
                step.attempts.iter().any(|known| known.id == *attempt && known.is_open())
            })
        });
        if open {
            let event =
                Event::AttemptEnded { path: path.clone(), attempt: attempt.clone(), outcome };
            self.engine_emit(out, now, id, event);
        }
    }

    fn probed(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        path: &StepPath,
        attempt: &AttemptId,
        probe: Probe,
        now: Timestamp,
    ) {
        let outcome = match probe {
            Probe::Done(note) => AttemptOutcome::SeenDone { note },
            Probe::NotDone(note) => AttemptOutcome::SeenNotDone { note },
            Probe::CantTell(why) => AttemptOutcome::CantTell { why },
            Probe::Later(_) => {
                self.back_off(&JobKey::of_step(id, JobKind::Probe, path), now);
                return;
            }
        };
        self.not_before.remove(&JobKey::of_step(id, JobKind::Probe, path));
        self.attempt_ended(out, id, path, attempt, outcome, now);
    }

    fn looked(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        path: &StepPath,
        looked: Looked,
        now: Timestamp,
    ) {
        let key = JobKey::of_step(id, JobKind::Look, path);
        self.not_before.insert(key, (plus(now, LOOK_S), 0));
        let Some(StepState::Waiting { seen: before, until }) = self.step_state(id, path) else {
            return;
        };
        let (state, note) = match looked {
            Looked::Holds(note) => (StepState::Done, note),
            Looked::Fails(why) => (StepState::Failed { why }, String::new()),
            Looked::NotYet(seen) if now >= until => {
                (StepState::TimedOut { why: seen }, String::new())
            }
            Looked::Unavailable(why) if now >= until => {
                (StepState::TimedOut { why: format!("could not look: {why}") }, String::new())
            }
            Looked::NotYet(seen) => {
                if seen == before {
                    return;
                }
                (StepState::Waiting { seen, until }, String::new())
            }
            // An open breaker is worth telling, once.
            Looked::Unavailable(_) => match self.closed_to(Destination::Cluster) {
                Some(seen) if seen != before => (StepState::Waiting { seen, until }, String::new()),
                Some(_) | None => return,
            },
        };
        let event = Event::StepChanged { path: path.clone(), state, note };
        self.engine_emit(out, now, id, event);
    }

    /// The items of a `for_each`: its steps from now on; or it fails, and none is touched.
    fn items_found(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        path: &StepPath,
        result: Result<Vec<PlanStep>, JobFailure>,
        now: Timestamp,
    ) {
        let Some(case) = self.open.get(id).filter(|case| case.state == State::Running).cloned()
        else {
            return;
        };
        let Some(run) = &case.execution else { return };
        let running = run.steps.get(path).is_some_and(|step| step.state == StepState::Running);
        if !running || run.added.contains_key(path) {
            return;
        }
        let key = JobKey::of_step(id, JobKind::FindItems, path);
        let event = match result {
            Ok(steps) => Event::ItemsFound { path: path.clone(), steps },
            Err(failure) if failure.retryable => {
                self.back_off(&key, now);
                return;
            }
            Err(failure) => {
                let state = StepState::Failed { why: failure.why };
                Event::StepChanged { path: path.clone(), state, note: String::new() }
            }
        };
        self.not_before.remove(&key);
        self.engine_emit(out, now, id, event);
    }

    pub(super) fn step_state(&self, id: &RemediationId, path: &StepPath) -> Option<StepState> {
        let run = self.open.get(id)?.execution.as_ref()?;
        run.steps.get(path).map(|step| step.state.clone())
    }

    fn assessed(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        result: Result<Box<Sample>, JobFailure>,
        now: Timestamp,
    ) {
        let Some(case) = self.open.get(id).filter(|case| case.state == State::Verifying).cloned()
        else {
            return;
        };
        let sample = match result {
            Ok(sample) => *sample,
            Err(failure) => {
                self.stuck(out, id, JobKind::Assess, &failure, now);
                return;
            }
        };
        let Some(plan) = &case.plan else { return };
        if let Some(why) = self.waits_to_measure(&case, plan, &sample, now) {
            let failure = JobFailure { why, retryable: true };
            self.stuck(out, id, JobKind::Assess, &failure, now);
            return;
        }
        let judgement = judge(&plan.verification, case.before.as_deref(), &sample);
        self.verdict(out, id, plan, judgement, now);
    }

    pub(super) fn verdict(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        plan: &Plan,
        judgement: Judgement,
        now: Timestamp,
    ) {
        let (verdict, why) = (judgement.verdict, judgement.why.clone());
        self.engine_emit(out, now, id, Event::Judged { judgement });
        let outcome = match verdict {
            Verdict::Effective => Outcome::Effective,
            Verdict::Ineffective => Outcome::Ineffective,
            Verdict::Inconclusive => Outcome::Inconclusive,
            Verdict::HandedOver => Outcome::HandedOver,
            Verdict::Regressed if plan.verification.undo_on_regression => {
                let why = format!("regressed at {}: {why}", rfc3339(now));
                self.engine_emit(out, now, id, Event::UndoStarted { why });
                return;
            }
            Verdict::Regressed => Outcome::Regressed,
        };
        self.close(out, id, outcome, &why, now);
    }
}
