//! Episodes: what a person said no to, or was told, about one target while alerts of it still fire.
//!
//! ```text
//! case closed rejected or handed_over ─► settled ─► its last alert is resolved, or a day is quiet ─► forgotten
//!                                          ▲  │
//!            a case that turns out the same┘  └─► a new case with the same plan, or the same cause: merged
//! ```
//!
//! An episode belongs to the target and not to a fingerprint: a pod that is replaced makes a new alert of the old
//! problem. A new alert is diagnosed all the same, since it may be another problem; only the same plan (rejected) or
//! the same cause (handed over) is not raised again. What a person asks for is never held back here.

use super::fold::{Accepted, Core};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::diagnosis::{Cause, Diagnosis};
use crate::domain::event::{Event, Outcome, Recorded};
use crate::domain::id::{PlanDigest, RemediationId};
use crate::domain::remediation::Remediation;
use crate::domain::resource::ObjectRef;
use crate::domain::time::{Timestamp, seconds_between};
use std::collections::{BTreeMap, BTreeSet};

/// Seconds without news of an episode after which it counts as over, though nobody said that its alerts are resolved.
const QUIET_S: i64 = 24 * 3_600;
/// Episodes that are remembered; the longest quiet ones go first.
const REMEMBERED: usize = 10_000;

/// What was settled about a target, and the alerts of it that still fire.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    outcome: Outcome,
    why: String,
    plan: Option<PlanDigest>,
    diagnosis: Option<Diagnosis>,
    /// Names of all alerts that belonged to it.
    names: BTreeSet<String>,
    firing: BTreeMap<String, Alert>,
    heard_at: Timestamp,
}

impl Settled {
    fn of(case: &Remediation) -> Option<Self> {
        let outcome = case.outcome.clone()?;
        match outcome {
            Outcome::Rejected | Outcome::HandedOver => {}
            Outcome::Effective
            | Outcome::Ineffective
            | Outcome::Regressed
            | Outcome::Inconclusive
            | Outcome::Cancelled
            | Outcome::Failed
            | Outcome::Recovered
            | Outcome::Merged { .. } => return None,
        }
        let mut settled = Self {
            outcome,
            why: case.closed_why.clone(),
            plan: case.plan.as_deref().map(|plan| plan.digest.clone()),
            diagnosis: case.diagnosis.clone(),
            names: BTreeSet::new(),
            firing: BTreeMap::new(),
            heard_at: case.updated_at,
        };
        settled.join(case);
        (!settled.firing.is_empty()).then_some(settled)
    }

    fn join(&mut self, case: &Remediation) {
        self.heard_at = self.heard_at.max(case.updated_at);
        for (fingerprint, alert) in &case.alerts {
            self.names.insert(alert.name().to_string());
            if alert.status == AlertStatus::Firing {
                self.firing.insert(fingerprint.clone(), alert.clone());
            }
        }
    }

    fn is_of_the_same_cause(&self, case: &Remediation, found: &Diagnosis) -> bool {
        let Some(known) = &self.diagnosis else { return false };
        let same = known.pattern == found.pattern
            && known.cause == found.cause
            && known.container == found.container
            && same_object(known.target.as_ref(), found.target.as_ref());
        // An unknown cause is the same only when no alert says anything that was not said before.
        same && (found.cause != Cause::Unknown
            || case.alerts.values().all(|alert| self.names.contains(alert.name())))
            && (found.target.is_some() || case.alerts.values().all(|alert| self.tells_of(alert)))
    }

    /// Whether an alert without an object is about the same place as one that was told of.
    fn tells_of(&self, alert: &Alert) -> bool {
        self.firing.values().any(|known| known.namespace() == alert.namespace())
    }
}

impl Core {
    /// Follows what an event means for the episodes. `case` is the one that the event closed, if it did.
    pub(super) fn fold_episodes(&mut self, recorded: &Recorded, case: Option<&Remediation>) {
        match &recorded.event {
            Event::AlertIgnored { alert, .. } | Event::AlertJoined { alert }
                if alert.status == AlertStatus::Resolved =>
            {
                let fingerprint = alert.fingerprint.as_str();
                for settled in self.settled.values_mut() {
                    if settled.firing.remove(fingerprint).is_some() {
                        settled.heard_at = recorded.at;
                    }
                }
                self.settled.retain(|_, settled| !settled.firing.is_empty());
            }
            Event::Closed { outcome: Outcome::Merged { into }, .. } => {
                if let (Some(settled), Some(case)) = (self.settled.get_mut(into), case) {
                    settled.join(case);
                }
            }
            Event::Closed { .. } => {
                let now = recorded.at;
                self.settled.retain(|_, settled| !settled.is_quiet(now));
                if let Some((case, settled)) = case.and_then(|c| Some((c, Settled::of(c)?))) {
                    self.settled.insert(case.id.clone(), settled);
                }
                while self.settled.len() > REMEMBERED {
                    let oldest = self.settled.iter().min_by_key(|(_, one)| one.heard_at);
                    let Some(id) = oldest.map(|(id, _)| id.clone()) else { break };
                    self.settled.remove(&id);
                }
            }
            Event::EngineStarted { .. }
            | Event::Opened { .. }
            | Event::PlanAsked { .. }
            | Event::Revised { .. }
            | Event::Steered { .. }
            | Event::AlertJoined { .. }
            | Event::AlertIgnored { .. }
            | Event::Diagnosed { .. }
            | Event::Stuck { .. }
            | Event::Advised { .. }
            | Event::Planned { .. }
            | Event::Withheld { .. }
            | Event::ApprovalRequested { .. }
            | Event::PlanVoided { .. }
            | Event::Decided { .. }
            | Event::CommandRefused { .. }
            | Event::Expired { .. }
            | Event::ExecutionStarted { .. }
            | Event::StepChanged { .. }
            | Event::ItemsFound { .. }
            | Event::StepDecided { .. }
            | Event::AttemptStarted { .. }
            | Event::AttemptEnded { .. }
            | Event::UndoStarted { .. }
            | Event::Closing { .. }
            | Event::ExecutionEnded { .. }
            | Event::Judged { .. }
            | Event::Claimed { .. }
            | Event::Stopped { .. }
            | Event::Started { .. }
            | Event::BreakerMoved(_)
            | Event::BreakerSet { .. }
            | Event::Noticed { .. }
            | Event::Told { .. }
            | Event::PutBack { .. }
            | Event::IdentityMismatch { .. } => {}
        }
    }

    /// The case in which a person was told the same about the same target, and why that is the same, if the episode
    /// goes on.
    pub(super) fn told_before(
        &self,
        id: &RemediationId,
        found: &Diagnosis,
        now: Timestamp,
    ) -> Option<(RemediationId, String)> {
        let case = self.open.get(id).filter(|case| !case.alerts.is_empty())?;
        self.settled_now(now)
            .filter(|(_, settled)| settled.outcome == Outcome::HandedOver)
            .find(|(_, settled)| settled.is_of_the_same_cause(case, found))
            .map(|(past, settled)| {
                let why = format!("told already in {past} of this episode: {}", settled.why);
                (past.clone(), why)
            })
    }

    /// Closes a case whose plan was rejected before, if that episode goes on.
    pub(super) fn close_if_rejected_before(
        &mut self,
        out: &mut Accepted,
        id: &RemediationId,
        now: Timestamp,
    ) {
        let Some(case) = self.open.get(id).filter(|case| !case.alerts.is_empty()) else { return };
        let Some(plan) = case.plan.as_deref().map(|plan| &plan.digest) else { return };
        let before = self
            .settled_now(now)
            .filter(|(_, settled)| settled.outcome == Outcome::Rejected)
            .find(|(_, settled)| settled.plan.as_ref() == Some(plan))
            .map(|(past, settled)| (past.clone(), settled.why.clone()));
        if let Some((into, why)) = before {
            let why = format!("the same plan as in {into} of this episode, {why}");
            self.close(out, id, Outcome::Merged { into }, &why, now);
        }
    }

    /// Alerts of episodes that go on though their case is closed.
    pub(super) fn settled_alerts(&self) -> impl Iterator<Item = &Alert> {
        self.settled.values().flat_map(|settled| settled.firing.values())
    }

    fn settled_now(&self, now: Timestamp) -> impl Iterator<Item = (&RemediationId, &Settled)> {
        self.settled.iter().filter(move |(_, settled)| !settled.is_quiet(now))
    }
}

impl Settled {
    fn is_quiet(&self, now: Timestamp) -> bool {
        seconds_between(self.heard_at, now) >= QUIET_S
    }
}

/// Whether two diagnoses name one object: by uid where it is known.
pub(super) fn same_object(one: Option<&ObjectRef>, other: Option<&ObjectRef>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) if one.uid.is_empty() || other.uid.is_empty() => {
            one.key == other.key
        }
        (Some(one), Some(other)) => one.uid == other.uid,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
}
