//! Plans that people ask for: a case without an alert, and a plan that waits made otherwise.
//!
//! Promises: nothing is opened or voided until the new plan is there and within its template's limits. From then on it
//! is a case like any other: same policy, same card, same decision.

use super::decide::Refused;
use super::fold::{Accepted, Core};
use crate::domain::event::Event;
use crate::domain::id::RemediationId;
use crate::domain::policy::Permission;
use crate::domain::remediation::{Remediation, State};
use crate::domain::time::Timestamp;
use crate::engine::command::{Command, Refusal, Request};
use crate::engine::job::Draft;

impl Core {
    /// Takes a drafted plan in, or says why there is none.
    pub(super) fn take_draft(
        &mut self,
        out: &mut Accepted,
        request: &Request,
        fresh: &RemediationId,
        result: Result<Box<Draft>, Refused>,
        now: Timestamp,
    ) {
        self.answer(out, request, now, |core, out| match &request.command {
            Command::Plan { .. } => core.open_asked(out, request, fresh, result, now),
            Command::Revise { remediation, reason, .. } => {
                let case = core.case(remediation)?;
                core.may_revise(&case, request)?;
                core.revise(out, &case, request, reason, *result?, now)
            }
            Command::Alerts { .. }
            | Command::Decide { .. }
            | Command::PlanAnew { .. }
            | Command::Claim { .. }
            | Command::Breaker { .. }
            | Command::TellAgain { .. }
            | Command::Steer { .. }
            | Command::Stop { .. }
            | Command::Start { .. } => Err((Refusal::Invalid, "this command makes no plan".into())),
        });
    }

    /// Whether the caller may ask for this plan at all; asked before anything is read for it.
    ///
    /// # Errors
    /// The refusal.
    pub fn may_ask(&self, request: &Request) -> Result<(), Refused> {
        match &request.command {
            Command::Plan { target, .. } => self
                .settings
                .policy
                .authorise(&request.by, &Permission::Create, &target.namespace)
                .map_err(|why| (Refusal::NotPermitted, why)),
            Command::Revise { remediation, .. } => {
                let case = self.case(remediation)?;
                self.may_revise(&case, request)
            }
            Command::Alerts { .. }
            | Command::Decide { .. }
            | Command::PlanAnew { .. }
            | Command::Claim { .. }
            | Command::Breaker { .. }
            | Command::TellAgain { .. }
            | Command::Steer { .. }
            | Command::Stop { .. }
            | Command::Start { .. } => Ok(()),
        }
    }

    fn may_revise(&self, case: &Remediation, request: &Request) -> Result<(), Refused> {
        self.allow(&request.by, &Permission::Create, case)?;
        let undecided = case.plan.as_deref().is_none_or(|p| case.decision_on(&p.digest).is_none());
        match case.state {
            State::AwaitingApproval if !undecided => {
                Err((Refusal::WrongState, "its plan is approved: cancel it first".into()))
            }
            State::AwaitingApproval | State::Blocked | State::Expired => match &case.diagnosis {
                Some(_) => Ok(()),
                None => Err((Refusal::WrongState, "it is not diagnosed yet".into())),
            },
            State::Diagnosing
            | State::Planning
            | State::Running
            | State::Paused
            | State::Undoing
            | State::Verifying
            | State::ByHand
            | State::Closed => {
                let why = format!("no plan waits to be revised: it is {}", case.state);
                Err((Refusal::WrongState, why))
            }
        }
    }

    fn open_asked(
        &mut self,
        out: &mut Accepted,
        request: &Request,
        fresh: &RemediationId,
        result: Result<Box<Draft>, Refused>,
        now: Timestamp,
    ) -> Result<(String, Vec<RemediationId>), Refused> {
        self.may_ask(request)?;
        let Command::Plan { target, reason, .. } = &request.command else {
            return Err((Refusal::Invalid, "this command makes no plan".into()));
        };
        let draft = *result?;
        let others = self
            .open
            .values()
            .filter(|other| other.is_open() && other.target_key().as_ref() == Some(target))
            .map(|other| format!("{} ({})", other.id, other.state))
            .collect::<Vec<_>>();
        let by = &request.by;
        let event = Event::PlanAsked {
            by: by.clone(),
            target: target.clone(),
            wish: draft.wish,
            reason: reason.trim().into(),
        };
        self.emit(out, now, by, Some(fresh), event);
        let diagnosis = draft.diagnosis;
        self.engine_emit(out, now, fresh, Event::Diagnosed { diagnosis });
        let mut note = self.planned(out, fresh, draft.plan, now);
        if !others.is_empty() {
            note = format!("{note}; also open on this target: {}", others.join(", "));
        }
        Ok((note, vec![fresh.clone()]))
    }

    fn revise(
        &mut self,
        out: &mut Accepted,
        case: &Remediation,
        request: &Request,
        reason: &str,
        draft: Draft,
        now: Timestamp,
    ) -> Result<(String, Vec<RemediationId>), Refused> {
        let stands = case.plan.as_deref().map(|plan| &plan.digest);
        if stands != draft.instead_of.as_ref() {
            return Err((Refusal::Stale, "the plan changed meanwhile: look again".into()));
        }
        if stands == Some(&draft.plan.digest) && case.state == State::AwaitingApproval {
            let why = format!("that is plan {}, which stands", draft.plan.digest.short());
            return Err((Refusal::Invalid, why));
        }
        if case.was_rejected(&draft.plan.digest) {
            let why = format!("plan {} was rejected in this case", draft.plan.digest.short());
            return Err((Refusal::NotPermitted, why));
        }
        let by = request.by.clone();
        let event = Event::Revised { by, wish: draft.wish, reason: reason.trim().into() };
        self.emit(out, now, &request.by, Some(&case.id), event);
        let note = self.planned(out, &case.id, draft.plan, now);
        Ok((note, vec![case.id.clone()]))
    }

    fn planned(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        plan: crate::domain::workflow::plan::Plan,
        now: Timestamp,
    ) -> String {
        let mut note = format!("plan {}, risk {}: {}", plan.digest.short(), plan.risk, plan.title);
        let withheld = match self.open.get(id) {
            Some(case) => self.withholds(case, &plan),
            None => Vec::new(),
        };
        if !withheld.is_empty() {
            note = format!("{note}; not put to a decision: {}", withheld.join("; "));
        }
        self.engine_emit(out, now, id, Event::Planned { plan: Box::new(plan) });
        note
    }
}
