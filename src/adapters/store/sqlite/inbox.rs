//! What reaches the engine through the store: the inbox and the stop flag.

use super::open::SqliteStore;
use crate::adapters::store::sealing::{parse_time, to_milliseconds};
use crate::domain::id::ClusterId;
use crate::domain::time::rfc3339;
use crate::ports::store::{Delivered, InboxItem, StopFlag, StoreError};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

const PUT: &str = "
BEGIN IMMEDIATE;
INSERT INTO stream (cluster) VALUES ($1) ON CONFLICT DO NOTHING;
INSERT INTO inbox (stream, at, item)
SELECT (SELECT id FROM stream WHERE cluster = $1), strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), value
FROM json_each($2) ORDER BY key
RETURNING number;
COMMIT";

const WAITING: &str = "
SELECT number, at, item FROM inbox WHERE stream = (SELECT id FROM stream WHERE cluster = $1)
ORDER BY number LIMIT $2";

const SET_STOP: &str = "
BEGIN IMMEDIATE;
INSERT INTO stream (cluster) VALUES ($1) ON CONFLICT DO NOTHING;
INSERT INTO stop (stream, who, reason, since)
SELECT id, $2, $3, $4 FROM stream WHERE cluster = $1
ON CONFLICT (stream) DO UPDATE
SET who = excluded.who, reason = excluded.reason, since = excluded.since;
COMMIT";

const LIFT_STOP: &str = "
BEGIN IMMEDIATE;
DELETE FROM stop WHERE stream = (SELECT id FROM stream WHERE cluster = $1);
COMMIT";

const STOP: &str = "
SELECT who, reason, since FROM stop WHERE stream = (SELECT id FROM stream WHERE cluster = $1)";

impl SqliteStore {
    pub(super) async fn inbox_put(
        &self,
        cluster: &ClusterId,
        items: &[InboxItem],
    ) -> Result<Vec<u64>, StoreError> {
        // Each item as a text within a list, so that SQLite hands it on unread.
        let texts = items
            .iter()
            .map(serde_json::to_string)
            .collect::<Result<Vec<_>, _>>()
            .and_then(|texts| serde_json::to_string(&texts))
            .map_err(|error| StoreError::Refused(format!("an item has no JSON form: {error}")))?;
        let query = sqlx::query(PUT).bind(cluster.as_str()).bind(texts);
        let rows = self.writer.turn().await?.commit(4, query).await?;
        let mut numbers = rows
            .iter()
            .map(|row| row.try_get::<i64, _>(0).map(i64::unsigned_abs))
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| self.failed(&error))?;
        numbers.sort_unstable();
        Ok(numbers)
    }

    pub(super) async fn inbox_waiting(
        &self,
        cluster: &ClusterId,
        limit: u32,
    ) -> Result<Vec<Delivered>, StoreError> {
        let rows = sqlx::query(WAITING)
            .bind(cluster.as_str())
            .bind(i64::from(limit))
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(&error))?;
        rows.iter().map(|row| delivered(row, cluster)).collect()
    }

    pub(super) async fn stop_set(
        &self,
        cluster: &ClusterId,
        flag: &StopFlag,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(SET_STOP)
            .bind(cluster.as_str())
            .bind(flag.by.as_str())
            .bind(flag.reason.as_str())
            .bind(rfc3339(to_milliseconds(flag.since)?));
        self.writer.turn().await?.commit(4, query).await.map(drop)
    }

    pub(super) async fn stop_lift(&self, cluster: &ClusterId) -> Result<(), StoreError> {
        let query = sqlx::query(LIFT_STOP).bind(cluster.as_str());
        self.writer.turn().await?.commit(3, query).await.map(drop)
    }

    pub(super) async fn stop_read(
        &self,
        cluster: &ClusterId,
    ) -> Result<Option<StopFlag>, StoreError> {
        let row: Option<(String, String, String)> = sqlx::query_as(STOP)
            .bind(cluster.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(&error))?;
        let Some((by, reason, since)) = row else { return Ok(None) };
        let since = parse_time(&since).ok_or_else(|| {
            StoreError::Corrupt(format!(
                "the stop flag of cluster {cluster} is set, but its time `{since}` can't be read"
            ))
        })?;
        Ok(Some(StopFlag { by, reason, since }))
    }
}

fn delivered(row: &SqliteRow, cluster: &ClusterId) -> Result<Delivered, StoreError> {
    let number = row.try_get::<i64, _>(0).unwrap_or_default();
    let read = || -> Result<Delivered, String> {
        let at = row.try_get::<String, _>(1).map_err(|error| error.to_string())?;
        let item = row.try_get::<String, _>(2).map_err(|error| error.to_string())?;
        Ok(Delivered {
            number: u64::try_from(number).map_err(|error| error.to_string())?,
            at: parse_time(&at).ok_or_else(|| format!("its time `{at}` can't be read"))?,
            item: serde_json::from_str(&item).map_err(|error| error.to_string())?,
        })
    };
    read().map_err(|what| {
        StoreError::Corrupt(format!("item {number} in the inbox of cluster {cluster}: {what}"))
    })
}
