//! Decisions on steps that ask: bound to the plan's digest and the step, write-once, and by the same rules as for a plan.

use super::decide::Refused;
use super::fold::{Accepted, Core};
use crate::domain::approval::{Approval, Decision, Preflight};
use crate::domain::event::Event;
use crate::domain::id::RemediationId;
use crate::domain::policy::Permission;
use crate::domain::time::Timestamp;
use crate::domain::workflow::execution::StepState;
use crate::domain::workflow::plan::{Risk, StepKind};
use crate::engine::command::{Command, Refusal, Request};

impl Core {
    pub(super) fn decide_step(
        &mut self,
        out: &mut Accepted,
        request: &Request,
        preflight: Option<&Preflight>,
        id: &RemediationId,
        now: Timestamp,
    ) -> Result<(String, Vec<RemediationId>), Refused> {
        let by = &request.by;
        let Command::Decide {
            plan: digest,
            decision,
            gesture,
            reason,
            typed,
            step: Some(path),
            ..
        } = &request.command
        else {
            return Err((Refusal::Invalid, "this is no decision on a step".into()));
        };
        let case = self.case(id)?;
        let Some(plan) = case.plan.as_deref().filter(|plan| plan.digest == *digest) else {
            let why = format!("{} is not the plan that runs", digest.short());
            return Err((Refusal::Stale, why));
        };
        let Some(step) = case.planned_step(path) else {
            return Err((Refusal::NotFound, format!("the plan has no step {path}")));
        };
        let StepKind::Approval { risk, .. } = &step.kind else {
            return Err((Refusal::Invalid, format!("step {path} asks nobody")));
        };
        if let Some(decided) = case.decision_on_step(path) {
            let (word, who) = (decided.decision, &decided.by.os_user);
            let why = format!("step {path} was decided already ({word}, {who})");
            return Err((Refusal::Decided, why));
        }
        match self.step_state(id, path) {
            Some(StepState::Asked { until }) if now < until => {}
            Some(StepState::Asked { .. } | StepState::TimedOut { .. }) => {
                return Err((Refusal::Expired, format!("step {path} asked, and its time is over")));
            }
            Some(state) => {
                let why = format!("no decision is asked for: step {path} is {}", state.word());
                return Err((Refusal::WrongState, why));
            }
            None => {
                let why = format!("no decision is asked for: the remediation is {}", case.state);
                return Err((Refusal::WrongState, why));
            }
        }
        let risk = plan.risk.max(*risk);
        match decision {
            Decision::Approve => {
                self.may_decide(by, plan).map_err(|why| (Refusal::NotPermitted, why))?;
                self.check_engine(plan)?;
                self.check_gesture(&case, risk, *gesture, typed.as_deref(), by)?;
                self.check_preflight(out, &case, digest, preflight, now)?;
            }
            Decision::Reject => self.allow(by, &Permission::Decide(Risk::Low), &case)?,
        }
        let approval = Approval {
            plan: digest.clone(),
            decision: *decision,
            by: by.clone(),
            gesture: *gesture,
            reason: reason.clone(),
            at: now,
        };
        let preflight = preflight.cloned().unwrap_or_default();
        let event = Event::StepDecided { path: path.clone(), approval, preflight };
        self.emit(out, now, by, Some(id), event);
        let word = if *decision == Decision::Approve { "approved" } else { "rejected" };
        Ok((format!("{word} step {path} of plan {}", digest.short()), vec![id.clone()]))
    }
}
