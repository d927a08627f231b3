//! Executions: one run of a plan.
//!
//! ```text
//! pending ─► running ─► done                 waiting, between looks at a condition
//!               ├─────► failed, timed_out    unknown ─► (probe) ─► running or done
//!               └─► unknown                  undoing ─► undone, undo_failed
//! pending ─► skipped (when, or a person)     pending ─► will_not_be_run { reason }
//! ```

use crate::domain::id::{AttemptId, ExecutionId, PlanDigest, StepPath};
use crate::domain::steering::Ending;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum StepState {
    /// Not yet.
    Pending,
    /// Under way.
    Running,
    /// Waiting for a condition.
    Waiting {
        /// What was seen at the last look, in words.
        seen: String,
        /// When it gives up.
        until: Timestamp,
    },
    /// Confirmed.
    Done,
    /// Failed, for this reason.
    Failed {
        /// Why.
        why: String,
    },
    /// Its deadline passed.
    TimedOut {
        /// What was still missing.
        why: String,
    },
    /// Sent, no answer; being observed.
    Unknown {
        /// What happened to the request.
        why: String,
    },
    /// Left out by `when` or a person.
    Skipped {
        /// Why.
        why: String,
    },
    /// Will never start.
    WillNotBeRun {
        /// Why.
        reason: String,
    },
    /// Undo in progress.
    Undoing,
    /// Undone, confirmed.
    Undone,
    /// Undo was not possible; what the object holds now was left alone.
    UndoFailed {
        /// Why.
        why: String,
    },
}

impl StepState {
    /// Whether it ended (for the forward run).
    #[must_use]
    pub fn is_final(&self) -> bool {
        match self {
            Self::Pending
            | Self::Running
            | Self::Waiting { .. }
            | Self::Unknown { .. }
            | Self::Undoing => false,
            Self::Done
            | Self::Failed { .. }
            | Self::TimedOut { .. }
            | Self::Skipped { .. }
            | Self::WillNotBeRun { .. }
            | Self::Undone
            | Self::UndoFailed { .. } => true,
        }
    }

    /// The word of SCREENS' state vocabulary.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting { .. } => "waiting",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::TimedOut { .. } => "timed out",
            Self::Unknown { .. } => "unknown",
            Self::Skipped { .. } => "skipped",
            Self::WillNotBeRun { .. } => "won't run",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::UndoFailed { .. } => "failed",
        }
    }
}

/// Which way an attempt goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The plan.
    Forward,
    /// Its undo.
    Undo,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The server confirmed it.
    Applied {
        /// What the server said, e.g. the new resourceVersion; or what was read.
        note: String,
    },
    /// After no answer or a crash: it was seen on the object.
    SeenDone {
        /// Where.
        note: String,
    },
    /// After no answer or a crash: it was seen not to have happened.
    SeenNotDone {
        /// Where.
        note: String,
    },
    /// The server, or a precondition, said no; nothing changed.
    Refused {
        /// Its words.
        why: String,
        /// Whether trying again may help (conflict, throttled, server error before acting).
        retryable: bool,
    },
    /// A rule of the cluster (a disruption budget) does not allow it now; nothing changed. An answer, not a failure: it
    /// is asked again until the step's time is over.
    Held {
        /// The rule's words.
        why: String,
    },
    /// It ran to its end and says itself that it failed; what it changed by then is not known.
    Failed {
        /// Its words.
        why: String,
    },
    /// No answer; what happened is not known.
    NoAnswer {
        /// What is known.
        why: String,
    },
    /// It can't be found out. A person has to look.
    CantTell {
        /// Why.
        why: String,
    },
}

/// One try at one operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Left on the object.
    pub id: AttemptId,
    /// Which operation of the step, from 0.
    pub operation: usize,
    /// Plan or undo.
    pub direction: Direction,
    /// When the intent was written.
    pub started_at: Timestamp,
    /// When the outcome was written.
    pub ended_at: Option<Timestamp>,
    /// The last outcome known.
    pub outcome: Option<AttemptOutcome>,
}

impl Attempt {
    /// Whether the operation is on the cluster.
    #[must_use]
    pub fn took_effect(&self) -> bool {
        matches!(
            &self.outcome,
            Some(AttemptOutcome::Applied { .. } | AttemptOutcome::SeenDone { .. })
        )
    }

    /// Whether it is not known what happened: no outcome, or no answer.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(&self.outcome, None | Some(AttemptOutcome::NoAnswer { .. }))
    }
}

/// What is known of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRun {
    /// Where it is.
    pub state: StepState,
    /// When it started.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Its attempts, in order.
    pub attempts: Vec<Attempt>,
    /// Attempts before this one count only where they took effect: a person had the step tried again.
    #[serde(default)]
    pub counted_from: usize,
    /// Seconds in which it was held, which are no part of the time that it has.
    #[serde(default)]
    pub held_s: u64,
    /// What it brought (names of collected evidence, what was confirmed), in words.
    pub notes: Vec<String>,
}

impl StepRun {
    /// A step that has not started.
    #[must_use]
    pub fn pending() -> Self {
        Self {
            state: StepState::Pending,
            started_at: None,
            ended_at: None,
            attempts: Vec::new(),
            counted_from: 0,
            held_s: 0,
            notes: Vec::new(),
        }
    }
}

impl StepRun {
    /// The attempts that count: all since a person had it tried again, and those before it that took effect.
    pub fn counted(&self) -> impl Iterator<Item = &Attempt> {
        let since = self.counted_from;
        let counts = move |(index, attempt): &(usize, &Attempt)| {
            *index >= since || attempt.took_effect() || attempt.is_open()
        };
        self.attempts.iter().enumerate().filter(counts).map(|(_, attempt)| attempt)
    }
}

/// One run of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Identity.
    pub id: ExecutionId,
    /// The plan that runs.
    pub plan: PlanDigest,
    /// When it started.
    pub started_at: Timestamp,
    /// When the last step ended.
    pub ended_at: Option<Timestamp>,
    /// Each step by path (subflow steps too).
    pub steps: BTreeMap<StepPath, StepRun>,
    /// Why it is being undone, if it is.
    pub undo_why: Option<String>,
    /// How undoing ended: all undone, or not.
    pub undone: Option<bool>,
    /// That a person ends it, or takes it back.
    #[serde(default)]
    pub ending: Option<Ending>,
}
