//! Which work is due, and when something will be without any input.

use super::fold::Core;
use crate::domain::approval::Decision;
use crate::domain::id::AttemptId;
use crate::domain::remediation::{Remediation, State};
use crate::domain::time::{Timestamp, plus};
use crate::domain::workflow::execution::{Attempt, Direction, Execution, StepRun, StepState};
use crate::domain::workflow::plan::{PlanStep, StepKind};
use crate::engine::job::{Job, JobKey, JobKind, Sending};
use crate::engine::snapshot::Role;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Core {
    /// All work that is due at `now`. A job that is already under way is listed too: the caller knows.
    #[must_use]
    pub fn due(&self, now: Timestamp) -> BTreeMap<JobKey, Job> {
        let mut due = BTreeMap::new();
        if matches!(self.role, Role::Starting | Role::Following { .. } | Role::Locked { .. }) {
            return due;
        }
        for case in self.open.values() {
            let jobs = match case.state {
                State::Running | State::Undoing => self.due_while_running(case),
                State::Paused | State::ByHand => self.due_in_hand(case),
                State::Diagnosing
                | State::Planning
                | State::AwaitingApproval
                | State::Verifying
                | State::Blocked
                | State::Expired
                | State::Closed => {
                    let job = self.due_of(case);
                    job.map(|(kind, job)| (JobKey::of_case(&case.id, kind), job))
                        .into_iter()
                        .collect()
                }
            };
            for (key, job) in jobs {
                let early = self.not_before.get(&key).is_some_and(|(at, _)| now < *at);
                let settling = key.kind == JobKind::Assess
                    && case.settle_until.is_some_and(|until| now < until);
                if !early && !settling {
                    due.insert(key, job);
                }
            }
        }
        due
    }

    fn due_of(&self, case: &Remediation) -> Option<(JobKind, Job)> {
        let alerts = || case.alerts.values().cloned().collect::<Vec<_>>();
        match case.state {
            State::Diagnosing => Some((
                JobKind::Diagnose,
                Job::Diagnose { alerts: alerts(), asked_for: case.asked_for.clone() },
            )),
            State::Planning => match (&case.plan, &case.diagnosis) {
                (None, Some(diagnosis)) => {
                    let (diagnosis, wish) = (Box::new(diagnosis.clone()), case.wish.clone());
                    let records = self.ledger.records();
                    Some((JobKind::Plan, Job::Plan { diagnosis, wish, records }))
                }
                (Some(_), _) | (None, None) => None,
            },
            State::AwaitingApproval => self.due_while_asked(case),
            State::Verifying => {
                let plan = case.plan.as_deref()?;
                let since =
                    case.execution.as_ref().map(|run| run.ended_at.unwrap_or(run.started_at));
                let job = Job::Assess {
                    target: plan.target.clone()?,
                    alerts: alerts(),
                    verification: plan.verification.clone(),
                    since: since.unwrap_or(case.opened_at),
                };
                Some((JobKind::Assess, job))
            }
            State::Running
            | State::Undoing
            | State::Blocked
            | State::Paused
            | State::ByHand
            | State::Expired
            | State::Closed => None,
        }
    }

    fn due_while_asked(&self, case: &Remediation) -> Option<(JobKind, Job)> {
        let plan = case.plan.as_ref()?;
        let approved = case
            .decision_on(&plan.digest)
            .is_some_and(|approval| approval.decision == Decision::Approve);
        if !approved {
            return Some((JobKind::WatchDrift, Job::WatchDrift { plan: Arc::clone(plan) }));
        }
        let acting = self.open.values().filter(|other| is_acting(other)).count();
        let held = self.open.values().any(|other| {
            holds_target(other) && other.id != case.id && other.target_key() == case.target_key()
        });
        if !self.may_act() || held || acting >= self.settings.policy.max_running {
            return None;
        }
        let alerts = case.alerts.values().cloned().collect();
        Some((JobKind::Begin, Job::Begin { plan: Arc::clone(plan), alerts }))
    }

    fn due_while_running(&self, case: &Remediation) -> Vec<(JobKey, Job)> {
        let (Some(plan), Some(run)) = (&case.plan, &case.execution) else { return Vec::new() };
        run.all_steps(plan)
            .into_iter()
            .filter_map(|step| {
                let state = run.steps.get(&step.path)?;
                let (kind, job) = self.due_of_step(case, step, state, run)?;
                Some((JobKey::of_step(&case.id, kind, &step.path), job))
            })
            .collect()
    }

    fn due_of_step(
        &self,
        case: &Remediation,
        step: &PlanStep,
        state: &StepRun,
        run: &Execution,
    ) -> Option<(JobKind, Job)> {
        if let Some(open) = state.attempts.iter().find(|attempt| attempt.is_open()) {
            let sending = sending(step, state, open)?;
            let fresh = open.outcome.is_none() && self.issued.contains(&open.id);
            return Some(if fresh {
                (JobKind::Send, Job::Send(Box::new(sending)))
            } else {
                (JobKind::Probe, Job::Probe(Box::new(sending)))
            });
        }
        if let (StepState::Waiting { .. }, StepKind::WaitFor { condition }) =
            (&state.state, &step.kind)
        {
            let since = state.started_at.unwrap_or(run.started_at);
            let (path, condition) = (step.path.clone(), condition.clone());
            return Some((JobKind::Look, Job::Look { path, condition, since }));
        }
        let open = state.state == StepState::Running && !run.added.contains_key(&step.path);
        if let (true, Some(bounded), Some(diagnosis)) = (open, step.bounded(), &case.diagnosis) {
            let job = Job::FindItems {
                path: step.path.clone(),
                bounded: Box::new(bounded.clone()),
                planned: step.children().to_vec(),
                diagnosis: Box::new(diagnosis.clone()),
            };
            return Some((JobKind::FindItems, job)).filter(|_| self.may_act());
        }
        None
    }

    /// What is in hand while nothing new may begin: attempts without an outcome.
    fn due_in_hand(&self, case: &Remediation) -> Vec<(JobKey, Job)> {
        let mut due = self.due_while_running(case);
        due.retain(|(key, _)| matches!(key.kind, JobKind::Send | JobKind::Probe));
        due
    }

    /// When time alone will change something: expiry, settle time, back-off, a step's deadline.
    #[must_use]
    pub fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let cases = self.open.values().filter(|case| case.is_open()).flat_map(|case| {
            let expiry = case
                .request
                .as_ref()
                .filter(|_| case.state == State::AwaitingApproval)
                .map(|request| request.expires_at);
            let settle = case.settle_until.filter(|_| case.state == State::Verifying);
            [expiry, settle].into_iter().chain(step_moments(case))
        });
        let pauses = self.not_before.values().map(|(at, _)| Some(*at));
        cases.chain(pauses).chain(self.breaker_moments()).flatten().filter(|at| *at > now).min()
    }

    /// Whether some case will still move by itself.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.open.values().any(|case| match case.state {
            State::Diagnosing
            | State::Planning
            | State::AwaitingApproval
            | State::Running
            | State::Undoing
            | State::Verifying => true,
            State::Blocked | State::Paused | State::ByHand | State::Expired | State::Closed => {
                false
            }
        })
    }

    /// Whether any execution has steps to do now: a process that ends now leaves them to the next engine.
    #[must_use]
    pub fn is_executing(&self) -> bool {
        self.may_act()
            && self.open.values().any(|case| matches!(case.state, State::Running | State::Undoing))
    }
}

fn is_acting(case: &Remediation) -> bool {
    matches!(case.state, State::Running | State::Undoing | State::Verifying)
}

/// Whether no other case may change its target now.
pub(super) fn holds_target(case: &Remediation) -> bool {
    is_acting(case) || matches!(case.state, State::Paused | State::ByHand)
}

/// The attempts by which a step made something.
fn makers(run: &StepRun, operation: usize) -> Vec<AttemptId> {
    let made = run.attempts.iter().filter(|attempt| {
        attempt.operation == operation
            && attempt.direction == Direction::Forward
            && attempt.took_effect()
    });
    made.map(|attempt| attempt.id.clone()).collect()
}

/// When steps of a run are tried again, and when blocks of it run out of time.
fn step_moments(case: &Remediation) -> Vec<Option<Timestamp>> {
    let (Some(plan), Some(run)) = (&case.plan, &case.execution) else { return Vec::new() };
    let direction = match case.state {
        State::Running => Direction::Forward,
        State::Undoing => Direction::Undo,
        State::Diagnosing
        | State::Planning
        | State::AwaitingApproval
        | State::Verifying
        | State::Blocked
        | State::Paused
        | State::ByHand
        | State::Expired
        | State::Closed => return Vec::new(),
    };
    let mut moments = Vec::new();
    for step in run.all_steps(plan) {
        let Some(state) = run.steps.get(&step.path).filter(|one| !one.state.is_final()) else {
            continue;
        };
        moments.push(step.retry.next_at(state, direction));
        if let StepState::Asked { until } = state.state {
            moments.push(Some(until));
        }
        if step.is_block() {
            moments.push(state.started_at.map(|at| plus(at, step.timeout_s + state.held_s)));
        }
    }
    moments
}

fn sending(step: &PlanStep, state: &StepRun, attempt: &Attempt) -> Option<Sending> {
    let planned = step.operations().get(attempt.operation)?;
    let operation = match attempt.direction {
        Direction::Forward => planned.operation.clone(),
        Direction::Undo => planned.undo.clone()?.made_by(makers(state, attempt.operation)),
    };
    Some(Sending {
        path: step.path.clone(),
        attempt: attempt.id.clone(),
        direction: attempt.direction,
        operation,
    })
}
