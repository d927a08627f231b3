//! The handover: what happened, what waits, what is stopped, since somebody left. A fold of the log.
//!
//! Absent on purpose: anything that the log doesn't say; whoever takes over reads the cases themselves.

use super::form::REPORT_SCHEMA;
use crate::domain::event::{Event, Recorded};
use crate::domain::id::RemediationId;
use crate::domain::remediation::{Remediation, State};
use crate::domain::steering::with_reason;
use crate::domain::time::Timestamp;
use crate::domain::timeline::sentence;
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
    /// All cases that are open, that need a person, or of which an event is among `events`.
    pub cases: &'a [Remediation],
    /// The events since, oldest first.
    pub events: &'a [Recorded],
}

impl Handover {
    /// The fold.
    #[must_use]
    pub fn of(sources: Sources<'_>) -> Self {
        let Sources { cluster, simulated, since, until, stop, cases, events } = sources;
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
            list.push((case.request.as_ref().map(|request| request.expires_at), line(case)));
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
            waits: lines(waits),
            held: lines(held),
            acting: lines(acting),
            ended: lines(ended),
            people: events.iter().filter_map(|recorded| deed(recorded, cases)).collect(),
            alerts_only_recorded: events.iter().filter(recorded_only).count(),
        }
    }
}

fn line(case: &Remediation) -> CaseLine {
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
        command,
    }
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
        | Event::Started { .. } => true,
        Event::EngineStarted { .. }
        | Event::Opened { .. }
        | Event::AlertJoined { .. }
        | Event::AlertIgnored { .. }
        | Event::Diagnosed { .. }
        | Event::Stuck { .. }
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
