//! State of the core: the fold of one cluster's log, and what may be forgotten.

use crate::domain::alert::AlertStatus;
use crate::domain::breaker::{Destination, Forced, Standing};
use crate::domain::diagnosis::Disposition;
use crate::domain::effectiveness::Ledger;
use crate::domain::event::{Event, Outcome, Recorded};
use crate::domain::id::{AttemptId, ClusterId, RemediationId};
use crate::domain::notify::{ChannelName, Outbox, Routes};
use crate::domain::policy::Policy;
use crate::domain::principal::Principal;
use crate::domain::remediation::Remediation;
use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;
use crate::domain::workflow::execution::StepState;
use crate::domain::workflow::history::History;
use crate::engine::command::Receipt;
use crate::engine::job::JobKey;
use crate::engine::snapshot::{Role, Row, Stop};
use crate::ports::store::IndexRow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// Closed cases whose rows are kept for lists.
pub(super) const CLOSED_ROWS: usize = 10_000;
/// Log lines kept for screens.
pub(super) const LOG_LINES: usize = 200;
/// Episodes of alerts that are remembered after their case closed.
const EPISODES: usize = 50_000;

/// What the core is told once.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Which cluster.
    pub cluster: ClusterId,
    /// Its display name, which `start` asks for.
    pub name: String,
    /// Rules.
    pub policy: Arc<Policy>,
    /// Whether the store proves two people apart.
    pub two_people: bool,
    /// Whether the cluster is simulated.
    pub simulated: bool,
    /// Whom to tell what. Empty in a simulation: nothing of it leaves.
    pub routes: Arc<Routes>,
}

/// One firing of one alert: fingerprint and start.
pub(super) type Episode = (String, Timestamp);

/// How an earlier case of an episode ended.
#[derive(Debug, Clone)]
pub(super) struct Past {
    pub id: RemediationId,
    pub outcome: Outcome,
    pub at: Timestamp,
    /// It fires when all is well: there is never anything to look at again.
    pub heartbeat: bool,
}

/// A finished execution, for loop detection.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub target: ObjectKey,
    pub template: String,
    pub outcome: Outcome,
    pub at: Timestamp,
}

/// The core.
#[derive(Debug, Clone)]
pub struct Core {
    pub(super) settings: Settings,
    /// Open cases, and closed ones that need a person.
    pub(super) open: BTreeMap<RemediationId, Arc<Remediation>>,
    /// Rows of the others, oldest first.
    pub(super) closed: VecDeque<Row>,
    pub(super) episodes: BTreeMap<Episode, Past>,
    pub(super) ignored: BTreeSet<(Episode, AlertStatus)>,
    pub(super) settled: BTreeMap<RemediationId, super::episodes::Settled>,
    pub(super) runs: Vec<Run>,
    pub(super) ledger: Ledger,
    pub(super) history: Arc<History>,
    pub(super) stop: Option<Stop>,
    pub(super) mismatch: Option<String>,
    pub(super) seq: u64,
    pub(super) last_at: Option<Timestamp>,
    pub(super) log: VecDeque<(Timestamp, Option<RemediationId>, String)>,
    /// How breakers stand, those that moved since the engine started.
    pub(super) breakers: BTreeMap<Destination, Standing>,
    /// What people set of them.
    pub(super) forced: BTreeMap<Destination, Forced>,
    pub(super) began_at: Option<Timestamp>,
    pub(super) outbox: Outbox,
    // What follows may be forgotten at any time.
    pub(super) role: Role,
    pub(super) issued: BTreeSet<AttemptId>,
    pub(super) not_before: BTreeMap<JobKey, (Timestamp, u32)>,
    pub(super) halted: bool,
    pub(super) not_told_before: BTreeMap<ChannelName, Timestamp>,
}

/// What `accept` brings.
#[derive(Debug, Clone, Default)]
pub struct Accepted {
    /// Events, with the positions they will have.
    pub events: Vec<Recorded>,
    /// Answer to a command.
    pub receipt: Option<Receipt>,
    /// Remediation that an alert opened or joined.
    pub remediation: Option<RemediationId>,
}

impl Core {
    /// The state before any event.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            open: BTreeMap::new(),
            closed: VecDeque::new(),
            episodes: BTreeMap::new(),
            ignored: BTreeSet::new(),
            settled: BTreeMap::new(),
            runs: Vec::new(),
            ledger: Ledger::default(),
            history: Arc::new(History::default()),
            stop: None,
            mismatch: None,
            seq: 0,
            last_at: None,
            log: VecDeque::new(),
            breakers: BTreeMap::new(),
            forced: BTreeMap::new(),
            began_at: None,
            outbox: Outbox::default(),
            role: Role::Starting,
            issued: BTreeSet::new(),
            not_before: BTreeMap::new(),
            halted: false,
            not_told_before: BTreeMap::new(),
        }
    }

    /// What this engine is to the cluster. Not part of the fold.
    pub fn set_role(&mut self, role: Role) {
        self.role = role;
    }

    /// What this engine is to the cluster.
    #[must_use]
    pub fn role(&self) -> &Role {
        &self.role
    }

    /// Position of the last event folded.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Which cluster.
    #[must_use]
    pub fn cluster(&self) -> &ClusterId {
        &self.settings.cluster
    }

    /// The newest `count` lines of the log, oldest first.
    pub fn newest_lines(
        &self,
        count: usize,
    ) -> impl Iterator<Item = (Timestamp, Option<RemediationId>, String)> + use<> {
        let skip = self.log.len().saturating_sub(count);
        self.log.iter().skip(skip).cloned().collect::<Vec<_>>().into_iter()
    }

    /// The stop in force.
    #[must_use]
    pub fn stop(&self) -> Option<&Stop> {
        self.stop.as_ref()
    }

    /// One case that is open or needs a person.
    #[must_use]
    pub fn remediation(&self, id: &RemediationId) -> Option<&Arc<Remediation>> {
        self.open.get(id)
    }

    /// All cases that are open or need a person.
    pub fn remediations(&self) -> impl Iterator<Item = &Arc<Remediation>> {
        self.open.values()
    }

    /// Stops everything before the event that says so is durable.
    pub fn halt(&mut self) {
        self.halted = true;
    }

    /// Whether the log is that of a simulated cluster.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.settings.simulated
    }

    /// The index row of one case.
    #[must_use]
    fn index_row(&self, id: &RemediationId) -> Option<IndexRow> {
        if let Some(case) = self.open.get(id) {
            return Some(IndexRow {
                id: id.clone(),
                live: true,
                opened_at: case.opened_at,
                first_seq: case.events.0,
                last_seq: case.events.1,
            });
        }
        let row = self.closed.iter().rev().find(|row| row.id == *id)?;
        Some(IndexRow {
            id: id.clone(),
            live: false,
            opened_at: row.opened_at,
            first_seq: row.events.0,
            last_seq: row.events.1,
        })
    }

    /// The rows of the cases that these events are about, as the index has them after these events.
    #[must_use]
    pub fn index_rows(&self, events: &[Recorded]) -> Vec<IndexRow> {
        let subjects = events.iter().filter_map(|event| event.subject.as_ref());
        let subjects = subjects.collect::<BTreeSet<_>>();
        subjects.into_iter().filter_map(|id| self.index_row(id)).collect()
    }

    /// Whether new changes may be sent at all.
    #[must_use]
    pub(super) fn may_act(&self) -> bool {
        self.role == Role::Driving
            && !self.halted
            && self.stop.is_none()
            && self.mismatch.is_none()
            && self.calls_pass(Destination::Cluster)
    }

    /// Folds one stored event.
    pub fn fold(&mut self, recorded: &Recorded) {
        if recorded.seq > 0 {
            self.seq = recorded.seq;
        }
        self.last_at = Some(self.last_at.map_or(recorded.at, |last| last.max(recorded.at)));
        self.outbox.fold(recorded);
        match &recorded.subject {
            Some(id) => self.fold_case(id, recorded),
            None => self.fold_cluster(recorded),
        }
    }

    fn fold_case(&mut self, id: &RemediationId, recorded: &Recorded) {
        if let Some(case) = Remediation::opened_by(id, &self.settings.cluster, recorded) {
            self.note(recorded.at, Some(id), &case.last);
            self.open.insert(id.clone(), Arc::new(case));
            return;
        }
        let Some(case) = self.open.get_mut(id) else { return };
        let case = Arc::make_mut(case);
        case.apply(recorded);
        if recorded.event.tells() {
            return self.note_telling(recorded);
        }
        let line = case.last.clone();
        if let Event::StepChanged { path, state: StepState::Done, .. } = &recorded.event {
            Arc::make_mut(&mut self.history).learn(case, path);
        }
        if matches!(recorded.event, Event::Closed { .. }) {
            self.remember_closed(id);
        }
        let case = self.open.get(id).cloned();
        self.fold_episodes(recorded, case.as_deref());
        self.ledger.fold(recorded, case.as_deref());
        self.retire(id);
        self.note(recorded.at, Some(id), &line);
    }

    fn remember_closed(&mut self, id: &RemediationId) {
        let Some(case) = self.open.get(id).cloned() else { return };
        if let Some(outcome) = case.outcome.clone() {
            let found = case.diagnosis.as_ref().map(|diagnosis| diagnosis.disposition);
            let heartbeat = found == Some(Disposition::Heartbeat);
            for alert in case.alerts.values() {
                let episode = (alert.fingerprint.as_str().to_string(), alert.starts_at);
                let (id, outcome, at) = (id.clone(), outcome.clone(), case.updated_at);
                let past = Past { id, outcome, at, heartbeat };
                self.episodes.insert(episode, past);
            }
            while self.episodes.len() > EPISODES {
                self.episodes.pop_first();
            }
            let ran = case.execution.is_some()
                && case.plan.as_deref().is_some_and(crate::domain::workflow::plan::Plan::mutates);
            if let (true, Some(plan), Some(target)) = (ran, &case.plan, case.target_key()) {
                let template = plan.template.name.clone();
                self.runs.push(Run { target, template, outcome, at: case.updated_at });
                let day_ago = case.updated_at - chrono::TimeDelta::days(1);
                self.runs.retain(|run| run.at > day_ago);
            }
        }
    }

    /// Takes a closed case back that was forgotten but for its row. One that is known stays as it is.
    pub fn restore(&mut self, case: Remediation) {
        if !self.open.contains_key(&case.id) {
            self.closed.retain(|row| row.id != case.id);
            self.open.insert(case.id.clone(), Arc::new(case));
        }
    }

    /// Keeps only the row of a case that is closed and needs nobody.
    pub(super) fn retire(&mut self, id: &RemediationId) {
        let Some(case) = self.open.get(id).cloned() else { return };
        if !case.is_open() && !case.needs_person() {
            self.open.remove(id);
            self.not_before.retain(|key, _| key.remediation != *id);
            self.closed.push_back(super::rows::row(&case));
            if self.closed.len() > CLOSED_ROWS {
                self.closed.pop_front();
            }
        }
    }

    fn fold_cluster(&mut self, recorded: &Recorded) {
        self.fold_episodes(recorded, None);
        self.ledger.fold(recorded, None);
        match &recorded.event {
            Event::Stopped { by, reason } => {
                let line = format!("everything is stopped by {by}: {reason}");
                self.note(recorded.at, None, &line);
                let (by, reason) = (by.clone(), reason.clone());
                self.stop = Some(Stop { by, reason, since: recorded.at });
            }
            Event::Started { by, reason } => {
                self.note(recorded.at, None, &format!("the stop is lifted by {by}: {reason}"));
                self.stop = None;
                self.halted = false;
            }
            Event::BreakerMoved(_) | Event::BreakerSet { .. } => self.fold_breaker(recorded),
            Event::Noticed { .. } => {}
            Event::Told { .. } | Event::PutBack { .. } => self.note_telling(recorded),
            Event::EngineStarted { holder, version, cluster_name, simulated } => {
                self.breakers_anew(recorded.at);
                self.mismatch = None;
                if self.settings.name.is_empty() {
                    self.settings.name.clone_from(cluster_name);
                    self.settings.simulated = *simulated;
                }
                self.note(recorded.at, None, &format!("engine {holder} ({version}) drives"));
            }
            Event::IdentityMismatch { found } => {
                self.note(recorded.at, None, &format!("another cluster answers: {found}"));
                self.mismatch = Some(found.clone());
            }
            Event::AlertIgnored { alert, why } => {
                let episode = (alert.fingerprint.as_str().to_string(), alert.starts_at);
                self.ignored.insert((episode, alert.status));
                while self.ignored.len() > EPISODES {
                    self.ignored.pop_first();
                }
                self.note(recorded.at, None, &format!("alert {} ignored: {why}", alert.name()));
            }
            Event::CommandRefused { command, why, by, .. } => {
                let line = format!("{command} by {} refused: {why}", by.os_user);
                self.note(recorded.at, None, &line);
            }
            Event::Opened { .. }
            | Event::PlanAsked { .. }
            | Event::Revised { .. }
            | Event::Steered { .. }
            | Event::AlertJoined { .. }
            | Event::Diagnosed { .. }
            | Event::Stuck { .. }
            | Event::Advised { .. }
            | Event::Planned { .. }
            | Event::Withheld { .. }
            | Event::ApprovalRequested { .. }
            | Event::PlanVoided { .. }
            | Event::Decided { .. }
            | Event::Expired { .. }
            | Event::ExecutionStarted { .. }
            | Event::StepChanged { .. }
            | Event::ItemsFound { .. }
            | Event::StepDecided { .. }
            | Event::AttemptStarted { .. }
            | Event::AttemptEnded { .. }
            | Event::UndoStarted { .. }
            | Event::Closing { .. }
            | Event::ExecutionEnded { .. }
            | Event::Judged { .. }
            | Event::Closed { .. }
            | Event::Claimed { .. } => {}
        }
    }

    pub(super) fn note(&mut self, at: Timestamp, id: Option<&RemediationId>, line: &str) {
        self.log.push_back((at, id.cloned(), line.to_string()));
        if self.log.len() > LOG_LINES {
            self.log.pop_front();
        }
    }

    /// Makes an event true: gives it position and time, folds it, and notes it in `out`.
    pub(super) fn emit(
        &mut self,
        out: &mut Accepted,
        now: Timestamp,
        by: &Principal,
        subject: Option<&RemediationId>,
        event: Event,
    ) {
        let at = self.last_at.map_or(now, |last| last.max(now));
        let cause = match &event {
            Event::AttemptStarted { attempt, .. } | Event::AttemptEnded { attempt, .. } => {
                attempt.as_str().to_string()
            }
            Event::Opened { alert, .. } | Event::AlertJoined { alert } => {
                alert.fingerprint.as_str().to_string()
            }
            Event::EngineStarted { .. }
            | Event::PlanAsked { .. }
            | Event::Revised { .. }
            | Event::Steered { .. }
            | Event::AlertIgnored { .. }
            | Event::Diagnosed { .. }
            | Event::Stuck { .. }
            | Event::Advised { .. }
            | Event::Planned { .. }
            | Event::Withheld { .. }
            | Event::ApprovalRequested { .. }
            | Event::PlanVoided { .. }
            | Event::Decided { .. }
            | Event::CommandRefused { .. }
            | Event::Expired { .. }
            | Event::ExecutionStarted { .. }
            | Event::StepChanged { .. }
            | Event::ItemsFound { .. }
            | Event::StepDecided { .. }
            | Event::UndoStarted { .. }
            | Event::Closing { .. }
            | Event::ExecutionEnded { .. }
            | Event::Judged { .. }
            | Event::Closed { .. }
            | Event::Claimed { .. }
            | Event::Stopped { .. }
            | Event::Started { .. }
            | Event::BreakerMoved(_)
            | Event::BreakerSet { .. }
            | Event::Noticed { .. }
            | Event::Told { .. }
            | Event::PutBack { .. }
            | Event::IdentityMismatch { .. } => String::new(),
        };
        if let Event::AttemptStarted { attempt, .. } = &event {
            self.issued.insert(attempt.clone());
        }
        let by = by.describe();
        let recorded =
            Recorded { seq: self.seq + 1, at, by, cause, subject: subject.cloned(), event };
        self.fold(&recorded);
        out.events.push(recorded);
    }

    /// Notes that this engine drives now.
    pub fn engine_started(&mut self, holder: &str, version: &str, now: Timestamp) -> Accepted {
        let mut out = Accepted::default();
        let event = Event::EngineStarted {
            holder: holder.into(),
            version: version.into(),
            cluster_name: self.settings.name.clone(),
            simulated: self.settings.simulated,
        };
        self.emit(&mut out, now, &Principal::engine(), None, event);
        out
    }

    /// Milliseconds: what the store keeps of a time.
    #[must_use]
    pub fn stored_time(now: Timestamp) -> Timestamp {
        chrono::DateTime::from_timestamp_millis(now.timestamp_millis()).unwrap_or(now)
    }
}
