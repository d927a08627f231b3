//! What lists and headers show: built from the log, the same for every engine that reads it, and a live part with
//! the ages of sources.

use crate::domain::breaker::View;
use crate::domain::effectiveness::Record;
use crate::domain::event::Outcome;
use crate::domain::id::{PlanDigest, RemediationId};
use crate::domain::notify::Shown;
use crate::domain::policy::Mode;
use crate::domain::remediation::{Remediation, State};
use crate::domain::time::Timestamp;
use crate::domain::workflow::history::History;
use crate::domain::workflow::plan::Risk;
use crate::domain::workflow::tree::Counts;
use std::sync::Arc;

/// What this engine is to the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// Starting: leases are not decided yet.
    Starting,
    /// It holds both leases, and executes.
    Driving,
    /// Another engine on the same store drives; this one shows its log and passes commands on.
    Following {
        /// Who drives.
        holder: String,
    },
    /// Another engine (with another store) drives, or the Lease can't be held: diagnoses and suggests only.
    Observing {
        /// Why.
        why: String,
    },
    /// The cluster behind the connection is not the pinned one: nothing is written.
    Locked {
        /// Why.
        why: String,
    },
}

/// One row of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Identity.
    pub id: RemediationId,
    /// Shortest prefix (at least 4) that no other has.
    pub short: u8,
    /// Where it is.
    pub state: State,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// Whether a person has to act.
    pub needs_person: bool,
    /// Whether that is to answer a step that asks.
    pub asks: bool,
    /// `payments/deploy/ledger-api`.
    pub target: Arc<str>,
    /// In a few words: `raise limit`, `drain 11/14, budget`, `3:10 to settle` is made by the screen from `due`.
    pub what: Arc<str>,
    /// Pattern and cause, once known.
    pub cause: Arc<str>,
    /// The standing plan and its risk.
    pub plan: Option<(PlanDigest, Risk)>,
    /// When the request lapses, the settle time ends, or the wait gives up.
    pub due: Option<Timestamp>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When its last event was.
    pub updated_at: Timestamp,
    /// Steps finished and all, while executing.
    pub progress: Option<Counts>,
    /// Alerts that belong to it, and how many fire.
    pub alerts: (u16, u16),
    /// Who claimed it.
    pub claimed_by: Option<Arc<str>>,
    /// First and last position of its events in the log.
    pub events: (u64, u64),
}

/// Health of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// `cluster`, `store`, `prometheus`, `alertmanager`.
    pub name: &'static str,
    /// Whether it answered at the last try; `None`: not configured or not tried yet.
    pub ok: Option<bool>,
    /// When it last answered.
    pub good_at: Option<Timestamp>,
    /// In words.
    pub note: String,
}

/// A stop in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stop {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// The picture that screens and lists draw.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The cluster's display name.
    pub cluster: String,
    /// Whether the cluster is simulated; with scenario and seed in words.
    pub simulated: Option<String>,
    /// How much the engine may do.
    pub mode: Mode,
    /// What this engine is.
    pub role: Role,
    /// Stop in force.
    pub stop: Option<Stop>,
    /// Why the store can't be written, and since when.
    pub store_down: Option<(String, Timestamp)>,
    /// All open cases, those that need a person, and closed ones of the last 24 h (at most 10,000 in all), in the
    /// order of the overview: needs you (nearest deadline first), acting, held, done (newest first).
    pub rows: Arc<Vec<Row>>,
    /// The whole of open cases and of those that need a person.
    pub open: Arc<std::collections::BTreeMap<RemediationId, Arc<Remediation>>>,
    /// How long steps usually take.
    pub history: Arc<History>,
    /// Records of the cases that ended, oldest first: what figures are computed from.
    pub records: Arc<Vec<Record>>,
    /// Position of the last event folded.
    pub seq: u64,
    /// The last thing that happened: when and a sentence.
    pub last: Option<(Timestamp, String)>,
    /// Newest log lines (event sentences), newest last, at most 200.
    pub log: Arc<Vec<(Timestamp, Option<RemediationId>, String)>>,
    /// Sources and their ages.
    pub sources: Vec<Source>,
    /// Breakers, those that are not closed first.
    pub breakers: Arc<Vec<View>>,
    /// Channels over which people are told, what waits for them, and dead letters.
    pub telling: Arc<Shown>,
    /// Alerts firing now among open cases.
    pub firing: u32,
    /// The engine's clock when this was made (virtual in the simulation).
    pub at: Timestamp,
    /// Speed of the engine's clock against the wall (1 but in the simulation).
    pub speed: u32,
}

impl Snapshot {
    /// Rows that need a person.
    pub fn needing_you(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(|row| row.needs_person)
    }
}
