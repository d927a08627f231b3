//! Executions: one run of a plan.
//!
//! ```text
//! pending ─► running ─► done                 waiting, between looks at a condition
//!               ├─────► failed, timed_out    unknown ─► (probe) ─► running or done
//!               └─► unknown                  undoing ─► undone, undo_failed
//! pending ─► skipped (when, or a person)     pending ─► will_not_be_run { reason }
//! pending ─► asked ─► done, failed, timed_out
//! ```

use super::plan::{Plan, PlanStep};
use crate::domain::diagnosis::words;
use crate::domain::event::Outcome;
use crate::domain::id::{AttemptId, ExecutionId, PlanDigest, StepPath};
use crate::domain::steering::Ending;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
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
    /// A person is asked.
    Asked {
        /// When the question lapses.
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
            | Self::Asked { .. }
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

    /// Whether it is under way: begun, and not over.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self != Self::Pending && !self.is_final()
    }

    /// Whether it ended badly.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::TimedOut { .. } => true,
            Self::Pending
            | Self::Running
            | Self::Waiting { .. }
            | Self::Asked { .. }
            | Self::Done
            | Self::Unknown { .. }
            | Self::Skipped { .. }
            | Self::WillNotBeRun { .. }
            | Self::Undoing
            | Self::Undone
            | Self::UndoFailed { .. } => false,
        }
    }

    /// The tag under which it is stored, which is also its word in the JSON and in conditions.
    #[must_use]
    pub fn tag(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting { .. } => "waiting",
            Self::Asked { .. } => "asked",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::TimedOut { .. } => "timed_out",
            Self::Unknown { .. } => "unknown",
            Self::Skipped { .. } => "skipped",
            Self::WillNotBeRun { .. } => "will_not_be_run",
            Self::Undoing => "undoing",
            Self::Undone => "undone",
            Self::UndoFailed { .. } => "undo_failed",
        }
    }

    /// Why it is where it is, where there is a reason.
    #[must_use]
    pub fn why(&self) -> &str {
        match self {
            Self::Failed { why }
            | Self::TimedOut { why }
            | Self::Unknown { why }
            | Self::Skipped { why }
            | Self::WillNotBeRun { reason: why }
            | Self::UndoFailed { why } => why,
            Self::Waiting { seen, .. } => seen,
            Self::Pending
            | Self::Running
            | Self::Asked { .. }
            | Self::Done
            | Self::Undoing
            | Self::Undone => "",
        }
    }

    /// The word of SCREENS' state vocabulary.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting { .. } => "waiting",
            Self::Asked { .. } => "approval",
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

words!(
    /// What may pass: why the same request can go well later.
    Passing {
        /// Somebody else changed the object meanwhile.
        Conflict = "conflict",
        /// Too many requests at once.
        Throttled = "throttled",
        /// The server could not be reached, or had an error, before anything was sent.
        ServerError = "server-error",
        /// No answer in time, before anything was sent.
        Timeout = "timeout",
    }
);

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
        /// Of what kind it is, where it may pass and a server or the way to it said so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        passing: Option<Passing>,
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
    /// Position in the log of that outcome; what took effect later is undone earlier.
    #[serde(default)]
    pub ended_seq: u64,
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
    /// A step at the start of its run.
    #[must_use]
    pub fn of(step: &PlanStep) -> Self {
        let mut run = Self::pending();
        if let Some(why) = &step.skipped {
            run.state = StepState::Skipped { why: why.clone() };
        }
        run
    }

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// Steps of items that were found when their `for_each` began, by its path. The plan itself stays as it is.
    #[serde(default)]
    pub added: BTreeMap<StepPath, Vec<PlanStep>>,
    /// Why it is being undone, if it is.
    pub undo_why: Option<String>,
    /// How undoing ended: all undone, or not.
    pub undone: Option<bool>,
    /// That a person ends it, or takes it back.
    #[serde(default)]
    pub ending: Option<Ending>,
    /// How the case will be closed, once what ends with it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
}

/// See [`Execution::closing`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// How it will be closed.
    pub outcome: Outcome,
    /// In words.
    pub why: String,
}

impl Execution {
    /// The steps below a step, as they run: for items that are found late, those that were found; none before that.
    #[must_use]
    pub fn children<'a>(&'a self, step: &'a PlanStep) -> &'a [PlanStep] {
        match self.added.get(&step.path) {
            Some(found) => found,
            None if step.bounded().is_some() => &[],
            None => step.children(),
        }
    }

    /// A step, all below it and their rescues, as they run; parents before children.
    #[must_use]
    pub fn with_all_below<'a>(&'a self, step: &'a PlanStep) -> Vec<&'a PlanStep> {
        let mut out = vec![step];
        for below in self.children(step).iter().chain(step.rescue.as_deref()) {
            out.extend(self.with_all_below(below));
        }
        out
    }

    /// All steps of the run of this plan.
    #[must_use]
    pub fn all_steps<'a>(&'a self, plan: &'a Plan) -> Vec<&'a PlanStep> {
        plan.steps.iter().flat_map(|step| self.with_all_below(step)).collect()
    }

    /// One step of the run.
    #[must_use]
    pub fn step<'a>(&'a self, plan: &'a Plan, path: &StepPath) -> Option<&'a PlanStep> {
        fn find<'a>(
            run: &'a Execution,
            steps: impl Iterator<Item = &'a PlanStep>,
            path: &StepPath,
        ) -> Option<&'a PlanStep> {
            for step in steps {
                if step.path == *path {
                    return Some(step);
                }
                if path.is_below(&step.path) {
                    let below = run.children(step).iter().chain(step.rescue.as_deref());
                    return find(run, below, path);
                }
            }
            None
        }
        find(self, plan.steps.iter(), path)
    }

    /// Takes in the steps of a `for_each` that were found.
    pub fn add(&mut self, path: &StepPath, found: Vec<PlanStep>) {
        for step in found.iter().flat_map(PlanStep::fixed_below) {
            self.steps.insert(step.path.clone(), StepRun::of(step));
        }
        self.added.insert(path.clone(), found);
    }
}

/// The variable `steps` of conditions: each step by its id, with `state` (as in the JSON), `outcome` (the same once it is
/// over, else empty), `why` and `note` (the last thing it brought).
#[must_use]
pub fn seen_by_conditions(run: &Execution, steps: &BTreeMap<String, StepPath>) -> Value {
    let of = |path: &StepPath| {
        let step = run.steps.get(path)?;
        let state = step.state.tag();
        Some(json!({
            "state": state,
            "outcome": if step.state.is_final() { state } else { "" },
            "why": step.state.why(),
            "note": step.notes.last().map_or("", String::as_str),
        }))
    };
    let seen = steps.iter().filter_map(|(id, path)| Some((id.clone(), of(path)?)));
    Value::Object(seen.collect())
}
