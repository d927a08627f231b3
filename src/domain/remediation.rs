//! The case opened for one problem on one target: a fold of its events.
//!
//! ```text
//! diagnosing ─► planning ─► awaiting_approval ─► running ─► verifying ─► closed          (steering: see `steering`)
//!      │            │          │     │   ▲          │           │
//!      │            │          │     ▼   │          ▼           ▼
//!      │            ▼          │  expired│       undoing ─────► closed
//!      └─► closed  blocked     └─ voided: back to diagnosing
//! ```

use super::advice::Advice;
use super::alert::{Alert, AlertStatus};
use super::approval::{Approval, ApprovalRequest, Decision, Drift};
use super::diagnosis::{Diagnosis, words};
use super::event::{Event, Outcome, Recorded};
use super::id::{ClusterId, PlanDigest, RemediationId, StepPath};
use super::resource::ObjectKey;
use super::steering::{Held, Wish};
use super::time::Timestamp;
use super::verdict::{Judgement, Sample};
use super::workflow::execution::{Attempt, Closing, Execution, StepRun};
use super::workflow::plan::Plan;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

words!(
    /// Where a remediation is. The words are those of the JSON.
    State {
        /// Facts are being collected.
        Diagnosing = "diagnosing",
        /// The plan and its dry-run are being made.
        Planning = "planning",
        /// A decision is asked for.
        AwaitingApproval = "awaiting_approval",
        /// Policy, a lock or the mode holds it.
        Blocked = "blocked",
        /// Executing.
        Running = "running",
        /// Paused by a person.
        Paused = "paused",
        /// Undoing.
        Undoing = "undoing",
        /// Settle time, then measurement.
        Verifying = "verifying",
        /// Taken over by a person.
        ByHand = "by_hand",
        /// Nobody decided in time.
        Expired = "expired",
        /// Ended.
        Closed = "closed",
    }
);

/// Something that could not be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StuckAt {
    /// At what.
    pub during: String,
    /// Why.
    pub why: String,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
}

/// A plan that was voided, and what moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VoidedPlan {
    /// The plan.
    #[serde(serialize_with = "as_it_is")]
    pub plan: Arc<Plan>,
    /// What moved.
    pub drift: Vec<Drift>,
    /// When.
    pub at: Timestamp,
}

fn as_it_is<S: serde::Serializer>(plan: &Plan, to: S) -> Result<S::Ok, S::Error> {
    plan.serialize(to)
}

#[allow(clippy::ref_option, reason = "serde calls it so")]
fn where_there<S: serde::Serializer>(plan: &Option<Arc<Plan>>, to: S) -> Result<S::Ok, S::Error> {
    plan.as_deref().serialize(to)
}

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Remediation {
    /// Identity.
    pub id: RemediationId,
    /// On which cluster.
    pub cluster: ClusterId,
    /// Where it is.
    pub state: State,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When its last event was.
    pub updated_at: Timestamp,
    /// When it came into its state.
    pub state_since: Timestamp,
    /// Its alerts by fingerprint.
    pub alerts: BTreeMap<String, Alert>,
    /// Owner of the object that the first alert names, where known at intake.
    pub owner: Option<ObjectKey>,
    /// The object that a person asked a plan for; `None`: opened by an alert.
    pub asked_for: Option<ObjectKey>,
    /// How a person wants the plan to be, if one said so.
    pub wish: Option<Wish>,
    /// Why it is paused or by hand.
    pub held: Option<Held>,
    /// Runs before the last, which ended when a person took over.
    pub earlier: Vec<Execution>,
    /// The newest diagnosis.
    pub diagnosis: Option<Diagnosis>,
    /// The newest advice, with the plan that was made from it. Shared: it never changes.
    pub advice: Option<Arc<Advice>>,
    /// The plan that stands. Shared: it never changes, and the case is copied at each event.
    #[serde(serialize_with = "where_there")]
    pub plan: Option<Arc<Plan>>,
    /// The last plan that was voided.
    pub voided: Option<VoidedPlan>,
    /// The open or last request.
    pub request: Option<ApprovalRequest>,
    /// Why the plan is withheld.
    pub withheld: Vec<String>,
    /// Decisions on plans, all of them.
    pub approvals: Vec<Approval>,
    /// Decisions on steps that ask, all of them.
    pub step_approvals: Vec<(StepPath, Approval)>,
    /// The run of the plan.
    pub execution: Option<Execution>,
    /// Measured before the first step.
    pub before: Option<Box<Sample>>,
    /// What it could not get past, if anything.
    pub stuck: Option<StuckAt>,
    /// When the settle time ends.
    pub settle_until: Option<Timestamp>,
    /// The verdict.
    pub judgement: Option<Judgement>,
    /// How it was closed.
    pub outcome: Option<Outcome>,
    /// In words, why.
    pub closed_why: String,
    /// Who claimed it.
    pub claimed_by: Option<String>,
    /// First and last position of its events in the log.
    pub events: (u64, u64),
    /// The last thing that happened, in a sentence.
    pub last: String,
}

impl Remediation {
    /// The case that an `Opened` event opens.
    #[must_use]
    pub fn open(
        id: RemediationId,
        cluster: ClusterId,
        recorded: &Recorded,
        alert: &Alert,
        owner: Option<ObjectKey>,
    ) -> Self {
        let last = format!("opened for alert {}", alert.name());
        let mut case = Self::fresh(id, cluster, recorded, last);
        case.alerts.insert(alert.fingerprint.as_str().to_string(), alert.clone());
        case.owner = owner;
        case
    }

    /// The case that a first event opens: one for an alert, or for a plan that a person asked for. `None` for others.
    #[must_use]
    pub fn opened_by(id: &RemediationId, cluster: &ClusterId, recorded: &Recorded) -> Option<Self> {
        let (id, cluster) = (id.clone(), cluster.clone());
        if let Event::Opened { alert, owner } = &recorded.event {
            return Some(Self::open(id, cluster, recorded, alert, owner.clone()));
        }
        let Event::PlanAsked { by, target, wish, .. } = &recorded.event else { return None };
        let last = format!("{} asks for a plan on {}", by.os_user, target.path());
        let mut case = Self::fresh(id, cluster, recorded, last);
        case.asked_for = Some(target.clone());
        case.owner = Some(target.clone());
        case.wish = Some(wish.clone());
        Some(case)
    }

    fn fresh(id: RemediationId, cluster: ClusterId, recorded: &Recorded, last: String) -> Self {
        Self {
            id,
            cluster,
            state: State::Diagnosing,
            opened_at: recorded.at,
            updated_at: recorded.at,
            state_since: recorded.at,
            alerts: BTreeMap::new(),
            owner: None,
            asked_for: None,
            wish: None,
            held: None,
            earlier: Vec::new(),
            diagnosis: None,
            advice: None,
            plan: None,
            voided: None,
            request: None,
            withheld: Vec::new(),
            approvals: Vec::new(),
            step_approvals: Vec::new(),
            execution: None,
            before: None,
            stuck: None,
            settle_until: None,
            judgement: None,
            outcome: None,
            closed_why: String::new(),
            claimed_by: None,
            events: (recorded.seq, recorded.seq),
            last,
        }
    }

    /// The advice that the plan which stands was made with.
    #[must_use]
    pub fn advice_on_plan(&self) -> Option<&Advice> {
        let plan = self.plan.as_deref()?;
        self.advice.as_deref().filter(|advice| advice.made.plan.as_ref() == Some(&plan.digest))
    }

    /// Whether it is not closed.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// Whether a person has to act: a decision is asked for, or it ended in a way that a person must see, unclaimed.
    #[must_use]
    pub fn needs_person(&self) -> bool {
        match self.state {
            State::AwaitingApproval => true,
            State::Expired => self.claimed_by.is_none(),
            State::Blocked => self.stuck.as_ref().is_some_and(|stuck| stuck.retry_at.is_none()),
            State::Closed => {
                self.claimed_by.is_none()
                    && matches!(
                        self.outcome,
                        Some(Outcome::HandedOver | Outcome::Failed | Outcome::Regressed)
                    )
            }
            State::Running | State::Undoing => self
                .execution
                .as_ref()
                .is_some_and(|execution| execution.steps.values().any(StepRun::needs_look)),
            State::Diagnosing
            | State::Planning
            | State::Paused
            | State::Verifying
            | State::ByHand => false,
        }
    }

    /// Number of alerts that fire.
    #[must_use]
    pub fn firing(&self) -> usize {
        self.alerts.values().filter(|alert| alert.status == AlertStatus::Firing).count()
    }

    /// The object that the case is about, as well as it is known.
    #[must_use]
    pub fn target_key(&self) -> Option<ObjectKey> {
        self.diagnosis
            .as_ref()
            .and_then(|diagnosis| diagnosis.target.as_ref())
            .map(|target| target.key.clone())
            .or_else(|| self.owner.clone())
            .or_else(|| self.alerts.values().next().and_then(super::diagnose::named_object))
    }

    /// The decision on a plan, if there is one since it was asked for (where two people are needed: an approval by
    /// both). An earlier one on the same digest was for
    /// another request. Reject beats approve.
    #[must_use]
    pub fn decision_on(&self, plan: &PlanDigest) -> Option<&Approval> {
        let asked = self.request.as_ref().filter(|request| request.plan == *plan);
        let since = asked.map(|request| request.asked_at);
        let mut on_it = self
            .approvals
            .iter()
            .filter(|approval| approval.plan == *plan && since.is_none_or(|at| approval.at >= at));
        if let Some(request) = asked.filter(|request| request.people > 1) {
            // All of them, or none: a plan that waits for the second person is not approved.
            let rejected = on_it.find(|approval| approval.decision == Decision::Reject);
            let enough = usize::try_from(request.people).unwrap_or(usize::MAX);
            return rejected.or_else(|| request.given(&self.approvals).get(enough - 1).copied());
        }
        let first = on_it.next();
        on_it.find(|approval| approval.decision == Decision::Reject).or(first)
    }

    /// Whether this very plan was rejected in this episode.
    #[must_use]
    pub fn was_rejected(&self, plan: &PlanDigest) -> bool {
        self.approvals
            .iter()
            .any(|approval| approval.plan == *plan && approval.decision == Decision::Reject)
    }

    pub(super) fn enter(&mut self, state: State, at: Timestamp) {
        if self.state != state {
            self.state = state;
            self.state_since = at;
        }
    }

    #[allow(clippy::too_many_lines, reason = "one arm an event, each a few assignments")]
    /// Folds one more event of this case. Events of other subjects are not given to it.
    pub fn apply(&mut self, recorded: &Recorded) {
        let at = recorded.at;
        if recorded.seq > 0 {
            self.events.1 = recorded.seq;
        }
        // That people are told of it is in its record, and is nothing that happens to it.
        if !recorded.event.tells() {
            self.updated_at = at;
        }
        match &recorded.event {
            Event::AlertJoined { alert } => {
                self.last = match alert.status {
                    AlertStatus::Firing => format!("alert {} joined", alert.name()),
                    AlertStatus::Resolved => format!("alert {} resolved", alert.name()),
                };
                self.alerts.insert(alert.fingerprint.as_str().to_string(), alert.clone());
            }
            Event::Diagnosed { diagnosis } => {
                self.last = format!(
                    "diagnosis: {}, {} {:.2}",
                    diagnosis.pattern, diagnosis.cause, diagnosis.confidence
                );
                self.diagnosis = Some(diagnosis.clone());
                self.stuck = None;
                self.enter(State::Planning, at);
            }
            Event::Stuck { during, why, retry_at } => {
                self.last = format!("{during}: {why}");
                self.stuck =
                    Some(StuckAt { during: during.clone(), why: why.clone(), retry_at: *retry_at });
                if retry_at.is_none() {
                    self.enter(State::Blocked, at);
                }
            }
            Event::Advised { advice } => {
                self.last = format!("advice of {}", advice.words());
                self.advice = Some(Arc::new((**advice).clone()));
            }
            Event::Planned { plan } => {
                self.last = format!("plan {}: {}", plan.digest.short(), plan.title);
                self.plan = Some(Arc::new((**plan).clone()));
                self.request = None;
                self.withheld.clear();
                self.stuck = None;
                self.enter(State::Planning, at);
            }
            Event::Withheld { why, .. } => {
                self.last = format!("withheld: {}", why.join("; "));
                self.withheld.clone_from(why);
                self.enter(State::Blocked, at);
            }
            Event::ApprovalRequested { request } => {
                self.last = format!("approval asked for plan {}", request.plan.short());
                self.request = Some(request.clone());
                self.enter(State::AwaitingApproval, at);
            }
            Event::PlanVoided { plan, drift } => {
                self.last =
                    format!("plan {} void: {}", plan.short(), super::approval::drift_words(drift));
                if let Some(old) = self.plan.take() {
                    self.voided = Some(VoidedPlan { plan: old, drift: drift.clone(), at });
                }
                self.request = None;
                self.enter(State::Diagnosing, at);
            }
            Event::Decided { approval, .. } => {
                self.last = format!("{}d by {}", approval.decision, approval.by.os_user)
                    .replace("rejectd", "rejected");
                self.approvals.push(approval.clone());
            }
            Event::CommandRefused { command, why, by, .. } => {
                self.last = format!("{command} by {} refused: {why}", by.os_user);
            }
            Event::Expired { plan } => {
                self.last = format!("plan {} expired: nobody decided", plan.short());
                self.enter(State::Expired, at);
            }
            Event::ExecutionStarted { execution, plan, before } => {
                self.last = format!("execution of plan {} started", plan.short());
                self.before.clone_from(before);
                self.start_execution(execution.clone(), plan.clone(), at);
                self.enter(State::Running, at);
            }
            Event::StepChanged { path, state, note } => {
                self.stuck = None;
                self.change_step(path, state, note, at);
            }
            Event::AttemptStarted { path, attempt, operation, direction } => {
                self.stuck = None;
                self.last = format!("step {path} attempt {attempt}");
                if let Some(step) = self.step_mut(path) {
                    step.attempts.push(Attempt {
                        id: attempt.clone(),
                        operation: *operation,
                        direction: *direction,
                        started_at: at,
                        ended_at: None,
                        outcome: None,
                        ended_seq: 0,
                    });
                }
            }
            Event::AttemptEnded { path, attempt, outcome } => {
                if let Some(run) = self
                    .step_mut(path)
                    .and_then(|step| step.attempts.iter_mut().find(|known| known.id == *attempt))
                {
                    run.ended_at = Some(at);
                    run.outcome = Some(outcome.clone());
                    run.ended_seq = recorded.seq;
                }
            }
            Event::ItemsFound { path, steps } => {
                let run = steps.iter().filter(|step| step.skipped.is_none()).count();
                self.last = format!("step {path}: {run} items found");
                if let Some(execution) = &mut self.execution {
                    execution.add(path, steps.clone());
                }
            }
            Event::StepDecided { path, approval, .. } => {
                let who = &approval.by.os_user;
                self.last = format!("step {path} {}d by {who}", approval.decision)
                    .replace("rejectd", "rejected");
                self.step_approvals.push((path.clone(), approval.clone()));
            }
            Event::UndoStarted { why } => {
                self.last = format!("undoing: {why}");
                if let Some(execution) = &mut self.execution {
                    execution.undo_why = Some(why.clone());
                    execution.closing = None;
                }
                self.enter(State::Undoing, at);
            }
            Event::Closing { outcome, why } => {
                self.last = format!("taking back what ends with the case: {why}");
                if let Some(execution) = &mut self.execution {
                    execution.closing =
                        Some(Closing { outcome: outcome.clone(), why: why.clone() });
                }
                self.enter(State::Undoing, at);
            }
            Event::ExecutionEnded { undone, succeeded, why } => {
                self.last.clone_from(why);
                if let Some(execution) = &mut self.execution {
                    execution.ended_at = Some(at);
                    execution.undone = *undone;
                }
                if *succeeded && undone.is_none() {
                    let settle = self.plan.as_deref().map_or(0, |plan| plan.verification.settle_s);
                    self.settle_until = Some(super::time::plus(at, settle));
                    self.enter(State::Verifying, at);
                }
            }
            Event::Judged { judgement } => {
                self.last = format!("verdict {}: {}", judgement.verdict, judgement.why);
                self.stuck = None;
                self.judgement = Some(judgement.clone());
            }
            Event::Closed { outcome, why } => {
                self.last = format!("closed, {}: {why}", outcome.word());
                self.held = None;
                self.outcome = Some(outcome.clone());
                self.closed_why.clone_from(why);
                self.enter(State::Closed, at);
            }
            Event::Claimed { by } => {
                self.last = format!("claimed by {}", by.os_user);
                self.claimed_by = Some(by.os_user.clone());
            }
            Event::Steered { by, steering, reason } => self.steered(steering, by, reason, recorded),
            Event::Revised { by, wish, reason } => self.revised(by, wish, reason, at),
            Event::EngineStarted { .. }
            | Event::Opened { .. }
            | Event::PlanAsked { .. }
            | Event::AlertIgnored { .. }
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
}
