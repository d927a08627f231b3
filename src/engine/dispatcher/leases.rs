//! Holding the two leases: one in the store (fences the log), one in the cluster (excludes engines with other stores).
//!
//! ```text
//! store free ─► ours ─► cluster free ──────────────► driving
//!                 │     held, not renewed for its ttl and one request ─► driving
//!                 │     held by another ─► observing
//! store held by another ─► following
//! ```

use crate::domain::id::ClusterId;
use crate::engine::outside::Outside;
use crate::engine::snapshot::Role;
use crate::ports::cluster::{ClusterError, LeaseView};
use crate::ports::store::{StoreError, StoreLease};
use std::time::Duration;

/// Who is said to have stopped everything when the Lease's annotation says so.
pub(super) const LEASE_STOP: &str = "the Lease's annotation";

/// What is held, and what was seen of somebody else's.
#[derive(Debug, Clone)]
pub struct Leases {
    /// Name under which they are held.
    pub holder: String,
    /// Time to live, in seconds.
    pub ttl_s: u64,
    /// The store's.
    pub store: Option<StoreLease>,
    /// Until when the store's holds, on the monotonic clock.
    pub store_until: Duration,
    /// Until when the cluster's holds, on the monotonic clock; zero: not held.
    pub cluster_until: Duration,
    /// Version of another's Lease, and when it was first seen so.
    pub watched: Option<(String, Duration)>,
}

/// What one round brought.
#[derive(Debug)]
pub struct Round {
    /// What is held now.
    pub leases: Leases,
    /// What this engine is.
    pub role: Role,
    /// A stop flag that was seen: who and why.
    pub stop: Option<(String, String)>,
    /// Another cluster answers.
    pub mismatch: Option<String>,
    /// Why the store could not be used.
    pub store_error: Option<String>,
    /// Why the cluster could not be asked.
    pub cluster_error: Option<String>,
}

impl Leases {
    /// Until when both hold.
    #[must_use]
    pub fn until(&self) -> Duration {
        self.store_until.min(self.cluster_until)
    }
}

/// Renews, or tries to take, both leases; looks at the stop flags and at who the cluster is.
pub async fn round(outside: &Outside, cluster: &ClusterId, mut leases: Leases) -> Round {
    let mut store_error = None;
    let start = outside.clock.monotonic();
    let ttl = Duration::from_secs(leases.ttl_s);
    let held = match &leases.store {
        Some(lease) => outside.store.renew(lease, leases.ttl_s).await,
        None => outside.store.acquire(cluster, &leases.holder, leases.ttl_s).await,
    };
    let mut follow = None;
    match held {
        Ok(lease) => {
            leases.store = Some(lease);
            leases.store_until = start + ttl;
        }
        Err(StoreError::Held { holder, .. }) => {
            leases.store = None;
            follow = Some(holder);
        }
        Err(StoreError::Fenced) => {
            leases.store = None;
            follow = Some("a newer engine".into());
        }
        Err(
            error @ (StoreError::Conflict { .. }
            | StoreError::Unavailable(_)
            | StoreError::Unknown(_)
            | StoreError::Corrupt(_)
            | StoreError::Refused(_)),
        ) => store_error = Some(error.to_string()),
    }
    let mut stop = match outside.store.stop_flag(cluster).await {
        Ok(flag) => flag.map(|flag| (flag.by, flag.reason)),
        Err(error) => {
            store_error.get_or_insert_with(|| error.to_string());
            None
        }
    };
    let (mismatch, mut cluster_error) = identity(outside, cluster).await;
    let role = match (follow, &mismatch) {
        (Some(holder), _) => Role::Following { holder },
        (None, Some(found)) => Role::Locked { why: found.clone() },
        (None, None) if leases.store.is_none() => Role::Starting,
        (None, None) => match hold(outside, &mut leases).await {
            Ok(role) => role,
            Err(error) => {
                cluster_error = Some(error.clone());
                if outside.clock.monotonic() < leases.cluster_until {
                    Role::Driving
                } else {
                    Role::Observing { why: format!("the Lease can't be held: {error}") }
                }
            }
        },
    };
    if let Ok(Some(LeaseView { stop: Some(text), .. })) = outside.cluster.lease().await {
        stop = stop.or(Some((LEASE_STOP.into(), text)));
    }
    Round { leases, role, stop, mismatch, store_error, cluster_error }
}

async fn identity(outside: &Outside, cluster: &ClusterId) -> (Option<String>, Option<String>) {
    match outside.cluster.identity().await {
        Ok(found) if found.cluster == *cluster => (None, None),
        Ok(found) => {
            let why = format!("cluster {} answers, pinned is {cluster}", found.cluster);
            (Some(why), None)
        }
        Err(error) => (None, Some(error.to_string())),
    }
}

async fn hold(outside: &Outside, leases: &mut Leases) -> Result<Role, String> {
    let start = outside.clock.monotonic();
    let seen = outside.cluster.lease().await.map_err(|error| error.to_string())?;
    let mut expected = None;
    if let Some(other) =
        seen.filter(|lease| !lease.holder.is_empty() && lease.holder != leases.holder)
    {
        leases.cluster_until = Duration::ZERO;
        let since = match &leases.watched {
            Some((version, since)) if *version == other.version => *since,
            Some(_) | None => {
                leases.watched = Some((other.version.clone(), start));
                start
            }
        };
        // Nothing of the old holder can be on its way any more once its time to live and one request have passed.
        let quiet = start.saturating_sub(since);
        if quiet < Duration::from_secs(other.ttl_s) + outside.request_timeout {
            return Ok(Role::Observing { why: format!("{} drives this cluster", other.holder) });
        }
        expected = Some(other.version);
    }
    let ttl = leases.ttl_s;
    match outside.cluster.hold_lease(&leases.holder, ttl, expected.as_deref()).await {
        Ok(_) => {
            leases.watched = None;
            leases.cluster_until = start + Duration::from_secs(ttl);
            Ok(Role::Driving)
        }
        Err(ClusterError::Refused(why)) => {
            leases.cluster_until = Duration::ZERO;
            Ok(Role::Observing { why: format!("another engine took the Lease: {why}") })
        }
        Err(ClusterError::NotPermitted(why)) => {
            leases.cluster_until = Duration::ZERO;
            Ok(Role::Observing { why: format!("the Lease may not be held: {why}") })
        }
        Err(ClusterError::Unavailable(why)) => Err(why),
    }
}
