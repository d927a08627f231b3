//! Reading events, heads, the index and clusters.

use super::open::SqliteStore;
use crate::adapters::store::sealing::parse_time;
use crate::domain::envelope::{Envelope, Head};
use crate::domain::id::{BatchId, ClusterId, RemediationId};
use crate::ports::store::{IndexRow, StoreError};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row as _, Sqlite};

/// The columns of an event, in the order in which [`envelope`] reads them.
macro_rules! event_columns {
    () => {
        "SELECT seq, at, who, cause, subject, fence, batch, kind, schema, encoding, payload, prev, hash FROM event "
    };
}

const READ: &str = concat!(
    event_columns!(),
    "WHERE stream = (SELECT id FROM stream WHERE cluster = $1) AND seq > $2 ORDER BY seq LIMIT $3"
);

const READ_SUBJECT: &str = concat!(
    event_columns!(),
    "WHERE stream = (SELECT id FROM stream WHERE cluster = $1) AND subject = $4 AND seq > $2
     ORDER BY seq LIMIT $3"
);

const READ_BATCH: &str =
    concat!(event_columns!(), "WHERE stream = $1 AND seq BETWEEN $2 AND $3 ORDER BY seq");

const HEAD: &str = "
SELECT seq, hash FROM event WHERE stream = (SELECT id FROM stream WHERE cluster = $1)
ORDER BY seq DESC LIMIT 1";

const INDEX: &str = "
SELECT id, live, opened_at, first_seq, last_seq FROM remediation
WHERE stream = (SELECT id FROM stream WHERE cluster = $1)
ORDER BY first_seq DESC, id LIMIT $2 OFFSET $3";

const INDEX_LIVE: &str = "
SELECT id, live, opened_at, first_seq, last_seq FROM remediation
WHERE stream = (SELECT id FROM stream WHERE cluster = $1) AND live = 1
ORDER BY first_seq DESC, id LIMIT $2 OFFSET $3";

const CLUSTERS: &str = "
SELECT cluster FROM stream WHERE EXISTS (SELECT 1 FROM event WHERE event.stream = stream.id)
ORDER BY cluster";

/// The events of a batch, for a connection that is in a transaction.
pub(super) fn batch_events(
    stream: i64,
    first: i64,
    last: i64,
) -> Query<'static, Sqlite, SqliteArguments> {
    sqlx::query(READ_BATCH).bind(stream).bind(first).bind(last)
}

/// Reads one row of events.
pub(super) fn envelope(row: &SqliteRow, cluster: &ClusterId) -> Result<Envelope, StoreError> {
    let position: i64 = row.try_get(0).map_err(|error| {
        StoreError::Corrupt(format!("an event of cluster {cluster} has no position: {error}"))
    })?;
    event(row, cluster, position).map_err(|what| {
        StoreError::Corrupt(format!("event {position} of cluster {cluster}: {what}"))
    })
}

fn event(row: &SqliteRow, cluster: &ClusterId, position: i64) -> Result<Envelope, String> {
    let text = |column: usize| row.try_get::<String, _>(column).map_err(|e| e.to_string());
    let whole = |column: usize| row.try_get::<i64, _>(column).map_err(|e| e.to_string());
    let out_of_range = |what: &str| format!("its {what} is out of range");
    let at = text(1)?;
    Ok(Envelope {
        stream: cluster.clone(),
        seq: u64::try_from(position).map_err(|_| out_of_range("position"))?,
        at: parse_time(&at).ok_or_else(|| format!("its time `{at}` can't be read"))?,
        by: text(2)?,
        cause: text(3)?,
        subject: row
            .try_get::<Option<String>, _>(4)
            .map_err(|e| e.to_string())?
            .map(RemediationId::new),
        fence: u64::try_from(whole(5)?).map_err(|_| out_of_range("fence"))?,
        batch: BatchId::new(text(6)?),
        kind: text(7)?,
        schema: u16::try_from(whole(8)?).map_err(|_| out_of_range("schema"))?,
        encoding: u8::try_from(whole(9)?).map_err(|_| out_of_range("encoding"))?,
        payload: row.try_get(10).map_err(|e| e.to_string())?,
        prev: text(11)?,
        hash: text(12)?,
    })
}

fn index_row(row: &SqliteRow, cluster: &ClusterId) -> Result<IndexRow, StoreError> {
    let read = || -> Result<IndexRow, String> {
        let seq = |column: usize| {
            let value = row.try_get::<i64, _>(column).map_err(|e| e.to_string())?;
            u64::try_from(value).map_err(|_| format!("its position {value} is out of range"))
        };
        let at = row.try_get::<String, _>(2).map_err(|e| e.to_string())?;
        Ok(IndexRow {
            id: RemediationId::new(row.try_get::<String, _>(0).map_err(|e| e.to_string())?),
            live: row.try_get(1).map_err(|e| e.to_string())?,
            opened_at: parse_time(&at).ok_or_else(|| format!("its time `{at}` can't be read"))?,
            first_seq: seq(3)?,
            last_seq: seq(4)?,
        })
    };
    read().map_err(|what| {
        let id = row.try_get::<String, _>(0).unwrap_or_else(|_| "?".into());
        StoreError::Corrupt(format!("index row {id} of cluster {cluster}: {what}"))
    })
}

impl SqliteStore {
    pub(super) async fn log_head(&self, cluster: &ClusterId) -> Result<Head, StoreError> {
        let row = sqlx::query(HEAD)
            .bind(cluster.as_str())
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(&error))?;
        let Some(row) = row else { return Ok(Head::empty()) };
        let seq: i64 = row.try_get(0).map_err(|error| self.failed(&error))?;
        let seq = u64::try_from(seq).map_err(|_| {
            StoreError::Corrupt(format!("the last event of cluster {cluster} has position {seq}"))
        })?;
        Ok(Head { seq, hash: row.try_get(1).map_err(|error| self.failed(&error))? })
    }

    pub(super) async fn log_read(
        &self,
        cluster: &ClusterId,
        after: u64,
        limit: u32,
        subject: Option<&RemediationId>,
    ) -> Result<Vec<Envelope>, StoreError> {
        // Beyond the largest position there is nothing.
        let Ok(after) = i64::try_from(after) else { return Ok(Vec::new()) };
        let query = sqlx::query(if subject.is_some() { READ_SUBJECT } else { READ })
            .bind(cluster.as_str())
            .bind(after)
            .bind(i64::from(limit));
        let query = match subject {
            Some(subject) => query.bind(subject.as_str()),
            None => query,
        };
        let rows = query.fetch_all(&self.readers).await.map_err(|error| self.failed(&error))?;
        rows.iter().map(|row| envelope(row, cluster)).collect()
    }

    pub(super) async fn log_index(
        &self,
        cluster: &ClusterId,
        live_only: bool,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<IndexRow>, StoreError> {
        let rows = sqlx::query(if live_only { INDEX_LIVE } else { INDEX })
            .bind(cluster.as_str())
            .bind(i64::from(limit))
            .bind(i64::from(skip))
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(&error))?;
        rows.iter().map(|row| index_row(row, cluster)).collect()
    }

    pub(super) async fn log_clusters(&self) -> Result<Vec<ClusterId>, StoreError> {
        let names: Vec<String> = sqlx::query_scalar(CLUSTERS)
            .fetch_all(&self.readers)
            .await
            .map_err(|error| self.failed(&error))?;
        Ok(names.into_iter().map(ClusterId::new).collect())
    }
}
