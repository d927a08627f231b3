//! Reads the log without driving: for verbs in other processes, and for engines that follow.

use super::snapshot::Snapshot;
use crate::domain::event::Recorded;
use crate::domain::id::ClusterId;
use crate::domain::remediation::Remediation;
use crate::domain::time::Timestamp;
use crate::ports::store::{Store, StoreError};

/// Why a case can't be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing has that prefix.
    #[error("no remediation starts with `{0}`")]
    NotFound(String),
    /// Several have.
    #[error("`{prefix}` is not unique: {matches}")]
    Ambiguous {
        /// What was asked.
        prefix: String,
        /// What has it.
        matches: String,
    },
    /// An event can't be read.
    #[error("event {seq}: {why}")]
    Event {
        /// Position.
        seq: u64,
        /// Why.
        why: String,
    },
}

/// What `audit verify` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Events checked.
    pub events: u64,
    /// Hash of the last one.
    pub head: String,
    /// What is wrong, if anything.
    pub broken: Option<String>,
}

/// The picture of one cluster's log.
pub async fn snapshot(
    _store: &dyn Store,
    _cluster: &ClusterId,
    _now: Timestamp,
) -> Result<Snapshot, ReadError> {
    Err(ReadError::NotFound(String::new()))
}

/// One case by id or unique prefix, with its events.
pub async fn remediation(
    _store: &dyn Store,
    _cluster: &ClusterId,
    prefix: &str,
) -> Result<(Remediation, Vec<Recorded>), ReadError> {
    Err(ReadError::NotFound(prefix.into()))
}

/// Walks the whole chain.
pub async fn audit(_store: &dyn Store, _cluster: &ClusterId) -> Result<Audit, ReadError> {
    Err(ReadError::NotFound(String::new()))
}
