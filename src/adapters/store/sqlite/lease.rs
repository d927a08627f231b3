//! The store lease: one row for each cluster, changed under SQLite's write lock, timed by SQLite's clock.

use super::open::SqliteStore;
use crate::adapters::store::keeping::{TTL_LIMIT_S, broken, number};
use crate::adapters::store::sealing::parse_time;
use crate::domain::id::ClusterId;
use crate::domain::time::Timestamp;
use crate::ports::store::{StoreError, StoreLease};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// The first row that comes back tells whether it was taken (1) or is somebody else's (0).
const ACQUIRE: &str = "
BEGIN IMMEDIATE;
INSERT INTO stream (cluster) VALUES ($1) ON CONFLICT DO NOTHING;
INSERT INTO lease (stream, holder, fence, until)
SELECT id, $2, 1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now', $3) FROM stream WHERE cluster = $1
ON CONFLICT (stream) DO UPDATE
SET holder = excluded.holder, fence = lease.fence + 1, until = excluded.until
WHERE lease.holder = excluded.holder OR lease.until <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
RETURNING 1, holder, fence, until;
SELECT 0, holder, fence, until FROM lease WHERE stream = (SELECT id FROM stream WHERE cluster = $1);
COMMIT";

const RENEW: &str = "
BEGIN IMMEDIATE;
UPDATE lease SET until = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', $4)
WHERE stream = (SELECT id FROM stream WHERE cluster = $1) AND holder = $2 AND fence = $3
  AND until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
RETURNING 1, holder, fence, until;
COMMIT";

impl SqliteStore {
    pub(super) async fn lease_acquire(
        &self,
        cluster: &ClusterId,
        holder: &str,
        ttl_s: u64,
    ) -> Result<StoreLease, StoreError> {
        let query = sqlx::query(ACQUIRE).bind(cluster.as_str()).bind(holder).bind(modifier(ttl_s));
        let rows = self.writer.turn().await?.commit(5, query).await?;
        let row = rows.first().ok_or_else(|| broken(cluster, "it is not there"))?;
        let (taken, holder, fence, until) = lease_row(row, cluster)?;
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
        let query = sqlx::query(RENEW)
            .bind(lease.cluster.as_str())
            .bind(lease.holder.as_str())
            .bind(number(lease.fence)?)
            .bind(modifier(ttl_s));
        let rows = self.writer.turn().await?.commit(3, query).await?;
        let row = rows.first().ok_or(StoreError::Fenced)?;
        let (_, _, _, until) = lease_row(row, &lease.cluster)?;
        Ok(StoreLease { until, ..lease.clone() })
    }
}

fn modifier(ttl_s: u64) -> String {
    format!("+{} seconds", ttl_s.min(TTL_LIMIT_S))
}

fn lease_row(
    row: &SqliteRow,
    cluster: &ClusterId,
) -> Result<(bool, String, u64, Timestamp), StoreError> {
    let text = |column: usize| {
        row.try_get::<String, _>(column).map_err(|error| broken(cluster, &error.to_string()))
    };
    let whole = |column: usize| {
        row.try_get::<i64, _>(column).map_err(|error| broken(cluster, &error.to_string()))
    };
    let fence =
        u64::try_from(whole(2)?).map_err(|_| broken(cluster, "its fence is out of range"))?;
    let until = text(3)?;
    let until = parse_time(&until)
        .ok_or_else(|| broken(cluster, &format!("its time `{until}` can't be read")))?;
    Ok((whole(0)? == 1, text(1)?, fence, until))
}
