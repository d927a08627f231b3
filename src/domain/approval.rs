//! Requests for a decision, and decisions.

use super::diagnosis::words;
use super::id::PlanDigest;
use super::operation::DiffLine;
use super::principal::Principal;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

words!(
    /// What was decided.
    Decision {
        /// Run it.
        Approve = "approve",
        /// Don't.
        Reject = "reject",
    }
);

/// The gesture that made a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gesture {
    /// `y` on a card.
    Key,
    /// A chord on a card.
    Chord,
    /// The target's name typed on a card or at a prompt.
    TypedName,
    /// A command with the digest and no terminal.
    WithoutTerminal,
}

/// A person's decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    /// On which plan.
    pub plan: PlanDigest,
    /// What.
    pub decision: Decision,
    /// Who.
    pub by: Principal,
    /// How.
    pub gesture: Gesture,
    /// Why; asked for when rejecting.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// An open request for a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRequest {
    /// On which plan.
    pub plan: PlanDigest,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// When it lapses.
    pub expires_at: Timestamp,
    /// People needed.
    pub people: u32,
    /// Policy rules that matched, in sentences.
    pub policy: Vec<String>,
}

impl ApprovalRequest {
    /// The approvals among these that answer this request, each person's once, oldest first.
    #[must_use]
    pub fn given<'a>(&self, approvals: &'a [Approval]) -> Vec<&'a Approval> {
        let mut given: Vec<&Approval> = Vec::new();
        for approval in approvals {
            let answers = approval.plan == self.plan
                && approval.at >= self.asked_at
                && approval.decision == Decision::Approve;
            if answers && !given.iter().any(|other| other.by.is_same_person(&approval.by)) {
                given.push(approval);
            }
        }
        given
    }

    /// Whose approval is there and how many are missing, when more than one is needed.
    #[must_use]
    pub fn people_words(&self, approvals: &[Approval]) -> Option<String> {
        if self.people < 2 {
            return None;
        }
        let given = self.given(approvals);
        let (have, need) = (given.len(), usize::try_from(self.people).unwrap_or(usize::MAX));
        let names = given.iter().map(|one| one.by.describe()).collect::<Vec<_>>().join(" and ");
        let missing = need.saturating_sub(have);
        Some(match (have, missing) {
            (0, _) => format!("nobody has approved yet; {need} different people must"),
            (_, 0) => format!("approved by {names}: {have} of {need} people"),
            (_, _) => format!(
                "approved by {names}: {have} of {need} people; missing: {missing} more, another person"
            ),
        })
    }
}

/// One object that is no longer as the plan saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// `namespace/Kind/name`.
    pub object: String,
    /// What moved.
    pub moved: Vec<DiffLine>,
    /// By which field manager and when, where managedFields says it.
    pub by: String,
    /// In one sentence, when it is not a field: `the object was deleted and made anew`.
    pub note: String,
}

/// What was checked just before a decision was put to the core. All three fail closed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Preflight {
    /// Objects that moved; not empty voids the plan.
    pub drift: Vec<Drift>,
    /// For each change whether the approver's own cluster permissions allow it, in words.
    pub permissions: Vec<PermissionCheck>,
    /// What could not be checked; not empty refuses the decision.
    pub unknown: Vec<String>,
    /// The stop annotation on the cluster's Lease, as it was just then.
    #[serde(default)]
    pub stopped: Option<String>,
}

/// One question of what a person may do on the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionCheck {
    /// `patch apps/deployments ledger-api in payments`.
    pub what: String,
    /// The API server's answer.
    pub allowed: bool,
    /// Its words.
    pub why: String,
}

/// What moved, in one sentence.
#[must_use]
pub fn drift_words(drift: &[Drift]) -> String {
    drift
        .iter()
        .map(|one| {
            if one.note.is_empty() {
                let fields =
                    one.moved.iter().map(|line| line.path.as_str()).collect::<Vec<_>>().join(", ");
                format!("{} changed ({fields})", one.object)
            } else {
                format!("{}: {}", one.object, one.note)
            }
        })
        .collect::<Vec<_>>()
        .join("; ")
}
