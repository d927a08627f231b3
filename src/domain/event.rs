//! Events: what became true. The log of these is the truth; everything shown is a fold of them.
//!
//! Stored bytes are never rewritten. A changed payload gets a new `schema` number and an upcast in `decode`.

use super::advice::Advice;
use super::alert::Alert;
use super::approval::{Approval, ApprovalRequest, Drift, Preflight};
use super::breaker::{Destination, Move, Setting};
use super::diagnosis::Diagnosis;
use super::id::{AttemptId, ExecutionId, PlanDigest, RemediationId, StepPath};
use super::notify::{Addressed, ChannelName, Notice, Telling};
use super::principal::Principal;
use super::resource::ObjectKey;
use super::steering::{Steering, Wish};
use super::time::Timestamp;
use super::verdict::{Judgement, Sample};
use super::workflow::execution::{AttemptOutcome, Direction, StepState};
use super::workflow::plan::{Plan, PlanStep};
use serde::{Deserialize, Serialize};

/// Version of all payloads as written now.
pub const SCHEMA: u16 = 1;

/// What became true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum Event {
    /// An engine took the leases and drives.
    EngineStarted {
        /// `host/pid`.
        holder: String,
        /// Version of the program.
        version: String,
        /// The cluster's display name.
        cluster_name: String,
        /// Whether the cluster is simulated.
        simulated: bool,
    },
    /// A case was opened.
    Opened {
        /// The alert it was opened for.
        alert: Alert,
        /// Owner of the object that the alert names, where it could be read at intake.
        owner: Option<ObjectKey>,
    },
    /// A case was opened for a plan that a person asked for, without an alert.
    PlanAsked {
        /// Who.
        by: Principal,
        /// The object that the plan is about.
        target: ObjectKey,
        /// The template and its parameters.
        wish: Wish,
        /// Why; may be empty.
        reason: String,
    },
    /// A person wants the plan otherwise: the one that stood is void.
    Revised {
        /// Who.
        by: Principal,
        /// What is wanted now, all of it.
        wish: Wish,
        /// Why; may be empty.
        reason: String,
    },
    /// A person steered the case.
    Steered {
        /// Who.
        by: Principal,
        /// How.
        steering: Steering,
        /// Why; may be empty.
        reason: String,
    },
    /// An alert joined the open case of the same owner (or fingerprint); also updates of one already in it.
    AlertJoined {
        /// The alert, firing or resolved.
        alert: Alert,
    },
    /// An alert was recorded and no case was opened, for this reason.
    AlertIgnored {
        /// The alert.
        alert: Alert,
        /// Why.
        why: String,
    },
    /// The diagnosis was made.
    Diagnosed {
        /// It.
        diagnosis: Diagnosis,
    },
    /// Diagnosing or planning failed; it will be tried again, or a person has to look.
    Stuck {
        /// At what.
        during: String,
        /// Why.
        why: String,
        /// When it is tried again; `None`: not by itself.
        retry_at: Option<Timestamp>,
    },
    /// Advice was had for the plan that follows, or for one that could not be made.
    Advised {
        /// It, with what was said to a model and what it said.
        advice: Box<Advice>,
    },
    /// The plan was made.
    Planned {
        /// It.
        plan: Box<Plan>,
    },
    /// Policy refuses the plan, or the mode allows no approval: the plan is shown, not run.
    Withheld {
        /// Which.
        plan: PlanDigest,
        /// Why, in sentences.
        why: Vec<String>,
    },
    /// A decision is asked for.
    ApprovalRequested {
        /// The request.
        request: ApprovalRequest,
    },
    /// The objects moved: the plan's digest is no longer true.
    PlanVoided {
        /// Which.
        plan: PlanDigest,
        /// What moved.
        drift: Vec<Drift>,
    },
    /// Somebody decided.
    Decided {
        /// The decision.
        approval: Approval,
        /// What was checked just before.
        preflight: Preflight,
    },
    /// A decision or command was refused.
    CommandRefused {
        /// `approve`, `reject`, …
        command: String,
        /// The digest it named, if one.
        plan: Option<PlanDigest>,
        /// Who.
        by: Principal,
        /// The refusal's word: `stale`, `expired`, `decided`, `not_permitted`, …
        refusal: String,
        /// Why, in a sentence.
        why: String,
    },
    /// Nobody decided in time.
    Expired {
        /// Which plan.
        plan: PlanDigest,
    },
    /// The execution began.
    ExecutionStarted {
        /// Identity.
        execution: ExecutionId,
        /// The plan.
        plan: PlanDigest,
        /// Measured just before; `None` when it changes nothing.
        before: Option<Box<Sample>>,
    },
    /// A step changed its state.
    StepChanged {
        /// Which.
        path: StepPath,
        /// To what.
        state: StepState,
        /// What there is to say, if anything.
        note: String,
    },
    /// The items of a `for_each` were found as it began: its steps from now on. The plan stays as it is.
    ItemsFound {
        /// The `for_each`.
        path: StepPath,
        /// One step an item, those that are gone meanwhile left out with the reason.
        steps: Vec<PlanStep>,
    },
    /// Somebody decided on a step that asks.
    StepDecided {
        /// Which.
        path: StepPath,
        /// The decision.
        approval: Approval,
        /// What was checked just before.
        preflight: Preflight,
    },
    /// The intent of one attempt. Durable before anything is sent.
    AttemptStarted {
        /// Step.
        path: StepPath,
        /// Identity, left on the object.
        attempt: AttemptId,
        /// Which operation of the step.
        operation: usize,
        /// Plan or undo.
        direction: Direction,
    },
    /// What became of an attempt.
    AttemptEnded {
        /// Step.
        path: StepPath,
        /// Which attempt.
        attempt: AttemptId,
        /// How.
        outcome: AttemptOutcome,
    },
    /// Undoing began.
    UndoStarted {
        /// Why.
        why: String,
    },
    /// The case would be closed now: what ends with it is taken back first.
    Closing {
        /// How it will be closed.
        outcome: Outcome,
        /// In words.
        why: String,
    },
    /// The execution (and undoing, if any) ended.
    ExecutionEnded {
        /// `None`: no undo; else whether all was undone.
        undone: Option<bool>,
        /// Whether all steps succeeded.
        succeeded: bool,
        /// In words.
        why: String,
    },
    /// The verdict.
    Judged {
        /// It, with samples and checks.
        judgement: Judgement,
    },
    /// The case is closed.
    Closed {
        /// How.
        outcome: Outcome,
        /// In words.
        why: String,
    },
    /// A person took charge of what needs one.
    Claimed {
        /// Who.
        by: Principal,
    },
    /// Everything stops.
    Stopped {
        /// Who, in one line.
        by: String,
        /// Why.
        reason: String,
    },
    /// The stop is lifted.
    Started {
        /// Who, in one line.
        by: String,
        /// Why.
        reason: String,
    },
    /// A breaker changed its state by itself.
    BreakerMoved(Move),
    /// A person set a breaker, or its time ended.
    BreakerSet {
        /// In front of what.
        destination: Destination,
        /// How it goes from now on.
        setting: Setting,
        /// Who, in one line.
        by: String,
        /// Why.
        reason: String,
        /// Until when; `None`: until somebody takes it back.
        until: Option<Timestamp>,
    },
    /// People are to be told, over these channels. Its position is the notice's number.
    Noticed {
        /// What.
        notice: Box<Notice>,
        /// For a reminder: when the request was asked that it reminds of.
        #[serde(default)]
        reminds_of: Option<Timestamp>,
        /// Over which channels, and from when on.
        to: Vec<Addressed>,
    },
    /// A channel was tried.
    Told {
        /// Which.
        channel: ChannelName,
        /// Numbers of the notices that it was to carry.
        notices: Vec<u64>,
        /// What came of it.
        outcome: Telling,
    },
    /// A person has dead letters tried again.
    PutBack {
        /// Who, in one line.
        by: String,
        /// For which channel.
        channel: ChannelName,
        /// Their numbers.
        notices: Vec<u64>,
    },
    /// The cluster behind the connection is not the pinned one: writes are off.
    IdentityMismatch {
        /// What is there now.
        found: String,
    },
}

/// How a case was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Effective.
    Effective,
    /// No effect.
    Ineffective,
    /// Made worse.
    Regressed,
    /// Can't be told.
    Inconclusive,
    /// A person was told.
    HandedOver,
    /// The plan was rejected.
    Rejected,
    /// A person cancelled.
    Cancelled,
    /// The execution failed.
    Failed,
    /// It got well by itself, is gone, or is no fault.
    Recovered,
    /// It is the same problem as another case: an open one, or one of the same episode in which a person rejected
    /// the same plan or was told the same.
    Merged {
        /// Which.
        into: RemediationId,
    },
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Effective => "effective",
            Self::Ineffective => "ineffective",
            Self::Regressed => "regressed",
            Self::Inconclusive => "inconclusive",
            Self::HandedOver => "handed_over",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
            Self::Recovered => "recovered",
            Self::Merged { .. } => "merged",
        }
    }
}

/// An event with everything that its envelope says about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded {
    /// Position in the stream; 0 while it is not stored yet.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// Who, in one line.
    pub by: String,
    /// What led to it.
    pub cause: String,
    /// The remediation it belongs to.
    pub subject: Option<RemediationId>,
    /// What.
    pub event: Event,
}

/// Why a stored event can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a later release.
    #[error(
        "event kind `{kind}` schema {schema} is not known to this release: upgrade, or look only"
    )]
    UnknownKind {
        /// The kind.
        kind: String,
        /// Its schema.
        schema: u16,
    },
    /// The bytes are not what the kind says.
    #[error("event of kind `{kind}` can't be read: {why}")]
    Malformed {
        /// The kind.
        kind: String,
        /// The parser's words.
        why: String,
    },
}

impl Event {
    /// Whether it is about telling people: it is in a case's record, and nothing that happens to the case.
    #[must_use]
    pub fn tells(&self) -> bool {
        matches!(self, Self::Noticed { .. } | Self::Told { .. } | Self::PutBack { .. })
    }

    /// Kind and payload as stored.
    ///
    /// # Errors
    /// When a value in it has no JSON form.
    pub fn encode(&self) -> Result<(String, Vec<u8>), serde_json::Error> {
        let value = serde_json::to_value(self)?;
        let kind = value.get("kind").and_then(|kind| kind.as_str()).unwrap_or_default().to_string();
        let payload = serde_json::to_vec(value.get("payload").unwrap_or(&serde_json::Value::Null))?;
        Ok((kind, payload))
    }

    /// Reads a stored payload.
    ///
    /// # Errors
    /// When the kind is unknown or the bytes don't fit it.
    pub fn decode(kind: &str, schema: u16, payload: &[u8]) -> Result<Self, DecodeError> {
        if schema != SCHEMA {
            return Err(DecodeError::UnknownKind { kind: kind.into(), schema });
        }
        let malformed = |why: String| DecodeError::Malformed { kind: kind.into(), why };
        let payload = serde_json::from_slice::<serde_json::Value>(payload)
            .map_err(|e| malformed(e.to_string()))?;
        let tagged = serde_json::json!({ "kind": kind, "payload": payload });
        serde_json::from_value(tagged).map_err(|error| {
            let why = error.to_string();
            if why.starts_with("unknown variant") {
                DecodeError::UnknownKind { kind: kind.into(), schema }
            } else {
                malformed(why)
            }
        })
    }

    /// The kind's word.
    #[must_use]
    pub fn kind(&self) -> String {
        self.encode().map(|(kind, _)| kind).unwrap_or_default()
    }
}
