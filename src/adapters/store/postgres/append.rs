//! Appending a batch: one message, which is one transaction.

use super::log::stored_batch;
use super::open::PostgresStore;
use super::text::stored;
use crate::adapters::store::keeping::number;
use crate::adapters::store::sealing::{check_head, check_repeated, seal, to_milliseconds};
use crate::domain::envelope::{Envelope, GENESIS, Head};
use crate::domain::id::{BatchId, RemediationId};
use crate::domain::time::rfc3339;
use crate::ports::store::{Draft, IndexRow, StoreError, StoreLease};
use std::collections::BTreeMap;

const APPEND: &str = "
SELECT verdict, found_first, found_last, found_hash FROM pilothouse.append(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)";

/// What the database answers: a word, first and last position, a hash.
type Answer = (String, Option<i64>, Option<i64>, Option<String>);

/// A batch as arrays, one for each column.
#[derive(Default)]
struct Columns {
    ats: Vec<String>,
    whos: Vec<String>,
    causes: Vec<String>,
    subjects: Vec<Option<String>>,
    kinds: Vec<String>,
    schemas: Vec<i64>,
    encodings: Vec<i64>,
    payloads: Vec<Vec<u8>>,
    prevs: Vec<String>,
    hashes: Vec<String>,
}

impl Columns {
    fn of(events: &[Envelope]) -> Self {
        let mut columns = Self::default();
        for event in events {
            columns.ats.push(rfc3339(event.at));
            columns.whos.push(stored(&event.by).into_owned());
            columns.causes.push(stored(&event.cause).into_owned());
            let subject = event.subject.as_ref();
            columns.subjects.push(subject.map(|id| stored(id.as_str()).into_owned()));
            columns.kinds.push(stored(&event.kind).into_owned());
            columns.schemas.push(i64::from(event.schema));
            columns.encodings.push(i64::from(event.encoding));
            columns.payloads.push(event.payload.clone());
            columns.prevs.push(event.prev.clone());
            columns.hashes.push(event.hash.clone());
        }
        columns
    }
}

/// Rows of the index as arrays.
#[derive(Default)]
struct Rows {
    ids: Vec<String>,
    live: Vec<bool>,
    opened: Vec<String>,
    first: Vec<i64>,
    last: Vec<i64>,
}

impl Rows {
    fn of(index: &[IndexRow]) -> Result<Self, StoreError> {
        // One row for each: the later one counts.
        let newest =
            index.iter().map(|row| (&row.id, row)).collect::<BTreeMap<&RemediationId, _>>();
        let mut rows = Self::default();
        for (id, row) in newest {
            rows.ids.push(stored(id.as_str()).into_owned());
            rows.live.push(row.live);
            rows.opened.push(rfc3339(to_milliseconds(row.opened_at)?));
            rows.first.push(number(row.first_seq)?);
            rows.last.push(number(row.last_seq)?);
        }
        Ok(rows)
    }
}

impl PostgresStore {
    pub(super) async fn log_append(
        &self,
        lease: &StoreLease,
        expected: &Head,
        batch: &BatchId,
        drafts: Vec<Draft>,
        index: &[IndexRow],
        taken: &[u64],
    ) -> Result<Vec<Envelope>, StoreError> {
        let sealed = seal(lease, expected, batch, drafts.clone())?;
        let columns = Columns::of(&sealed);
        let rows = Rows::of(index)?;
        // A number too large was never given out.
        let taken =
            taken.iter().filter_map(|number| i64::try_from(*number).ok()).collect::<Vec<_>>();
        let query = sqlx::query_as::<_, Answer>(APPEND)
            .bind(stored(lease.cluster.as_str()).into_owned())
            .bind(stored(&lease.holder).into_owned())
            .bind(number(lease.fence)?)
            .bind(stored(batch.as_str()).into_owned())
            .bind(number(expected.seq)?)
            .bind(expected.hash.clone())
            .bind(columns.ats)
            .bind(columns.whos)
            .bind(columns.causes)
            .bind(columns.subjects)
            .bind(columns.kinds)
            .bind(columns.schemas)
            .bind(columns.encodings)
            .bind(columns.payloads)
            .bind(columns.prevs)
            .bind(columns.hashes)
            .bind(rows.ids)
            .bind(rows.live)
            .bind(rows.opened)
            .bind(rows.first)
            .bind(rows.last)
            .bind(taken);
        let answer = self.writing(query.fetch_one(&self.pool)).await?;
        let broken = || {
            StoreError::Corrupt(format!("{} answered an append with nonsense: {answer:?}", self.at))
        };
        match (answer.0.as_str(), answer.1, answer.2) {
            ("written", _, _) => Ok(sealed),
            ("fenced", _, _) => Err(StoreError::Fenced),
            ("repeated", Some(first), Some(last)) => {
                let there = stored_batch(self, &lease.cluster, first, last).await?;
                check_repeated(batch, &there, &drafts)?;
                Ok(there)
            }
            ("moved", _, last) => {
                let seq = u64::try_from(last.unwrap_or(0)).map_err(|_| broken())?;
                let hash = answer.3.clone().unwrap_or_else(|| GENESIS.into());
                check_head(expected, &Head { seq, hash })?;
                Err(broken())
            }
            _ => Err(broken()),
        }
    }
}
