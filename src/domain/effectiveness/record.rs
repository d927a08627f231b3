//! What figures know of one case.

use crate::domain::alert::AlertStatus;
use crate::domain::diagnosis::{Cause, Disposition, Pattern, words};
use crate::domain::event::Outcome;
use crate::domain::id::RemediationId;
use crate::domain::remediation::Remediation;
use crate::domain::resource::ObjectKey;
use crate::domain::time::{Timestamp, seconds_between};
use crate::domain::workflow::plan::Plan;
use crate::domain::workflow::step::StepKind;
use serde::Serialize;
use std::collections::BTreeSet;

/// An alert that went away within this many seconds of its case's opening, untreated, went away by itself.
pub(super) const ALONE_S: i64 = 3_600;

words!(
    /// What a case counts as.
    Fate {
        /// Changed something, and it helped.
        Effective = "effective",
        /// Changed something, or tried to, and it did not help.
        NoEffect = "no_effect",
        /// Changed something, and that made it worse.
        Regressed = "regressed",
        /// Changed something, and what it did can't be told.
        Unclear = "unclear",
        /// Nothing was changed: the baseline.
        Alone = "alone",
    }
);

/// One case that ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Which.
    pub id: RemediationId,
    /// What it was about, where that was known.
    pub target: Option<ObjectKey>,
    /// Pattern.
    pub pattern: Pattern,
    /// Cause.
    pub cause: Cause,
    /// Confidence of the diagnosis, 0 to 1.
    pub confidence: f64,
    /// Template and version of its last plan, if one was made: `high-memory@3`.
    pub template: Option<String>,
    /// Actions of that plan that change something, sorted.
    pub actions: Vec<String>,
    /// What it counts as.
    pub fate: Fate,
    /// How it ended.
    pub outcome: Outcome,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// When it was seen well: the last of its alerts was resolved, or the verdict said so.
    pub recovered_at: Option<Timestamp>,
    /// When the same cause came back on the same target after it was effective.
    pub back_at: Option<Timestamp>,
}

impl Record {
    /// Of a case that closed; `None` when it says nothing about remediations: it only told a person, was merged into
    /// another, or there was nothing to remedy.
    #[must_use]
    pub fn of(case: &Remediation) -> Option<Self> {
        let outcome = case.outcome.clone()?;
        let found = case.diagnosis.as_ref()?;
        match found.disposition {
            Disposition::Remediate | Disposition::Recovered => {}
            Disposition::TargetGone | Disposition::Heartbeat | Disposition::OnPurpose => {
                return None;
            }
        }
        let plan = case.plan.as_deref();
        let treated = case.execution.is_some() && plan.is_some_and(Plan::mutates);
        let fate = fate(treated, &outcome)?;
        Some(Self {
            id: case.id.clone(),
            target: case.target_key(),
            pattern: found.pattern,
            cause: found.cause,
            confidence: found.confidence,
            template: plan.map(|plan| format!("{}@{}", plan.template.name, plan.template.version)),
            actions: plan.map_or_else(Vec::new, actions),
            fate,
            recovered_at: recovered(case, &outcome),
            outcome,
            opened_at: case.opened_at,
            ended_at: case.updated_at,
            back_at: None,
        })
    }

    /// Seconds from its opening until it was seen well and `true`, or until it was looked at last and `false`.
    #[must_use]
    pub fn recovery(&self) -> (u64, bool) {
        let until = self.recovered_at.unwrap_or(self.ended_at);
        let seconds = seconds_between(self.opened_at, until).max(0);
        (seconds.unsigned_abs(), self.recovered_at.is_some())
    }

    /// Of one that was left alone: whether it went away within an hour; `None` while that can't be told yet.
    #[must_use]
    pub fn went_away(&self, now: Timestamp) -> Option<bool> {
        let within = |at: Timestamp| seconds_between(self.opened_at, at) <= ALONE_S;
        if self.recovered_at.is_some_and(within) {
            return Some(true);
        }
        (!within(now)).then_some(false)
    }
}

/// Actions that change something, those that are skipped left out.
fn actions(plan: &Plan) -> Vec<String> {
    let mut names = BTreeSet::new();
    for step in plan.all_steps().into_iter().filter(|step| step.skipped.is_none()) {
        if let StepKind::Action { action, operations, .. } = &step.kind
            && operations.iter().any(|planned| planned.operation.mutates())
        {
            names.insert(action.clone());
        }
    }
    names.into_iter().collect()
}

fn fate(treated: bool, outcome: &Outcome) -> Option<Fate> {
    let fate = match outcome {
        Outcome::Merged { .. } => return None,
        Outcome::Effective => Fate::Effective,
        Outcome::Ineffective | Outcome::Failed => Fate::NoEffect,
        Outcome::Regressed => Fate::Regressed,
        Outcome::Inconclusive
        | Outcome::HandedOver
        | Outcome::Rejected
        | Outcome::Cancelled
        | Outcome::Recovered => Fate::Unclear,
    };
    if treated {
        return Some(fate);
    }
    match outcome {
        Outcome::Rejected | Outcome::Cancelled | Outcome::Recovered => Some(Fate::Alone),
        Outcome::Effective
        | Outcome::Ineffective
        | Outcome::Regressed
        | Outcome::Inconclusive
        | Outcome::HandedOver
        | Outcome::Failed
        | Outcome::Merged { .. } => None,
    }
}

fn recovered(case: &Remediation, outcome: &Outcome) -> Option<Timestamp> {
    let resolved = case.alerts.values().all(|alert| alert.status == AlertStatus::Resolved);
    let last = case.alerts.values().filter_map(|alert| alert.ends_at).max();
    let well = matches!(outcome, Outcome::Effective | Outcome::Recovered);
    match last {
        Some(at) if resolved && (well || case.execution.is_none()) => {
            Some(at.clamp(case.opened_at, case.updated_at.max(case.opened_at)))
        }
        _ => well.then_some(case.updated_at),
    }
}
