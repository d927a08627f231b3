//! Memory of past cases.

use crate::domain::envelope::Head;
use crate::domain::id::{ClusterId, RemediationId};
use crate::domain::memory::{PastCase, Remembered, Vector};

/// Why memory can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MemoryError {
    /// It can't be reached, or does not answer in time. What was asked to be remembered may be so or not: remembering
    /// it again changes nothing.
    #[error("memory is away: {0}")]
    Away(String),
    /// It answers, and can't be used as it is: another release's, without vectors, without the right to it.
    #[error("memory can't be used: {0}")]
    Unusable(String),
}

/// How far memory has followed a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The last event that was looked at. Position 0: none yet, or what it holds was made by another version of the
    /// features.
    pub head: Head,
    /// Past cases that it holds.
    pub cases: u64,
}

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Past cases with their similarity, 0 to 1.
    pub cases: Vec<(PastCase, f64)>,
    /// How many it knows of this cluster.
    pub among: u64,
}

/// Memory. The log is the truth and the queue: memory follows it, keeps how far it came, and can be forgotten and built
/// again from it at any time. Nothing is lost while it is away, and nothing piles up.
#[async_trait::async_trait]
pub trait Memory: Send + Sync {
    /// How far it has followed a cluster's log.
    async fn reached(&self, cluster: &ClusterId) -> Result<Reached, MemoryError>;
    /// Keeps these cases, each instead of what it knew of the same case, and that it has followed the log up to `head`:
    /// both or neither. Cases of another version of the features go with it.
    async fn remember(
        &self,
        cluster: &ClusterId,
        cases: &[Remembered],
        head: &Head,
    ) -> Result<Reached, MemoryError>;
    /// The `most` cases of the cluster that are most alike, without `but`: the most alike first; of those alike by as
    /// much the one that ended last, then by id.
    async fn similar(
        &self,
        cluster: &ClusterId,
        vector: &Vector,
        most: usize,
        but: Option<&RemediationId>,
    ) -> Result<Found, MemoryError>;
    /// Forgets all of a cluster: it will be built again from the log.
    async fn forget(&self, cluster: &ClusterId) -> Result<(), MemoryError>;
    /// Whether it works, in words: where it is, and what it holds.
    async fn health(&self) -> Result<String, MemoryError>;
}
