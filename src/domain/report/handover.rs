//! The handover: what happened, what waits, what is stopped, since somebody left. A fold of the log.
//!
//! Absent on purpose: anything that the log doesn't say; whoever takes over reads the cases themselves.

use super::form::REPORT_SCHEMA;
use crate::domain::breaker::View;
use crate::domain::event::{Event, Recorded};
use crate::domain::id::RemediationId;
use crate::domain::remediation::{Remediation, State};
use crate::domain::steering::with_reason;
use crate::domain::time::{Timestamp, plus};
use crate::domain::timeline::sentence;
use crate::domain::workflow::history::History;
use crate::domain::workflow::left;
use serde::Serialize;

/// One case in a handover.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaseLine {
    /// Which.
    pub id: RemediationId,
    /// Where it is.
    pub state: State,
    /// How it ended.
    pub outcome: Option<String>,
    /// `payments/deploy/ledger-api`.
    pub target: String,
    /// What is or was done, in a few words.
    pub what: String,
    /// Why it is where it is.
    pub why: String,
    /// Since when.
    pub since: Timestamp,
    /// When that ends: the request lapses, the settle time is over, the run is about done; `null`: not known.
    pub until: Option<Timestamp>,
    /// The command that goes on with it; empty: it goes on by itself, or is over.
    pub command: String,
}

/// Something that a person did, or tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Deed {
    /// When.
    pub at: Timestamp,
    /// About which case; `null`: about all.
    pub id: Option<RemediationId>,
    /// Position in the log.
    pub event: u64,
    /// What, in a sentence.
    pub text: String,
}

/// A stop in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StopLine {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// A breaker that is not closed, or that a person set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakerLine {
    /// In front of what.
    pub destination: String,
    /// How it stands.
    pub state: String,
    /// Since when.
    pub since: Timestamp,
    /// Why.
    pub cause: String,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Handover {
    /// Version of this form.
    pub schema: &'static str,
    /// The cluster's display name.
    pub cluster: String,
    /// Scenario and seed in words when the cluster is simulated.
    pub simulated: Option<String>,
    /// From when.
    pub since: Timestamp,
    /// Why from then.
    pub since_why: String,
    /// Until when.
    pub until: Timestamp,
    /// The stop in force.
    pub stop: Option<StopLine>,
    /// Breakers that are not closed, or that a person set.
    pub breakers: Vec<BreakerLine>,
    /// What needs a person, nearest deadline first.
    pub waits: Vec<CaseLine>,
    /// What is paused, by hand, blocked or lapsed.
    pub held: Vec<CaseLine>,
    /// What goes on by itself.
    pub acting: Vec<CaseLine>,
    /// What ended since, newest first.
    pub ended: Vec<CaseLine>,
    /// What people did since, oldest first, refused tries among it.
    pub people: Vec<Deed>,
    /// Alerts that opened no case since.
    pub alerts_only_recorded: usize,
}

/// What a handover is made of.
#[derive(Debug)]
pub struct Sources<'a> {
    /// The cluster's display name.
    pub cluster: String,
    /// Scenario and seed in words when the cluster is simulated.
    pub simulated: Option<String>,
    /// From when, and why from then.
    pub since: (Timestamp, String),
    /// Until when.
    pub until: Timestamp,
    /// The stop in force.
    pub stop: Option<StopLine>,
    /// All breakers.
    pub breakers: &'a [View],
    /// How long steps usually take.
    pub history: &'a History,
    /// All cases that are open, that need a person, or of which an event is among `events`.
    pub cases: &'a [Remediation],
    /// The events since, oldest first.
    pub events: &'a [Recorded],
}

impl Handover {
    /// The fold.
    #[must_use]
    pub fn of(sources: Sources<'_>) -> Self {
        let Sources { cluster, simulated, since, until, stop, breakers, history, cases, events } =
            sources;
        let (since, since_why) = since;
        let mut waits = Vec::new();
        let mut held = Vec::new();
        let mut acting = Vec::new();
        let mut ended = Vec::new();
        for case in cases {
            let list = if case.needs_person() {
                &mut waits
            } else {
                match case.state {
                    State::Closed if case.updated_at < since => continue,
                    State::Closed => &mut ended,
                    State::Blocked | State::Paused | State::ByHand | State::Expired => &mut held,
                    State::Diagnosing
                    | State::Planning
                    | State::AwaitingApproval
                    | State::Running
                    | State::Undoing
                    | State::Verifying => &mut acting,
                }
            };
            let line = CaseLine { until: self::until(case, history), ..line(case) };
            list.push((case.request.as_ref().map(|request| request.expires_at), line));
        }
        waits.sort_by_key(|(due, line)| (due.is_none(), *due, line.since, line.id.clone()));
        ended.sort_by_key(|(_, line)| (std::cmp::Reverse(line.since), line.id.clone()));
        let lines = |list: Vec<(Option<Timestamp>, CaseLine)>| {
            list.into_iter().map(|(_, line)| line).collect::<Vec<_>>()
        };
        let recorded_only =
            |recorded: &&Recorded| matches!(recorded.event, Event::AlertIgnored { .. });
        Self {
            schema: REPORT_SCHEMA,
            cluster,
            simulated,
            since,
            since_why,
            until,
            stop,
            breakers: breaker_lines(breakers),
            waits: lines(waits),
            held: lines(held),
            acting: lines(acting),
            ended: lines(ended),
            people: events.iter().filter_map(|recorded| deed(recorded, cases)).collect(),
            alerts_only_recorded: events.iter().filter(recorded_only).count(),
        }
    }
}

/// The line of one case.
#[must_use]
pub(super) fn line(case: &Remediation) -> CaseLine {
    let id = &case.id;
    let what = case.plan.as_deref().map_or_else(
        || case.diagnosis.as_ref().map_or(String::new(), |found| found.summary.clone()),
        |plan| plan.title.clone(),
    );
    let (why, command) = match case.state {
        State::AwaitingApproval => {
            let digest = case.plan.as_deref().map_or("", |plan| plan.digest.short());
            ("a decision is asked for".into(), format!("approve {id} --plan {digest}"))
        }
        State::Blocked => {
            let stuck = case.stuck.as_ref().map(|stuck| stuck.why.clone());
            (stuck.unwrap_or_else(|| case.withheld.join("; ")), format!("plan-anew {id}"))
        }
        State::Expired => ("nobody decided in time".into(), format!("plan-anew {id}")),
        State::Paused | State::ByHand => {
            let held = case.held.as_ref().map(|held| {
                let how = if case.state == State::Paused { "paused" } else { "taken over" };
                with_reason(format!("{how} by {}", held.by), &held.reason)
            });
            (held.unwrap_or_default(), format!("resume {id}"))
        }
        State::Closed if case.needs_person() => {
            (case.closed_why.clone(), format!("show {id}; claim {id}"))
        }
        State::Closed => (case.closed_why.clone(), String::new()),
        State::Diagnosing
        | State::Planning
        | State::Running
        | State::Undoing
        | State::Verifying => (case.last.clone(), String::new()),
    };
    CaseLine {
        id: id.clone(),
        state: case.state,
        outcome: case.outcome.as_ref().map(|outcome| outcome.word().to_string()),
        target: case.target_key().map_or_else(|| "(no object)".into(), |key| key.short_path()),
        what,
        why,
        since: case.state_since,
        until: until(case, &History::default()),
        command,
    }
}

/// When what goes on ends.
fn until(case: &Remediation, history: &History) -> Option<Timestamp> {
    match case.state {
        State::AwaitingApproval => case.request.as_ref().map(|request| request.expires_at),
        State::Verifying => case.settle_until,
        State::Running => {
            let left = left::of_case(case, history, case.updated_at)?;
            left.runs.map(|_| plus(case.updated_at, left.seconds))
        }
        State::Diagnosing
        | State::Planning
        | State::Blocked
        | State::Paused
        | State::Undoing
        | State::ByHand
        | State::Expired
        | State::Closed => None,
    }
}

/// The breakers that are not closed, or that a person set.
#[must_use]
pub(super) fn breaker_lines(breakers: &[View]) -> Vec<BreakerLine> {
    let stands_out = |view: &&View| view.down_since.is_some() || view.forced.is_some();
    let lines = breakers.iter().filter(stands_out).map(|view| BreakerLine {
        destination: view.destination.to_string(),
        state: view.state.to_string(),
        since: view.since,
        cause: view.cause.clone(),
    });
    lines.collect()
}

/// What an event says that a person did; `None`: the engine did it.
fn deed(recorded: &Recorded, cases: &[Remediation]) -> Option<Deed> {
    let by_person = match &recorded.event {
        Event::PlanAsked { .. }
        | Event::Revised { .. }
        | Event::Steered { .. }
        | Event::Decided { .. }
        | Event::StepDecided { .. }
        | Event::CommandRefused { .. }
        | Event::Claimed { .. }
        | Event::Stopped { .. }
        | Event::BreakerSet { .. }
        | Event::PutBack { .. }
        | Event::Started { .. } => true,
        Event::EngineStarted { .. }
        | Event::Opened { .. }
        | Event::AlertJoined { .. }
        | Event::AlertIgnored { .. }
        | Event::Diagnosed { .. }
        | Event::Stuck { .. }
        | Event::Advised { .. }
        | Event::Planned { .. }
        | Event::Withheld { .. }
        | Event::ApprovalRequested { .. }
        | Event::PlanVoided { .. }
        | Event::Expired { .. }
        | Event::ExecutionStarted { .. }
        | Event::StepChanged { .. }
        | Event::ItemsFound { .. }
        | Event::AttemptStarted { .. }
        | Event::AttemptEnded { .. }
        | Event::UndoStarted { .. }
        | Event::Closing { .. }
        | Event::ExecutionEnded { .. }
        | Event::Judged { .. }
        | Event::Closed { .. }
        | Event::BreakerMoved(_)
        | Event::Noticed { .. }
        | Event::Told { .. }
        | Event::IdentityMismatch { .. } => false,
    };
    let case = recorded.subject.as_ref().and_then(|id| cases.iter().find(|case| case.id == *id));
    by_person.then(|| Deed {
        at: recorded.at,
        id: recorded.subject.clone(),
        event: recorded.seq,
        text: sentence(&recorded.event, case),
    })
}
