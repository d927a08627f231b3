//! The form of a report: the field names are the contract `pilothouse/v1`.

use crate::domain::advice::Advice;
use crate::domain::alert::AlertStatus;
use crate::domain::approval::{Approval, ApprovalRequest, Drift};
use crate::domain::diagnosis::{Cause, MadeBy, Pattern, Weighed};
use crate::domain::evidence::Fact;
use crate::domain::id::{AttemptId, ClusterId, ExecutionId, PlanDigest, RemediationId, StepPath};
use crate::domain::memory::Recalled;
use crate::domain::operation::{DiffLine, FieldChange, PreviewLabel};
use crate::domain::remediation::{State, StuckAt};
use crate::domain::resource::ObjectKey;
use crate::domain::steering::{Held, Wish};
use crate::domain::time::Timestamp;
use crate::domain::verdict::Sample;
use crate::domain::workflow::execution::Direction;
use crate::domain::workflow::history::History;
use crate::domain::workflow::plan::{Blast, Manager, OnFailure, Risk, TemplateRef, Verification};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Version of the JSON form.
pub const REPORT_SCHEMA: &str = "pilothouse/v1";

/// What the case itself does not know.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    /// The cluster's display name; empty: not known.
    pub cluster_name: String,
    /// Scenario and seed in words when the cluster is simulated.
    pub simulated: Option<String>,
    /// Head of the log when the report was made: position and hash.
    pub head: Option<(u64, String)>,
    /// How long steps usually take.
    pub history: Arc<History>,
}

/// An object, with its uid where that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ObjectLine {
    /// Kind and place.
    #[serde(flatten)]
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: Option<String>,
}

/// One alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertLine {
    /// Identity.
    pub fingerprint: String,
    /// `alertname`.
    pub name: String,
    /// Firing or resolved.
    pub status: AlertStatus,
    /// The object that its labels name; empty: none.
    pub object: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Since when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Option<Timestamp>,
}

/// One change of a step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChangeLine {
    /// `patch`, `delete`, `evict`, `create`.
    pub op: &'static str,
    /// Which object.
    pub object: ObjectLine,
    /// What changes.
    pub diff: Vec<DiffLine>,
    /// Where the diff comes from.
    pub preview: PreviewLabel,
}

/// One step of the plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanStepLine {
    /// The author's id.
    pub id: String,
    /// Where it stands: `2.1`.
    pub path: StepPath,
    /// In a few words.
    pub title: String,
    /// The template's word: `action`, `wait_for`, `subflow`, `steps`, `parallel`,
    /// `for_each`, `branch`, `approval`, `notify`, `hand_over`.
    pub kind: &'static str,
    /// Catalogue action, where it is one.
    pub action: Option<String>,
    /// What it acts on.
    pub target: Option<ObjectKey>,
    /// Parameters.
    pub params: BTreeMap<String, Value>,
    /// What it changes; empty: nothing.
    pub changes: Vec<ChangeLine>,
    /// What takes it back; `null`: nothing can, or nothing needs to.
    pub undo: Option<Vec<UndoLine>>,
    /// What it waits for, the message to a person, or the subflow's template, in words.
    pub detail: Option<String>,
    /// Seconds that it may take.
    pub timeout_s: u64,
    /// How often it may be tried.
    pub attempts: u32,
    /// What happens when it fails.
    pub on_failure: OnFailure,
    /// Why it is left out.
    pub skipped: Option<String>,
}

/// One change that takes a step back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UndoLine {
    /// `patch` (fields go back) or `unmake` (what was created goes).
    pub op: &'static str,
    /// Which object.
    pub object: ObjectLine,
    /// The fields, each from the value that we set to the value that was there.
    pub fields: Vec<FieldChange>,
}

/// The plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanLine {
    /// Identity, whole.
    pub digest: PlanDigest,
    /// In a few words.
    pub title: String,
    /// How dangerous.
    pub risk: Risk,
    /// Why that risk.
    pub risk_why: Vec<String>,
    /// Parameters.
    pub params: BTreeMap<String, Value>,
    /// Steps, parents before children.
    pub steps: Vec<PlanStepLine>,
    /// How it is undone, in words.
    pub undo: String,
    /// Whom it touches.
    pub blast: Blast,
    /// Who else manages the target.
    pub managers: Vec<Manager>,
    /// How success is judged.
    pub verification: Verification,
    /// What remains if it is stopped.
    pub left_if_stopped: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// What memory said of past cases that are like this one, when it was made; `null`: it was not asked.
    pub recalled: Option<Recalled>,
}

/// A plan that was voided.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VoidedLine {
    /// Which.
    pub digest: PlanDigest,
    /// In a few words.
    pub title: String,
    /// When.
    pub at: Timestamp,
    /// What moved.
    pub drift: Vec<Drift>,
}

/// One try.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AttemptLine {
    /// Identity, as left on the object.
    pub id: AttemptId,
    /// Which operation of the step, from 0.
    pub operation: usize,
    /// Plan or undo.
    pub direction: Direction,
    /// When the intent was written.
    pub started_at: Timestamp,
    /// When the outcome was written.
    pub ended_at: Option<Timestamp>,
    /// `applied`, `seen_done`, `seen_not_done`, `refused`, `no_answer`, `cant_tell`, or `under_way`.
    pub outcome: &'static str,
    /// In words.
    pub why: String,
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepLine {
    /// The author's id.
    pub id: String,
    /// Where it stands.
    pub path: StepPath,
    /// In a few words.
    pub title: String,
    /// `pending`, `running`, `done`, …
    pub state: &'static str,
    /// The state with its reason.
    pub why: String,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its tries.
    pub attempts: Vec<AttemptLine>,
    /// What it brought.
    pub notes: Vec<String>,
    /// Of a step that holds others: its leaf steps that are over, and all of them.
    pub progress: Option<ProgressLine>,
}

/// How far something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ProgressLine {
    /// Leaf steps that are over.
    pub done: u16,
    /// All leaf steps that will run.
    pub of: u16,
}

/// How much time is left, from the durations of earlier steps of the kind, as of the report's `updated_at`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimeLeftLine {
    /// When the steps that have a history will be over; `null`: none of those that are left has one.
    pub ends_about: Option<Timestamp>,
    /// The fewest earlier runs that any of them is known from; `null`: no history yet.
    pub from_runs: Option<usize>,
    /// Steps that are left and have no history: it is a lower bound then.
    pub steps_without_history: usize,
    /// Steps that are left and wait for a person's answer.
    pub answers_of_people: usize,
    /// Whether a step takes longer than it usually does.
    pub longer_than_usual: bool,
    /// The same in words.
    pub words: String,
}

/// What people were told in the run, by a step for that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldLine {
    /// By which step.
    pub path: StepPath,
    /// When.
    pub at: Timestamp,
    /// Where: `log` (this log, and all who watch it), or the name of a channel.
    pub to: &'static str,
    /// What.
    pub message: String,
}

/// The run of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExecutionLine {
    /// Identity.
    pub id: ExecutionId,
    /// `running`, `undoing`, `done`, `failed`, `undone` or `undo_failed`.
    pub state: &'static str,
    /// When it started.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why it was undone.
    pub undo_why: Option<String>,
    /// How far it is.
    pub progress: ProgressLine,
    /// How much time is left; `null` once it is over or is being undone.
    pub time_left: Option<TimeLeftLine>,
    /// What people were told.
    pub told: Vec<ToldLine>,
    /// Steps, parents before children.
    pub steps: Vec<StepLine>,
}

/// How it came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerdictLine {
    /// `effective`, `ineffective`, `regressed`, `inconclusive`, `handed_over`; for a case that was closed without a
    /// verdict `rejected`, `cancelled`, `failed`, `recovered` or `merged`.
    pub outcome: String,
    /// Why.
    pub why: String,
    /// Each check with its result.
    pub checks: Vec<(String, String)>,
    /// Before the first step.
    pub before: Option<Box<Sample>>,
    /// After the settle time.
    pub after: Option<Box<Sample>>,
}

/// One line of the timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TimelineLine {
    /// Position in the log.
    pub event: u64,
    /// When.
    pub at: Timestamp,
    /// Who, in one line.
    pub by: String,
    /// Kind of event.
    pub kind: String,
    /// In a sentence.
    pub text: String,
    /// Whether a brief account may leave it out (a later line says how it ended).
    #[serde(skip)]
    pub minor: bool,
}

/// Where the case stands in the audit chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditLine {
    /// Position of its first event.
    pub first_event: u64,
    /// Position of its last event.
    pub last_event: u64,
    /// Position of the log's head when the report was made.
    pub head_event: Option<u64>,
    /// Hash of that head.
    pub head_hash: Option<String>,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// [`REPORT_SCHEMA`].
    pub schema: &'static str,
    /// Identity, whole.
    pub id: RemediationId,
    /// Where it is.
    pub state: State,
    /// Whether a person has to act.
    pub needs_person: bool,
    /// How it was closed; `null` while it is open.
    pub outcome: Option<String>,
    /// The cluster's name (its uid when no name is known).
    pub cluster: String,
    /// uid of its kube-system namespace.
    pub cluster_uid: ClusterId,
    /// Whether the cluster is simulated.
    pub simulated: bool,
    /// Scenario and seed.
    pub simulation: Option<String>,
    /// What it is about.
    pub target: Option<ObjectLine>,
    /// The container in question.
    pub container: Option<String>,
    /// Kind of trouble.
    pub pattern: Option<Pattern>,
    /// Why.
    pub cause: Option<Cause>,
    /// 0 to 1.
    pub confidence: Option<f64>,
    /// Who made the diagnosis.
    pub made_by: Option<MadeBy>,
    /// The diagnosis in one sentence.
    pub summary: String,
    /// Facts.
    pub evidence: Vec<Fact>,
    /// Causes that were weighed.
    pub weighed: Vec<Weighed>,
    /// Alerts.
    pub alerts: Vec<AlertLine>,
    /// The newest advice, with the plan that was made from it and what was said to a model; `null`: none.
    pub advice: Option<Advice>,
    /// Template.
    pub template: Option<TemplateRef>,
    /// The plan that stands.
    pub plan: Option<PlanLine>,
    /// The last plan that was voided.
    pub voided: Option<VoidedLine>,
    /// The open or last request.
    pub request: Option<ApprovalRequest>,
    /// Why the plan is withheld.
    pub withheld: Vec<String>,
    /// What it could not get past.
    pub stuck: Option<StuckAt>,
    /// Decisions: who, from where, by which gesture, on which digest.
    pub approvals: Vec<Approval>,
    /// The run.
    pub execution: Option<ExecutionLine>,
    /// When the settle time ends.
    pub settle_until: Option<Timestamp>,
    /// How it came out.
    pub verdict: Option<VerdictLine>,
    /// The object that a person asked a plan for; `null`: opened by an alert.
    pub asked_for: Option<ObjectKey>,
    /// How a person wants the plan to be, if one said so.
    pub wish: Option<Wish>,
    /// Who paused it or took it over, why and since when.
    pub held: Option<Held>,
    /// Who claimed it.
    pub claimed_by: Option<String>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When its last event was.
    pub updated_at: Timestamp,
    /// What happened, in order.
    pub timeline: Vec<TimelineLine>,
    /// Audit-chain position.
    pub audit: AuditLine,
}
