//! Appending a batch: one look, then one write, in one transaction.

use super::log::{batch_events, envelope};
use super::writer::Turn;
use crate::adapters::store::keeping::number;
use crate::adapters::store::sealing::{check_head, check_repeated, seal, to_milliseconds};
use crate::domain::envelope::{Envelope, GENESIS, Head};
use crate::domain::id::{BatchId, ClusterId};
use crate::domain::time::rfc3339;
use crate::ports::store::{Draft, IndexRow, StoreError, StoreLease};
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;

/// The lease counts only when holder, fence and time agree; the head is empty when there are no events.
const CHECK: &str = "
BEGIN IMMEDIATE;
SELECT stream.id,
       EXISTS (SELECT 1 FROM lease
               WHERE lease.stream = stream.id AND holder = $2 AND fence = $3
                 AND until > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
       head.seq, head.hash, batch.first_seq, batch.last_seq
FROM stream
LEFT JOIN event AS head
       ON head.stream = stream.id
      AND head.seq = (SELECT max(seq) FROM event WHERE event.stream = stream.id)
LEFT JOIN batch ON batch.stream = stream.id AND batch.batch = $4
WHERE stream.cluster = $1";

/// How many statements [`WRITE`] has.
const WRITE_STATEMENTS: usize = 5;

/// Payloads come as one blob and are cut out of it by place and length, so that their bytes stay as they are.
const WRITE: &str = "
INSERT INTO event (stream, seq, at, who, cause, subject, fence, batch, kind, schema, encoding, payload, prev, hash)
SELECT $1, $4 + key, value ->> 0, value ->> 1, value ->> 2, value ->> 3, $2, $3, value ->> 4, value ->> 5,
       value ->> 6, substr($7, value ->> 7, value ->> 8), value ->> 9, value ->> 10
FROM json_each($6);
INSERT INTO batch (stream, batch, first_seq, last_seq) VALUES ($1, $3, $4, $5);
INSERT INTO remediation (stream, id, live, opened_at, first_seq, last_seq)
SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each($8) WHERE true
ON CONFLICT (stream, id) DO UPDATE
SET live = excluded.live, opened_at = excluded.opened_at,
    first_seq = excluded.first_seq, last_seq = excluded.last_seq;
DELETE FROM inbox WHERE stream = $1 AND number IN (SELECT value FROM json_each($9));
COMMIT";

/// What is handed to an append.
pub(super) struct Batch<'a> {
    pub(super) lease: &'a StoreLease,
    pub(super) expected: &'a Head,
    pub(super) id: &'a BatchId,
    pub(super) drafts: Vec<Draft>,
    pub(super) index: Vec<IndexRow>,
    pub(super) taken: Vec<u64>,
}

/// What the look found.
enum Found {
    /// The batch is new, and the head is the expected one.
    Fresh(i64),
    /// The batch is there already.
    Repeated(Vec<Envelope>),
}

/// A batch in the form in which SQLite takes it.
struct Rows {
    events: String,
    payloads: Vec<u8>,
    index: String,
    taken: String,
}

pub(super) async fn append(
    mut turn: Turn<'_>,
    batch: Batch<'_>,
) -> Result<Vec<Envelope>, StoreError> {
    let stream = match look(&mut turn, &batch).await {
        Ok(Found::Fresh(stream)) => stream,
        Ok(Found::Repeated(stored)) => {
            turn.roll_back().await;
            return Ok(stored);
        }
        Err(error) => {
            turn.roll_back().await;
            return Err(error);
        }
    };
    let prepared = seal(batch.lease, batch.expected, batch.id, batch.drafts)
        .and_then(|sealed| Ok((rows(&sealed, &batch.index, &batch.taken)?, sealed)));
    let (rows, sealed) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            turn.roll_back().await;
            return Err(error);
        }
    };
    let first = batch.expected.seq + 1;
    let last = sealed.last().map_or(batch.expected.seq, |event| event.seq);
    let query = sqlx::query(WRITE)
        .bind(stream)
        .bind(number(batch.lease.fence)?)
        .bind(batch.id.as_str())
        .bind(number(first)?)
        .bind(number(last)?)
        .bind(rows.events)
        .bind(rows.payloads)
        .bind(rows.index)
        .bind(rows.taken);
    turn.commit(WRITE_STATEMENTS, query).await?;
    Ok(sealed)
}

async fn look(turn: &mut Turn<'_>, batch: &Batch<'_>) -> Result<Found, StoreError> {
    let cluster = &batch.lease.cluster;
    let query = sqlx::query(CHECK)
        .bind(cluster.as_str())
        .bind(batch.lease.holder.as_str())
        .bind(number(batch.lease.fence)?)
        .bind(batch.id.as_str());
    let rows = turn.check(query).await?;
    let row = rows.first().ok_or(StoreError::Fenced)?;
    let broken = |error: sqlx::Error| unreadable(cluster, &error);
    if !row.try_get::<bool, _>(1).map_err(broken)? {
        return Err(StoreError::Fenced);
    }
    let stream: i64 = row.try_get(0).map_err(broken)?;
    let before = (row.try_get(4).map_err(broken)?, row.try_get(5).map_err(broken)?);
    if let (Some(first), Some(last)) = before {
        let stored = turn
            .check(batch_events(stream, first, last))
            .await?
            .iter()
            .map(|row| envelope(row, cluster))
            .collect::<Result<Vec<_>, _>>()?;
        check_repeated(batch.id, &stored, &batch.drafts)?;
        return Ok(Found::Repeated(stored));
    }
    check_head(batch.expected, &head_in(row, cluster)?)?;
    Ok(Found::Fresh(stream))
}

fn head_in(row: &SqliteRow, cluster: &ClusterId) -> Result<Head, StoreError> {
    let broken = |error: sqlx::Error| unreadable(cluster, &error);
    let seq: Option<i64> = row.try_get(2).map_err(broken)?;
    let hash: Option<String> = row.try_get(3).map_err(broken)?;
    Ok(Head {
        seq: seq.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0),
        hash: hash.unwrap_or_else(|| GENESIS.into()),
    })
}

fn unreadable(cluster: &ClusterId, error: &sqlx::Error) -> StoreError {
    StoreError::Corrupt(format!("the head of the log of cluster {cluster}: {error}"))
}

fn rows(sealed: &[Envelope], index: &[IndexRow], taken: &[u64]) -> Result<Rows, StoreError> {
    let mut payloads = Vec::with_capacity(sealed.iter().map(|event| event.payload.len()).sum());
    let events = sealed
        .iter()
        .map(|event| {
            let place = payloads.len() + 1; // SQL counts bytes from 1
            payloads.extend_from_slice(&event.payload);
            json!([
                rfc3339(event.at),
                event.by,
                event.cause,
                event.subject,
                event.kind,
                event.schema,
                event.encoding,
                place,
                event.payload.len(),
                event.prev,
                event.hash
            ])
        })
        .collect::<Value>();
    let index = index
        .iter()
        .map(|row| {
            let opened_at = rfc3339(to_milliseconds(row.opened_at)?);
            let (first, last) = (number(row.first_seq)?, number(row.last_seq)?);
            Ok(json!([row.id, i64::from(row.live), opened_at, first, last]))
        })
        .collect::<Result<Value, StoreError>>()?;
    Ok(Rows {
        events: events.to_string(),
        payloads,
        index: index.to_string(),
        taken: json!(taken).to_string(),
    })
}
