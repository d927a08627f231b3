//! The desk: commands that people leave in a store which several share, and the receipts that go back to them.

use super::store::{StoreError, StoreLease};
use crate::domain::principal::KubeIdentity;
use std::time::Duration;

/// A command that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Its number; the receipt goes there.
    pub number: u64,
    /// The role that connected, as the store itself stamped it.
    pub role: String,
    /// Whether that is the role of the engine that takes it.
    pub own: bool,
    /// How long it has waited, on the store's clock.
    pub age: Duration,
    /// JSON of the engine's `Command`.
    pub command_json: String,
    /// What the caller says of the person's Kubernetes identity: a claim.
    pub kube: Option<KubeIdentity>,
    /// Host, for the record only.
    pub host: String,
    /// Terminal, for the record only.
    pub tty: String,
}

/// Where commands are left.
#[async_trait::async_trait]
pub trait Desk: Send + Sync {
    /// Takes what waits, oldest first; each is taken once, and only under a lease that holds.
    async fn take(&self, lease: &StoreLease, limit: u32) -> Result<Vec<Left>, StoreError>;
    /// Leaves the receipt (JSON of the engine's `Receipt`).
    async fn answer(&self, number: u64, receipt_json: &str) -> Result<(), StoreError>;
}
