//! Numbers and leases as both databases keep them.

use crate::domain::id::ClusterId;
use crate::ports::store::StoreError;

/// Longest lease, in seconds; SQLite's date arithmetic has limits.
pub(super) const TTL_LIMIT_S: u64 = 366 * 24 * 3_600;
/// Giving back is renewing for no time: the row stays, so that the fence goes on growing.
pub(super) const RELEASED: u64 = 0;

/// A number as a database keeps it.
pub(super) fn number(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value)
        .map_err(|_| StoreError::Refused(format!("{value} is too large a number for the store")))
}

/// What is stored of a lease makes no sense.
pub(super) fn broken(cluster: &ClusterId, what: &str) -> StoreError {
    StoreError::Corrupt(format!("the lease of cluster {cluster}: {what}"))
}
