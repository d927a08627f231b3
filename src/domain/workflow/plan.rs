//! Plans: a template made concrete. Immutable; identified by its digest.

use super::bounded::Bounded;
use crate::domain::diagnosis::{Cause, Pattern, words};
use crate::domain::digest::canonical_sha256;
use crate::domain::id::{ClusterId, PlanDigest};
use crate::domain::memory::Recalled;
use crate::domain::operation::{CATALOGUE_VERSION, Operation};
use crate::domain::resource::ObjectRef;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

pub use super::step::{Condition, Lanes, OnFailure, PlanStep, PlannedOperation, StepKind, When};

words!(
    /// How much harm a plan could do; decides the gesture.
    Risk {
        /// `y`.
        Low = "low",
        /// A chord.
        Medium = "medium",
        /// Type the target's name.
        High = "high",
        /// Two people.
        Critical = "critical",
    }
);

impl Risk {
    /// One level more.
    #[must_use]
    pub fn raised(self) -> Self {
        match self {
            Self::Low => Self::Medium,
            Self::Medium => Self::High,
            Self::High | Self::Critical => Self::Critical,
        }
    }
}

words!(
    /// Class of cluster action, for permissions.
    ActionClass {
        /// Reading and keeping.
        Collect = "collect",
        /// Restart and roll back.
        Restart = "restart",
        /// Replica counts.
        Scale = "scale",
        /// Cordon and drain.
        Drain = "drain",
        /// Requests and limits.
        Limits = "limits",
        /// Network objects.
        Network = "network",
        /// Volumes and claims.
        Storage = "storage",
        /// Secrets.
        Secrets = "secrets",
    }
);

/// Which template, exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRef {
    /// Name.
    pub name: String,
    /// Version, as its author counts.
    pub version: u32,
    /// SHA-256 of its text.
    pub digest: String,
}

/// One figure that is measured before and after.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measure {
    /// Name, as conditions use it.
    pub name: String,
    /// PromQL.
    pub promql: String,
    /// Unit for display: `bytes`, `1/h`, ….
    pub unit: String,
}

/// One check of the verification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// In words.
    pub describe: String,
    /// CEL over `before`, `after` (see `verdict::Sample`).
    pub cel: String,
}

/// How it is found out whether it worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Seconds to wait after the last step.
    pub settle_s: u64,
    /// All must hold for *effective*.
    pub effective_when: Vec<Check>,
    /// Any that holds makes it *regressed*.
    pub regressed_when: Vec<Check>,
    /// Figures to measure.
    pub measures: Vec<Measure>,
    /// Whether a regression undoes by itself.
    pub undo_on_regression: bool,
}

/// Who else writes this object, and would revert a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manager {
    /// `Argo CD`, `Flux`, `Helm`, `operator`.
    pub kind: String,
    /// Which one: application, release, owner.
    pub name: String,
    /// Whether it would revert the change by itself.
    pub reverts: bool,
    /// Where that is written: `annotation argocd.argoproj.io/tracking-id`.
    pub source: String,
    /// What this plan does about it, or why it need not: `suspended by step 0, resumed after verification`. Empty while
    /// nothing is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub handling: String,
}

/// Whom it touches.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blast {
    /// Pods that restart or go.
    pub pods: u32,
    /// `namespace/Kind/name` of owners.
    pub owners: Vec<String>,
    /// Services whose endpoints are touched.
    pub services: Vec<String>,
    /// Disruption budgets, each with what it allows: `ledger: 0 of 1 free now`.
    pub budgets: Vec<String>,
    /// Autoscalers, quotas and other things that react, in sentences.
    pub notes: Vec<String>,
    /// What could not be found out; not empty turns approving off.
    pub unknown: Vec<String>,
    /// Why it can't work as things are (admission, permission of the engine's credential); not empty turns approving
    /// off.
    #[serde(default)]
    pub blockers: Vec<String>,
}

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Identity; see [`Plan::compute_digest`].
    pub digest: PlanDigest,
    /// On which cluster.
    pub cluster: ClusterId,
    /// What it is about; `None` only when it just tells a person.
    pub target: Option<ObjectRef>,
    /// Pattern it was made for.
    pub pattern: Pattern,
    /// Cause it was made for.
    pub cause: Cause,
    /// Template it was made from.
    pub template: TemplateRef,
    /// Resolved parameters.
    pub params: BTreeMap<String, Value>,
    /// In a few words: `raise memory limit of app 512Mi → 768Mi`.
    pub title: String,
    /// How dangerous.
    pub risk: Risk,
    /// Why that risk: base and each raise.
    pub risk_why: Vec<String>,
    /// The steps.
    pub steps: Vec<PlanStep>,
    /// How it is undone, in words.
    pub undo: String,
    /// Whom it touches.
    pub blast: Blast,
    /// How success is judged.
    pub verification: Verification,
    /// Who else manages the target.
    pub managers: Vec<Manager>,
    /// What remains if the execution is stopped at each safe point, in words.
    pub left_if_stopped: String,
    /// Seconds that an approval request for it stays open.
    pub expires_s: u64,
    /// When it was made.
    pub made_at: Timestamp,
    /// Under which digest the store keeps what was read for it, while it does. Not part of its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<String>,
    /// What memory said of past cases when it was made; `None`: it was not asked. Not part of its digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalled: Option<Recalled>,
}

impl Plan {
    /// All steps, parents before children.
    #[must_use]
    pub fn all_steps(&self) -> Vec<&PlanStep> {
        self.steps.iter().flat_map(PlanStep::with_all_below).collect()
    }

    /// The same without what stands below a bound.
    #[must_use]
    pub fn fixed_steps(&self) -> Vec<&PlanStep> {
        self.steps.iter().flat_map(PlanStep::fixed_below).collect()
    }

    /// The operations that are known to the last field: those of items that are found later are not among them.
    pub fn fixed_operations(&self) -> impl Iterator<Item = (&PlanStep, &PlannedOperation)> {
        self.fixed_steps()
            .into_iter()
            .filter(|step| step.skipped.is_none())
            .flat_map(|step| step.operations().iter().map(move |operation| (step, operation)))
    }

    /// All operations of all steps that may run, in order.
    pub fn operations(&self) -> impl Iterator<Item = (&PlanStep, &PlannedOperation)> {
        self.all_steps()
            .into_iter()
            .filter(|step| step.skipped.is_none())
            .flat_map(|step| step.operations().iter().map(move |operation| (step, operation)))
    }

    /// Whether it changes the cluster at all.
    #[must_use]
    pub fn mutates(&self) -> bool {
        let bounded = |step: &&PlanStep| {
            step.skipped.is_none() && step.bounded().is_some_and(|bounded| bounded.mutates)
        };
        self.operations().any(|(_, planned)| planned.operation.mutates())
            || self.all_steps().iter().any(bounded)
    }

    /// Permission classes that running it needs.
    #[must_use]
    pub fn classes(&self) -> Vec<ActionClass> {
        let mut classes = self
            .all_steps()
            .into_iter()
            .filter(|step| step.skipped.is_none())
            .flat_map(|step| match &step.kind {
                StepKind::Action { class, .. } => vec![*class],
                StepKind::ForEach { bounded: Some(bounded), .. } => bounded.classes.clone(),
                StepKind::WaitFor { .. }
                | StepKind::Subflow { .. }
                | StepKind::Steps { .. }
                | StepKind::Parallel { .. }
                | StepKind::ForEach { .. }
                | StepKind::Branch { .. }
                | StepKind::Approval { .. }
                | StepKind::Notify { .. }
                | StepKind::HandOver { .. } => Vec::new(),
            })
            .collect::<Vec<_>>();
        classes.sort();
        classes.dedup();
        classes
    }

    /// The digest of what this plan does.
    ///
    /// Covers: cluster, target identity (with uid), the kind and order of steps, every operation with the object's
    /// uid, the prior and the new value of each touched field and of each guard, the template's digest, the risk,
    /// verification (it decides the automatic undo), and the catalogue version. Never: times, resourceVersion,
    /// generation, replica counts, status, evidence (nor which pods it is collected from), rendered diffs, blast radius.
    /// Of a bounded `for_each` the rule, its bound and what is done to each item, not which items there are now.
    ///
    /// # Errors
    /// When a value has no JSON form.
    pub fn compute_digest(&self) -> Result<PlanDigest, serde_json::Error> {
        let steps = self
            .fixed_steps()
            .into_iter()
            .map(|step| {
                let effect = match &step.kind {
                    StepKind::Action { action, target, operations, class, .. } => serde_json::json!({
                        "action": action,
                        "target": target,
                        "class": class,
                        "operations": operations.iter().map(|o| effect_of(&o.operation)).collect::<Vec<_>>(),
                        "undo": operations.iter().map(|o| &o.undo).collect::<Vec<_>>(),
                    }),
                    StepKind::WaitFor { condition } => serde_json::json!({ "wait_for": condition }),
                    StepKind::Subflow { template, .. } => serde_json::json!({ "subflow": template.digest }),
                    StepKind::Steps { .. } => serde_json::json!({ "steps": true }),
                    StepKind::Parallel { lanes, .. } => serde_json::json!({ "parallel": lanes }),
                    StepKind::Branch { .. } => serde_json::json!({ "branch": true }),
                    StepKind::ForEach { lanes, bounded, .. } => serde_json::json!({
                        "for_each": lanes,
                        "bounded": bounded.as_deref().map(Bounded::effect),
                    }),
                    StepKind::Approval { message, risk } => {
                        serde_json::json!({ "approval": message, "risk": risk })
                    }
                    StepKind::Notify { .. } => serde_json::json!({ "notify": true }),
                    StepKind::HandOver { goes_on: false, .. } => {
                        serde_json::json!({ "hand_over": true })
                    }
                    StepKind::HandOver { goes_on: true, .. } => {
                        serde_json::json!({ "hand_over": "continue" })
                    },
                };
                serde_json::json!({
                    "path": step.path,
                    "effect": effect,
                    "skipped": step.skipped.is_some(),
                    "attempts": step.attempts,
                    "on_failure": step.on_failure,
                    "timeout_s": step.timeout_s,
                    "retry": step.retry,
                    "when": step.when,
                    "rescue": step.rescue.is_some(),
                    "item": step.item,
                })
            })
            .collect::<Vec<_>>();
        canonical_sha256(&serde_json::json!({
            "catalogue": CATALOGUE_VERSION,
            "cluster": self.cluster,
            "target": self.target,
            "template": self.template.digest,
            "risk": self.risk,
            "verification": self.verification,
            "steps": steps,
        }))
        .map(PlanDigest::new)
    }
}

/// What an operation adds to the digest. Of collecting only that it is done: what is read follows the pods that exist,
/// and a pod that was replaced makes no other plan.
fn effect_of(operation: &Operation) -> Value {
    match operation {
        Operation::Patch { .. }
        | Operation::Delete { .. }
        | Operation::Evict { .. }
        | Operation::Create { .. }
        | Operation::Unmake { .. }
        | Operation::Rotate(_)
        | Operation::Silence(_)
        | Operation::Exec(_)
        | Operation::Await(_) => serde_json::json!(operation),
        Operation::Collect { .. } => serde_json::json!({ "op": "collect" }),
    }
}
