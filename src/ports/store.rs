//! The store: append-only log, store lease, blobs, inbox, stop flag.

use crate::domain::alert::Alert;
use crate::domain::envelope::{Envelope, Head};
use crate::domain::id::{BatchId, ClusterId, RemediationId};
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The right to append to one cluster's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreLease {
    /// Which log.
    pub cluster: ClusterId,
    /// Who holds it.
    pub holder: String,
    /// Grows with each new holder; older ones are refused.
    pub fence: u64,
    /// When it lapses, on the store's clock.
    pub until: Timestamp,
}

/// What went wrong with the store.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds the lease.
    #[error("the store's lease for this cluster is held by {holder} until {until}")]
    Held {
        /// By whom.
        holder: String,
        /// Until when.
        until: Timestamp,
    },
    /// The lease was lost: it lapsed, was given back, or a newer holder took it. Nothing was written; acquire it
    /// again and read the log anew.
    #[error("the store's lease was lost: it lapsed, or a newer engine writes this log")]
    Fenced,
    /// The log has moved on: its head is another.
    #[error("the log moved: its head is event {found}, expected {expected}")]
    Conflict {
        /// Head that was expected.
        expected: u64,
        /// Head that is there.
        found: u64,
    },
    /// It can't be reached or written; nothing was written.
    #[error("the store can't be used: {0}")]
    Unavailable(String),
    /// What was handed in can't be stored, and never will be as it is; nothing was written. The store itself works.
    #[error("the store refuses this: {0}")]
    Refused(String),
    /// It is not known whether it was written.
    #[error("the store did not answer: {0}")]
    Unknown(String),
    /// Rows in it don't make sense.
    #[error("the store holds something unreadable: {0}")]
    Corrupt(String),
}

/// One event to append: an [`Envelope`] without position and hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// What led to it.
    pub cause: String,
    /// The remediation it belongs to.
    pub subject: Option<RemediationId>,
    /// Kind.
    pub kind: String,
    /// Version of the payload.
    pub schema: u16,
    /// Payload (JSON).
    pub payload: Vec<u8>,
}

/// One row of the index: what lists need without folding the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexRow {
    /// Identity.
    pub id: RemediationId,
    /// Whether it is open or needs a person: such are folded when an engine starts.
    pub live: bool,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Position of its first event.
    pub first_seq: u64,
    /// Position of its last event.
    pub last_seq: u64,
}

/// What lies in the inbox.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InboxItem {
    /// An alert.
    Alert(Alert),
    /// Stop everything.
    Stop {
        /// Who, in one line.
        by: String,
        /// Why.
        reason: String,
    },
}

/// An item with its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Delivered {
    /// Number in the inbox; grows.
    pub number: u64,
    /// When it was put there.
    pub at: Timestamp,
    /// The item.
    pub item: InboxItem,
}

/// The stop flag in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopFlag {
    /// Who, in one line.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub since: Timestamp,
}

/// How many readings (one for each diagnosis, one for each plan) a store keeps.
pub const READS_KEPT: usize = 400;
/// Most bytes of one reading; a larger one is not kept.
pub const READS_LIMIT: usize = 1024 * 1024;

/// The store.
#[async_trait::async_trait]
pub trait Store: Send + Sync {
    /// Takes the lease: free, lapsed, or held by this `holder`. The fence grows.
    async fn acquire(
        &self,
        cluster: &ClusterId,
        holder: &str,
        ttl_s: u64,
    ) -> Result<StoreLease, StoreError>;
    /// Prolongs it.
    async fn renew(&self, lease: &StoreLease, ttl_s: u64) -> Result<StoreLease, StoreError>;
    /// Gives it back.
    async fn release(&self, lease: &StoreLease) -> Result<(), StoreError>;
    /// Appends a batch durably, if `expected` is the head, and takes the inbox items `taken` out in the same
    /// transaction. The same batch id again changes nothing and returns the head after it.
    async fn append(
        &self,
        lease: &StoreLease,
        expected: &Head,
        batch: &BatchId,
        drafts: Vec<Draft>,
        index: Vec<IndexRow>,
        taken: Vec<u64>,
    ) -> Result<Vec<Envelope>, StoreError>;
    /// The head of a log.
    async fn head(&self, cluster: &ClusterId) -> Result<Head, StoreError>;
    /// Events after a position, in order, at most `limit`; of one remediation when `subject` is given.
    async fn read(
        &self,
        cluster: &ClusterId,
        after: u64,
        limit: u32,
        subject: Option<&RemediationId>,
    ) -> Result<Vec<Envelope>, StoreError>;
    /// Index rows, newest first: live ones only, or all. At most `limit`, starting after `skip`.
    async fn index(
        &self,
        cluster: &ClusterId,
        live_only: bool,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<IndexRow>, StoreError>;
    /// Clusters that have a log here.
    async fn clusters(&self) -> Result<Vec<ClusterId>, StoreError>;
    /// Keeps bytes under their SHA-256.
    async fn put_blob(&self, bytes: &[u8]) -> Result<String, StoreError>;
    /// Bytes by SHA-256.
    async fn blob(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Keeps what was read for a diagnosis or a plan under its SHA-256. Only the newest [`READS_KEPT`] stay: older ones
    /// go with the same write.
    async fn put_reads(&self, bytes: &[u8]) -> Result<String, StoreError>;
    /// What was read, by SHA-256; `None` when it is kept no more.
    async fn reads(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError>;
    /// Puts items into the inbox, durably, in one transaction; any process may.
    async fn put(&self, cluster: &ClusterId, items: Vec<InboxItem>)
    -> Result<Vec<u64>, StoreError>;
    /// Items that wait, oldest first. They stay until an append takes them out.
    async fn waiting(&self, cluster: &ClusterId, limit: u32) -> Result<Vec<Delivered>, StoreError>;
    /// Sets the stop flag.
    async fn set_stop(&self, cluster: &ClusterId, flag: &StopFlag) -> Result<(), StoreError>;
    /// Lifts it.
    async fn lift_stop(&self, cluster: &ClusterId) -> Result<(), StoreError>;
    /// The stop flag, if set.
    async fn stop_flag(&self, cluster: &ClusterId) -> Result<Option<StopFlag>, StoreError>;
    /// Whether it can be written, in words: where it is and how long a write takes.
    async fn probe(&self) -> Result<String, StoreError>;
}
