//! Work that the core finds due, and what comes back of it.

use crate::domain::advice::Advice;
use crate::domain::alert::Alert;
use crate::domain::approval::{Drift, Preflight};
use crate::domain::breaker::Move;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::effectiveness::Record;
use crate::domain::id::{AttemptId, PlanDigest, RemediationId, StepPath};
use crate::domain::notify::ChannelName;
use crate::domain::operation::Operation;
use crate::domain::remediation::Remediation;
use crate::domain::resource::{ObjectKey, ObjectRef};
use crate::domain::steering::Wish;
use crate::domain::time::Timestamp;
use crate::domain::verdict::Sample;
use crate::domain::workflow::bounded::Bounded;
use crate::domain::workflow::execution::{AttemptOutcome, Direction};
use crate::domain::workflow::plan::{Condition, Plan, PlanStep, Verification};
use crate::engine::command::{Refusal, Request};
use crate::ports::cluster::Probe;
use std::sync::Arc;

/// What kind of work, for telling jobs apart: at most one of each runs for one case, or for one step of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum JobKind {
    /// Diagnose.
    Diagnose,
    /// Plan.
    Plan,
    /// Compare the objects with the plan that waits.
    WatchDrift,
    /// Check and measure just before the first step.
    Begin,
    /// Send one operation.
    Send,
    /// Look what became of one.
    Probe,
    /// Look at a condition.
    Look,
    /// Find the items of a step that begins.
    FindItems,
    /// Measure after the settle time.
    Assess,
}

/// Identity of a job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct JobKey {
    /// Of which case.
    pub remediation: RemediationId,
    /// What.
    pub kind: JobKind,
    /// For which step, where it is for one.
    pub path: Option<StepPath>,
}

impl JobKey {
    /// Work for a case as a whole.
    #[must_use]
    pub fn of_case(remediation: &RemediationId, kind: JobKind) -> Self {
        Self { remediation: remediation.clone(), kind, path: None }
    }

    /// Work for one step of it.
    #[must_use]
    pub fn of_step(remediation: &RemediationId, kind: JobKind, path: &StepPath) -> Self {
        Self { path: Some(path.clone()), ..Self::of_case(remediation, kind) }
    }
}

/// One operation of one attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Sending {
    /// Step.
    pub path: StepPath,
    /// Attempt.
    pub attempt: AttemptId,
    /// Plan or undo.
    pub direction: Direction,
    /// What.
    pub operation: Operation,
}

/// Work that is due.
#[derive(Debug, Clone, PartialEq)]
pub enum Job {
    /// Read facts and recognise.
    Diagnose {
        /// The case's alerts.
        alerts: Vec<Alert>,
        /// The object that a person asked a plan for, instead of alerts.
        asked_for: Option<ObjectKey>,
    },
    /// Choose a template and make a plan.
    Plan {
        /// What is wrong.
        diagnosis: Box<Diagnosis>,
        /// How a person wants it to be.
        wish: Option<Wish>,
        /// What came of earlier cases.
        records: Arc<Vec<Record>>,
    },
    /// Compare touched fields with the plan.
    WatchDrift {
        /// The plan.
        plan: Arc<Plan>,
    },
    /// Compare, and measure.
    Begin {
        /// The plan.
        plan: Arc<Plan>,
        /// The case's alerts.
        alerts: Vec<Alert>,
    },
    /// Send.
    Send(Box<Sending>),
    /// Look whether it happened.
    Probe(Box<Sending>),
    /// Look at a condition.
    Look {
        /// Step that waits.
        path: StepPath,
        /// For what.
        condition: Condition,
        /// When the step began.
        since: Timestamp,
    },
    /// Find the items of a `for_each` that began.
    FindItems {
        /// The step.
        path: StepPath,
        /// The rule, its bound and what is done to each.
        bounded: Box<Bounded>,
        /// Its items as they were when planning.
        planned: Vec<PlanStep>,
        /// What the plan was made for.
        diagnosis: Box<Diagnosis>,
    },
    /// Measure.
    Assess {
        /// What.
        target: ObjectRef,
        /// The case's alerts.
        alerts: Vec<Alert>,
        /// How.
        verification: Verification,
        /// Since when things count as new.
        since: Timestamp,
    },
}

/// Why a job brought nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFailure {
    /// Why.
    pub why: String,
    /// Whether time may mend it.
    pub retryable: bool,
}

/// What a look at a condition saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Looked {
    /// It holds.
    Holds(String),
    /// Not yet; what was seen.
    NotYet(String),
    /// It can't come true any more.
    Fails(String),
    /// It could not be looked at.
    Unavailable(String),
}

/// What came of a message to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The other side took it; its words.
    Told(String),
    /// It did not, and may another time.
    Later {
        /// Why.
        why: String,
        /// After how many seconds, where the other side says it.
        after_s: Option<u64>,
    },
    /// It refuses it, and will the next time too.
    Refused(String),
    /// The breaker let nothing through.
    NotLetThrough,
}

/// An alert from the inbox with what intake found out about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// Number in the inbox.
    pub number: u64,
    /// The alert.
    pub alert: Alert,
    /// Owner of the object that it names, where it could be read.
    pub owner: Option<ObjectKey>,
    /// An id for the case, should one be opened.
    pub fresh: RemediationId,
}

/// A plan that a person asked for, before it is put into a case.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What is known of the object.
    pub diagnosis: Diagnosis,
    /// The plan.
    pub plan: Plan,
    /// The wish that it was made from.
    pub wish: Wish,
    /// The plan that stood when it was begun, for a revision.
    pub instead_of: Option<PlanDigest>,
}

/// What enters the core.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// An alert from the inbox.
    Alert(Box<Taken>),
    /// A command other than alerts; decisions come with what was checked.
    Command {
        /// The command.
        request: Box<Request>,
        /// Checks, for approvals.
        preflight: Option<Preflight>,
    },
    /// A person steers a case.
    Steer {
        /// The command.
        request: Box<Request>,
        /// The case as the log has it, when it is closed and the core has only its row.
        closed: Option<Box<Remediation>>,
        /// Checks, for what changes the cluster without another decision: undo and retry of a closed case.
        preflight: Option<Preflight>,
    },
    /// A plan that a person asked for was made, or could not be.
    Drafted {
        /// The command: plan or revise.
        request: Box<Request>,
        /// An id for the case, should one be opened.
        fresh: RemediationId,
        /// The draft, or why there is none.
        result: Result<Box<Draft>, (Refusal, String)>,
    },
    /// A stop flag was seen in the store, or on the Lease.
    StopSeen {
        /// Who, in one line.
        by: String,
        /// Why.
        reason: String,
    },
    /// Outcome of [`Job::Diagnose`].
    Diagnosed {
        /// Case.
        id: RemediationId,
        /// Result.
        result: Result<Box<Diagnosis>, JobFailure>,
    },
    /// Outcome of [`Job::Plan`].
    PlanMade {
        /// Case.
        id: RemediationId,
        /// Result.
        result: Result<Box<Plan>, JobFailure>,
        /// Advice that was had for it.
        advice: Option<Box<Advice>>,
    },
    /// Outcome of [`Job::WatchDrift`]; nothing when it could not be looked at.
    DriftSeen {
        /// Case.
        id: RemediationId,
        /// The plan that was compared.
        plan: PlanDigest,
        /// What moved.
        drift: Vec<Drift>,
    },
    /// Outcome of [`Job::Begin`].
    Begun {
        /// Case.
        id: RemediationId,
        /// The plan.
        plan: PlanDigest,
        /// What moved, and the sample; or why it could not be checked.
        result: Result<(Vec<Drift>, Option<Box<Sample>>), JobFailure>,
    },
    /// Outcome of [`Job::Send`].
    Sent {
        /// Case.
        id: RemediationId,
        /// Step.
        path: StepPath,
        /// Attempt.
        attempt: AttemptId,
        /// Outcome.
        outcome: AttemptOutcome,
    },
    /// Outcome of [`Job::Probe`].
    Probed {
        /// Case.
        id: RemediationId,
        /// Step.
        path: StepPath,
        /// Attempt.
        attempt: AttemptId,
        /// What was seen.
        probe: Probe,
    },
    /// Outcome of [`Job::Look`].
    Looked {
        /// Case.
        id: RemediationId,
        /// Step.
        path: StepPath,
        /// What was seen.
        looked: Looked,
    },
    /// Outcome of [`Job::FindItems`].
    ItemsFound {
        /// Case.
        id: RemediationId,
        /// Step.
        path: StepPath,
        /// One step an item, or why they can't be touched.
        result: Result<Vec<PlanStep>, JobFailure>,
    },
    /// Outcome of [`Job::Assess`].
    Assessed {
        /// Case.
        id: RemediationId,
        /// The sample.
        result: Result<Box<Sample>, JobFailure>,
    },
    /// A breaker changed its state.
    BreakerMoved(Move),
    /// What came of a message.
    Heard {
        /// Over which channel.
        channel: ChannelName,
        /// Numbers of the notices in it.
        notices: Vec<u64>,
        /// What.
        heard: Heard,
    },
    /// The cluster behind the connection is another.
    IdentityMismatch {
        /// What is there.
        found: String,
    },
    /// Time passed.
    Wake,
}
