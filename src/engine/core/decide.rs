//! Commands: who may, whether it still makes sense, and what it makes true. Each refusal is an event.

use super::fold::{Accepted, Core};
use crate::domain::approval::{Approval, Decision, Gesture, Preflight};
use crate::domain::breaker::Destination;
use crate::domain::event::{Event, Outcome};
use crate::domain::id::{PlanDigest, RemediationId};
use crate::domain::policy::{Permission, people};
use crate::domain::principal::{Principal, Transport};
use crate::domain::remediation::{Remediation, State};
use crate::domain::time::Timestamp;
use crate::domain::workflow::plan::{Plan, Risk};
use crate::engine::command::{Command, Receipt, Refusal, Request};
use crate::engine::snapshot::Role;
use std::sync::Arc;

pub(super) type Refused = (Refusal, String);

impl Core {
    /// Whether the role of the principal allows deciding on this plan; a sentence when not.
    ///
    /// # Errors
    /// The sentence.
    pub fn may_decide(&self, who: &Principal, plan: &Plan) -> Result<(), String> {
        let namespace = plan.target.as_ref().map_or("", |target| target.key.namespace.as_str());
        let policy = &self.settings.policy;
        policy.authorise(who, &Permission::Decide(plan.risk), namespace)?;
        for class in plan.classes() {
            policy.authorise(who, &Permission::Class(class), namespace)?;
        }
        if people(plan.risk) > 1 && !self.settings.two_people {
            return Err(
                "this needs two people, and a store that one person can write can't prove \
                        two apart: use PostgreSQL"
                    .into(),
            );
        }
        // The engine's own role is nobody's own: it comes with the engine's user.
        let own_role = who.via == Transport::Database && who.uid == Principal::NO_UID;
        if people(plan.risk) > 1 && !own_role {
            return Err(
                "this needs two people, each proven by a database role of their own: give it with \
                        `pilothouse approve` and your own role in store.url"
                    .into(),
            );
        }
        Ok(())
    }

    /// Takes a command.
    pub(super) fn take_command(
        &mut self,
        out: &mut Accepted,
        request: &Request,
        preflight: Option<&Preflight>,
        now: Timestamp,
    ) {
        self.answer(out, request, now, |core, out| core.carry_out(out, request, preflight, now));
    }

    /// Carries a command out, if it is not too old; the receipt says what came of it, and each refusal is in the log.
    pub(super) fn answer(
        &mut self,
        out: &mut Accepted,
        request: &Request,
        now: Timestamp,
        act: impl FnOnce(&mut Self, &mut Accepted) -> Result<(String, Vec<RemediationId>), Refused>,
    ) {
        let late = request.not_after.is_some_and(|until| now > until);
        let result = if late && !matches!(request.command, Command::Stop { .. }) {
            Err((Refusal::Expired, "the command was too old when it arrived: give it again".into()))
        } else {
            act(self, out)
        };
        match result {
            Ok((note, remediations)) => {
                let event = out.events.last().map_or(0, |last| last.seq);
                out.receipt = Some(Receipt::Done { event, note, remediations });
            }
            Err((refusal, why)) => {
                self.record_refusal(out, request, refusal, &why, now);
                out.receipt = Some(Receipt::Refused { refusal, why });
            }
        }
    }

    fn carry_out(
        &mut self,
        out: &mut Accepted,
        request: &Request,
        preflight: Option<&Preflight>,
        now: Timestamp,
    ) -> Result<(String, Vec<RemediationId>), Refused> {
        let by = &request.by;
        match &request.command {
            Command::Alerts { .. } => {
                Err((Refusal::Invalid, "alerts come through the inbox".into()))
            }
            Command::Decide { remediation, step: Some(_), .. } => {
                self.decide_step(out, request, preflight, remediation, now)
            }
            Command::Decide { remediation, step: None, .. } => {
                self.decide_plan(out, request, preflight, remediation, now)
            }
            Command::PlanAnew { remediation } => {
                let case = self.case(remediation)?;
                self.allow(by, &Permission::Create, &case)?;
                self.plan_anew(out, &case, by, now)
            }
            Command::Steer { .. } => {
                Err((Refusal::Unavailable, "the case was not looked up".into()))
            }
            Command::Plan { .. } | Command::Revise { .. } => {
                self.may_ask(request)?;
                Err((Refusal::Unavailable, "no plan was made".into()))
            }
            Command::Claim { remediation } => {
                let case = self.case(remediation)?;
                self.allow(by, &Permission::View, &case)?;
                self.emit(out, now, by, Some(remediation), Event::Claimed { by: by.clone() });
                Ok((format!("claimed by {}", by.os_user), vec![remediation.clone()]))
            }
            Command::Breaker { destination, setting, reason, until } => {
                self.allow_anywhere(by, &Permission::Breakers)?;
                self.set_breaker(out, by, (*destination, *setting, *until), reason, now)
            }
            Command::TellAgain { channel, notice } => {
                self.allow_anywhere(by, &Permission::Breakers)?;
                self.put_back(out, by, (*channel, *notice), now)
            }
            Command::Stop { reason } => {
                self.allow_anywhere(by, &Permission::Execute)?;
                let event = Event::Stopped { by: by.describe(), reason: reason.clone() };
                self.emit(out, now, by, None, event);
                Ok(("everything is stopped".into(), Vec::new()))
            }
            Command::Start { cluster, reason } => {
                self.allow_anywhere(by, &Permission::Start)?;
                if *cluster != self.settings.name {
                    let why = format!("this is not cluster `{cluster}`: type its name as shown");
                    return Err((Refusal::Invalid, why));
                }
                if reason.trim().is_empty() {
                    return Err((Refusal::Invalid, "start needs a reason".into()));
                }
                let event = Event::Started { by: by.describe(), reason: reason.clone() };
                self.emit(out, now, by, None, event);
                Ok(("the stop is lifted".into(), Vec::new()))
            }
        }
    }

    /// A decision on a plan as a whole.
    fn decide_plan(
        &mut self,
        out: &mut Accepted,
        request: &Request,
        preflight: Option<&Preflight>,
        remediation: &RemediationId,
        now: Timestamp,
    ) -> Result<(String, Vec<RemediationId>), Refused> {
        let by = &request.by;
        let Command::Decide { plan, decision, gesture, reason, typed, .. } = &request.command
        else {
            return Err((Refusal::Invalid, "this is no decision".into()));
        };
        let case = self.case(remediation)?;
        self.check_standing(&case, plan, *decision, by, now)?;
        if *decision == Decision::Approve {
            let risk = case.plan.as_deref().map_or(Risk::Critical, |plan| plan.risk);
            self.check_gesture(&case, risk, *gesture, typed.as_deref(), by)?;
            self.check_preflight(out, &case, plan, preflight, now)?;
        }
        let approval = Approval {
            plan: plan.clone(),
            decision: *decision,
            by: by.clone(),
            gesture: *gesture,
            reason: reason.clone(),
            at: now,
        };
        let preflight = preflight.cloned().unwrap_or_default();
        let event = Event::Decided { approval, preflight };
        self.emit(out, now, by, Some(remediation), event);
        if *decision == Decision::Reject {
            let why = format!("rejected by {}: {reason}", by.os_user);
            self.close(out, remediation, Outcome::Rejected, &why, now);
        }
        let word = if *decision == Decision::Approve { "approved" } else { "rejected" };
        let now = self.open.get(remediation);
        let people = now.and_then(|case| case.request.as_ref()?.people_words(&case.approvals));
        let people = people.filter(|_| *decision == Decision::Approve);
        let people = people.map_or_else(String::new, |words| format!("; {words}"));
        Ok((format!("{word} plan {}{people}", plan.short()), vec![remediation.clone()]))
    }

    pub(super) fn case(&self, id: &RemediationId) -> Result<Arc<Remediation>, Refused> {
        if let Some(case) = self.open.get(id) {
            return Ok(case.clone());
        }
        if let Some(row) = self.closed.iter().find(|row| row.id == *id) {
            let word = row.outcome.as_ref().map_or("closed", |outcome| outcome.word());
            return Err((Refusal::Decided, format!("remediation {id} is closed: {word}")));
        }
        Err((Refusal::NotFound, format!("there is no remediation {id}")))
    }

    pub(super) fn allow(
        &self,
        by: &Principal,
        what: &Permission,
        case: &Remediation,
    ) -> Result<(), Refused> {
        let target = case.target_key();
        let namespace = target.as_ref().map_or("", |key| key.namespace.as_str());
        self.settings
            .policy
            .authorise(by, what, namespace)
            .map_err(|why| (Refusal::NotPermitted, why))
    }

    fn allow_anywhere(&self, by: &Principal, what: &Permission) -> Result<(), Refused> {
        self.settings.policy.authorise(by, what, "").map_err(|why| (Refusal::NotPermitted, why))
    }

    /// Write-once, the right digest, the right state, in time, by somebody who may.
    fn check_standing(
        &self,
        case: &Remediation,
        digest: &PlanDigest,
        decision: Decision,
        by: &Principal,
        now: Timestamp,
    ) -> Result<(), Refused> {
        if let Some(decided) = case.decision_on(digest) {
            let overrules = decision == Decision::Reject
                && decided.decision == Decision::Approve
                && case.state == State::AwaitingApproval;
            if !overrules {
                let (word, who) = (decided.decision, &decided.by.os_user);
                let why = format!("plan {} was decided already ({word}, {who})", digest.short());
                return Err((Refusal::Decided, why));
            }
        }
        let Some(plan) = case.plan.as_deref().filter(|plan| plan.digest == *digest) else {
            return Err((Refusal::Stale, stale_words(case, digest)));
        };
        Self::check_other_person(case, decision, by)?;
        match case.state {
            State::AwaitingApproval => {}
            State::Expired => {
                return Err((Refusal::Expired, "the request expired: plan anew".into()));
            }
            State::Diagnosing
            | State::Planning
            | State::Blocked
            | State::Running
            | State::Paused
            | State::Undoing
            | State::Verifying
            | State::ByHand
            | State::Closed => {
                let why = format!("no decision is asked for: the remediation is {}", case.state);
                return Err((Refusal::WrongState, why));
            }
        }
        if case.request.as_ref().is_none_or(|request| now >= request.expires_at) {
            return Err((Refusal::Expired, "the request expired: plan anew".into()));
        }
        match decision {
            Decision::Approve => {
                self.may_decide(by, plan).map_err(|why| (Refusal::NotPermitted, why))?;
                self.check_engine(plan)
            }
            Decision::Reject => self.allow(by, &Permission::Decide(Risk::Low), case),
        }
    }

    /// Where two people are needed, each counts once.
    fn check_other_person(
        case: &Remediation,
        decision: Decision,
        by: &Principal,
    ) -> Result<(), Refused> {
        let request = case.request.as_ref().filter(|request| request.people > 1);
        let Some(request) = request.filter(|_| decision == Decision::Approve) else {
            return Ok(());
        };
        match request.given(&case.approvals).iter().find(|one| one.by.is_same_person(by)) {
            None => Ok(()),
            Some(first) => Err((
                Refusal::Decided,
                format!(
                    "{} approved plan {} already, and one person counts once: the other approval must come from \
                     another database role with another, known identity on the cluster",
                    first.by.describe(),
                    request.plan.short()
                ),
            )),
        }
    }

    pub(super) fn check_engine(&self, plan: &Plan) -> Result<(), Refused> {
        match &self.role {
            Role::Driving => {}
            Role::Starting => {
                return Err((Refusal::Unavailable, "the engine is starting".into()));
            }
            Role::Following { holder } => {
                return Err((Refusal::Unavailable, format!("{holder} drives this cluster")));
            }
            Role::Observing { why } | Role::Locked { why } => {
                return Err((Refusal::Unavailable, why.clone()));
            }
        }
        if let Some(stop) = &self.stop {
            let why = format!("everything is stopped by {}: {}", stop.by, stop.reason);
            return Err((Refusal::NotPermitted, why));
        }
        if let Some(why) = self.closed_to(Destination::Cluster) {
            return Err((Refusal::Unavailable, why));
        }
        let withheld = self.settings.policy.withholds(plan);
        if withheld.is_empty() { Ok(()) } else { Err((Refusal::NotPermitted, withheld.join("; "))) }
    }

    /// The gesture must be as strong as the risk.
    pub(super) fn check_gesture(
        &self,
        case: &Remediation,
        risk: Risk,
        gesture: Gesture,
        typed: Option<&str>,
        by: &Principal,
    ) -> Result<(), Refused> {
        if by.via == Transport::Simulated && self.settings.simulated {
            return Ok(());
        }
        let Some(plan) = &case.plan else {
            return Err((Refusal::Stale, "there is no plan".into()));
        };
        let name = plan.target.as_ref().map_or("", |target| target.key.name.as_str());
        let named = !name.is_empty() && typed == Some(name);
        let refuse = |why: String| Err((Refusal::NotPermitted, why));
        match gesture {
            Gesture::WithoutTerminal => match self.settings.policy.without_terminal {
                None => {
                    refuse("approving without a terminal is off (approval.without_terminal)".into())
                }
                Some(most) if risk > most => refuse(format!(
                    "risk {risk} can't be approved without a terminal (approval.without_terminal = {most})"
                )),
                Some(_) if risk >= Risk::High && !named => {
                    refuse(format!("risk {risk} needs the target's name: --target-name"))
                }
                Some(_) => Ok(()),
            },
            Gesture::Key if risk == Risk::Low => Ok(()),
            Gesture::Chord if risk <= Risk::Medium => Ok(()),
            Gesture::TypedName if named => Ok(()),
            Gesture::TypedName => refuse("the typed name is not the target's".into()),
            Gesture::Key | Gesture::Chord => {
                refuse(format!("risk {risk} needs a stronger gesture"))
            }
        }
    }

    pub(super) fn check_preflight(
        &mut self,
        out: &mut Accepted,
        case: &Remediation,
        digest: &PlanDigest,
        preflight: Option<&Preflight>,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let Some(preflight) = preflight else {
            return Err((Refusal::Unavailable, "what it depends on was not checked".into()));
        };
        if !preflight.drift.is_empty() {
            let event = Event::PlanVoided { plan: digest.clone(), drift: preflight.drift.clone() };
            self.emit(out, now, &Principal::engine(), Some(&case.id), event);
            let why =
                format!("the target changed: plan {} is void, a new one is made", digest.short());
            return Err((Refusal::Stale, why));
        }
        Self::check_rights(preflight)
    }

    /// Nothing unknown, and the person's own rights on the cluster cover it.
    pub(super) fn check_rights(preflight: &Preflight) -> Result<(), Refused> {
        if !preflight.unknown.is_empty() {
            let why = format!("could not be checked: {}", preflight.unknown.join("; "));
            return Err((Refusal::Unavailable, why));
        }
        if let Some(denied) = preflight.permissions.iter().find(|check| !check.allowed) {
            let why = format!(
                "your cluster permissions don't allow it: {} ({})",
                denied.what, denied.why
            );
            return Err((Refusal::NotPermitted, why));
        }
        Ok(())
    }

    fn plan_anew(
        &mut self,
        out: &mut Accepted,
        case: &Remediation,
        by: &Principal,
        now: Timestamp,
    ) -> Result<(String, Vec<RemediationId>), Refused> {
        let stuck = case.stuck.is_some()
            && matches!(case.state, State::Blocked | State::Diagnosing | State::Planning);
        if case.state != State::Expired && case.state != State::Blocked && !stuck {
            let why = format!("the remediation is {}: there is nothing to plan anew", case.state);
            return Err((Refusal::WrongState, why));
        }
        let plan =
            case.plan.as_deref().map_or_else(|| PlanDigest::new(""), |plan| plan.digest.clone());
        let event = Event::PlanVoided { plan, drift: Vec::new() };
        self.emit(out, now, by, Some(&case.id), event);
        Ok(("planning anew".into(), vec![case.id.clone()]))
    }

    fn record_refusal(
        &mut self,
        out: &mut Accepted,
        request: &Request,
        refusal: Refusal,
        why: &str,
        now: Timestamp,
    ) {
        let (subject, plan) = match &request.command {
            Command::Decide { remediation, plan, .. } => (Some(remediation), Some(plan.clone())),
            Command::PlanAnew { remediation }
            | Command::Claim { remediation }
            | Command::Revise { remediation, .. }
            | Command::Steer { remediation, .. } => (Some(remediation), None),
            Command::Alerts { .. }
            | Command::Plan { .. }
            | Command::Breaker { .. }
            | Command::TellAgain { .. }
            | Command::Stop { .. }
            | Command::Start { .. } => (None, None),
        };
        let event = Event::CommandRefused {
            command: request.command.verb().into(),
            plan,
            by: request.by.clone(),
            refusal: refusal.word().into(),
            why: why.into(),
        };
        let known = subject.filter(|id| refusal != Refusal::NotFound || self.open.contains_key(id));
        self.emit(out, now, &request.by, known, event);
    }
}

fn stale_words(case: &Remediation, digest: &PlanDigest) -> String {
    let known = case.voided.as_ref().filter(|voided| voided.plan.digest == *digest);
    let voided = known.is_some();
    let changed = known.is_some_and(|voided| !voided.drift.is_empty());
    let void = format!(
        "plan {} is void{}",
        digest.short(),
        if changed { ": the target changed" } else { ", it was made anew" }
    );
    match (&case.plan, voided) {
        (Some(plan), true) => {
            format!("{void}; plan {} replaces it", plan.digest.short())
        }
        (None, true) => {
            format!("{void}; a new one is being made")
        }
        (Some(plan), false) => {
            format!(
                "{} is not the plan that stands: that is {}",
                digest.short(),
                plan.digest.short()
            )
        }
        (None, false) => format!("{} is not a plan of this remediation", digest.short()),
    }
}
