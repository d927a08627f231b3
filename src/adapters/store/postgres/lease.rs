//! The store lease: one row for each cluster, changed under its lock, timed by the server's clock.

use super::open::PostgresStore;
use super::text::{given, stored};
use crate::adapters::store::keeping::{TTL_LIMIT_S, broken, number};
use crate::domain::id::ClusterId;
use crate::domain::time::Timestamp;
use crate::ports::store::{StoreError, StoreLease};

const ACQUIRE: &str =
    "SELECT taken, by_whom, its_fence, ends FROM pilothouse.acquire($1, $2, $3::double precision)";

const RENEW: &str = "
UPDATE pilothouse.lease
SET until = date_trunc('milliseconds', clock_timestamp()) + make_interval(secs => $4::double precision)
WHERE stream = (SELECT id FROM pilothouse.stream WHERE cluster = $1) AND holder = $2 AND fence = $3
  AND until > clock_timestamp()
RETURNING until";

/// Whether it was taken, who holds it, its fence, its end.
type Row = (Option<bool>, Option<String>, Option<i64>, Option<Timestamp>);

impl PostgresStore {
    pub(super) async fn lease_acquire(
        &self,
        cluster: &ClusterId,
        holder: &str,
        ttl_s: u64,
    ) -> Result<StoreLease, StoreError> {
        let query = sqlx::query_as::<_, Row>(ACQUIRE)
            .bind(stored(cluster.as_str()))
            .bind(stored(holder))
            .bind(seconds(ttl_s));
        let row = self.writing(query.fetch_one(&self.pool)).await?;
        let (Some(taken), Some(holder), Some(fence), Some(until)) = row else {
            return Err(broken(cluster, "it is not there"));
        };
        let holder = given(holder).ok_or_else(|| broken(cluster, "its holder can't be read"))?;
        let fence =
            u64::try_from(fence).map_err(|_| broken(cluster, "its fence is out of range"))?;
        if !taken {
            return Err(StoreError::Held { holder, until });
        }
        Ok(StoreLease { cluster: cluster.clone(), holder, fence, until })
    }

    pub(super) async fn lease_renew(
        &self,
        lease: &StoreLease,
        ttl_s: u64,
    ) -> Result<StoreLease, StoreError> {
        let query = sqlx::query_scalar::<_, Timestamp>(RENEW)
            .bind(stored(lease.cluster.as_str()))
            .bind(stored(&lease.holder))
            .bind(number(lease.fence)?)
            .bind(seconds(ttl_s));
        let until = self.writing(query.fetch_optional(&self.pool)).await?;
        let until = until.ok_or(StoreError::Fenced)?;
        Ok(StoreLease { until, ..lease.clone() })
    }
}

fn seconds(ttl_s: u64) -> i64 {
    i64::try_from(ttl_s.min(TTL_LIMIT_S)).unwrap_or(0)
}
