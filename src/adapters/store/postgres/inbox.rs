//! What reaches the engine through the store: the inbox and the stop flag.

use super::log::text;
use super::open::PostgresStore;
use super::text::stored;
use crate::adapters::store::sealing::{parse_time, to_milliseconds};
use crate::domain::id::ClusterId;
use crate::domain::time::{Timestamp, rfc3339};
use crate::ports::store::{Delivered, InboxItem, StopFlag, StoreError};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

const PUT: &str = "SELECT put FROM pilothouse.put($1, $2)";

const WAITING: &str = "
SELECT number, at, item FROM pilothouse.inbox
WHERE stream = (SELECT id FROM pilothouse.stream WHERE cluster = $1) ORDER BY number LIMIT $2";

const SET_STOP: &str = "SELECT pilothouse.set_stop($1, $2, $3, $4)";

const LIFT_STOP: &str = "
DELETE FROM pilothouse.stop WHERE stream = (SELECT id FROM pilothouse.stream WHERE cluster = $1)";

const STOP: &str = "
SELECT who, reason, since FROM pilothouse.stop
WHERE stream = (SELECT id FROM pilothouse.stream WHERE cluster = $1)";

impl PostgresStore {
    pub(super) async fn inbox_put(
        &self,
        cluster: &ClusterId,
        items: &[InboxItem],
    ) -> Result<Vec<u64>, StoreError> {
        // JSON writes a NUL as \u0000: it is a text that PostgreSQL holds as it is.
        let texts =
            items.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>().map_err(
                |error| StoreError::Refused(format!("an item has no JSON form: {error}")),
            )?;
        let query = sqlx::query_scalar::<_, i64>(PUT).bind(stored(cluster.as_str())).bind(texts);
        let mut numbers = self.writing(query.fetch_all(&self.pool)).await?;
        numbers.sort_unstable();
        Ok(numbers.into_iter().map(i64::unsigned_abs).collect())
    }

    pub(super) async fn inbox_waiting(
        &self,
        cluster: &ClusterId,
        limit: u32,
    ) -> Result<Vec<Delivered>, StoreError> {
        let query = sqlx::query(WAITING).bind(stored(cluster.as_str())).bind(i64::from(limit));
        let rows = self.reading(query.fetch_all(&self.pool)).await?;
        rows.iter().map(|row| delivered(row, cluster)).collect()
    }

    pub(super) async fn stop_set(
        &self,
        cluster: &ClusterId,
        flag: &StopFlag,
    ) -> Result<(), StoreError> {
        let query = sqlx::query(SET_STOP)
            .bind(stored(cluster.as_str()))
            .bind(stored(&flag.by))
            .bind(stored(&flag.reason))
            .bind(rfc3339(to_milliseconds(flag.since)?));
        self.writing(query.execute(&self.pool)).await.map(drop)
    }

    pub(super) async fn stop_lift(&self, cluster: &ClusterId) -> Result<(), StoreError> {
        let query = sqlx::query(LIFT_STOP).bind(stored(cluster.as_str()));
        self.writing(query.execute(&self.pool)).await.map(drop)
    }

    pub(super) async fn stop_read(
        &self,
        cluster: &ClusterId,
    ) -> Result<Option<StopFlag>, StoreError> {
        let query = sqlx::query(STOP).bind(stored(cluster.as_str()));
        let Some(row) = self.reading(query.fetch_optional(&self.pool)).await? else {
            return Ok(None);
        };
        flag(&row).map(Some).map_err(|what| {
            StoreError::Corrupt(format!("the stop flag of cluster {cluster} is set, but {what}"))
        })
    }
}

fn flag(row: &PgRow) -> Result<StopFlag, String> {
    let since = row.try_get::<String, _>(2).map_err(|error| error.to_string())?;
    let since = parse_time(&since).ok_or_else(|| format!("its time `{since}` can't be read"))?;
    Ok(StopFlag { by: text(row, 0)?, reason: text(row, 1)?, since })
}

fn delivered(row: &PgRow, cluster: &ClusterId) -> Result<Delivered, StoreError> {
    let number = row.try_get::<i64, _>(0).unwrap_or_default();
    let read = || -> Result<Delivered, String> {
        let at = row.try_get::<Timestamp, _>(1).map_err(|error| error.to_string())?;
        let item = row.try_get::<String, _>(2).map_err(|error| error.to_string())?;
        Ok(Delivered {
            number: u64::try_from(number).map_err(|error| error.to_string())?,
            at,
            item: serde_json::from_str(&item).map_err(|error| error.to_string())?,
        })
    };
    read().map_err(|what| {
        StoreError::Corrupt(format!("item {number} in the inbox of cluster {cluster}: {what}"))
    })
}
