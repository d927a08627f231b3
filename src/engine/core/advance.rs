//! What follows by itself: from state and time to events, until nothing follows any more.

use super::fold::{Accepted, Core};
use crate::domain::approval::{ApprovalRequest, Decision};
use crate::domain::event::{Event, Outcome};
use crate::domain::id::{PlanDigest, RemediationId};
use crate::domain::policy::people;
use crate::domain::remediation::{Remediation, State};
use crate::domain::time::{Timestamp, plus};
use crate::domain::verdict::Sample;
use crate::domain::workflow::plan::Plan;
use crate::engine::snapshot::Role;
use std::sync::Arc;

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
        let Some(plan) = case.plan.as_deref().filter(|_| !case.withheld.is_empty()) else { return };
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
}
