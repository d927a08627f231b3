//! The port.

use super::open::PostgresMemory;
use crate::domain::envelope::Head;
use crate::domain::id::{ClusterId, RemediationId};
use crate::domain::memory::{PastCase, Remembered, VERSION, Vector};
use crate::ports::memory::{Found, Memory, MemoryError, Reached};
use sqlx::Connection as _;
use std::fmt::Write as _;

/// Up to so many cases of a cluster every one is compared: some 20 ms. Beyond it the index is asked.
pub const EXACT_TO: i64 = 10_000;

const REACHED: &str =
    "SELECT version, seq, hash, cases FROM pilothouse_memory.reached WHERE cluster = $1";

const DROP_OTHERS: &str =
    "DELETE FROM pilothouse_memory.past_case WHERE cluster = $1 AND version <> $2";

const KEEP: &str = "
INSERT INTO pilothouse_memory.past_case (cluster, id, version, ended_at, said, vector)
SELECT $1, id, $2, ended_at, said, vector::vector
FROM unnest($3::text[], $4::timestamptz[], $5::text[], $6::text[]) AS given (id, ended_at, said, vector)
ON CONFLICT (cluster, id) DO UPDATE
SET version = excluded.version, ended_at = excluded.ended_at, said = excluded.said, vector = excluded.vector";

const FOLLOWED: &str = "
INSERT INTO pilothouse_memory.reached AS known (cluster, version, seq, hash, cases)
VALUES ($1, $2, $3, $4, (SELECT count(*) FROM pilothouse_memory.past_case WHERE cluster = $1))
ON CONFLICT (cluster) DO UPDATE
SET version = excluded.version, seq = excluded.seq, hash = excluded.hash, cases = excluded.cases
RETURNING cases";

/// No index fits `distance + 0`: every case is compared.
const EXACT: &str = "
SELECT said, (vector <=> $2::vector) + 0 AS distance FROM pilothouse_memory.past_case
WHERE cluster = $1 AND version = $3 AND id <> $4
ORDER BY distance, ended_at DESC, id LIMIT $5";

const NEAREST: &str = "
SELECT said, vector <=> $2::vector AS distance FROM pilothouse_memory.past_case
WHERE cluster = $1 AND version = $3 AND id <> $4
ORDER BY vector <=> $2::vector, ended_at DESC, id LIMIT $5";

const FORGET: [&str; 2] = [
    "DELETE FROM pilothouse_memory.past_case WHERE cluster = $1",
    "DELETE FROM pilothouse_memory.reached WHERE cluster = $1",
];

const HEALTH: &str = "
SELECT split_part(current_setting('server_version'), ' ', 1),
       (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
       (SELECT coalesce(sum(cases), 0)::bigint FROM pilothouse_memory.reached)";

/// As pgvector reads it.
fn written(vector: &Vector) -> String {
    let mut text = String::with_capacity(1_200);
    for (index, number) in vector.numbers().iter().enumerate() {
        let _ = write!(text, "{}{number}", if index == 0 { '[' } else { ',' });
    }
    text.push(']');
    text
}

fn number(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

/// A past case that was stored.
fn given(said: &str) -> Result<PastCase, sqlx::Error> {
    serde_json::from_str(said).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

impl PostgresMemory {
    async fn followed_to(&self, cluster: &ClusterId) -> Result<Reached, sqlx::Error> {
        let row: Option<(i64, i64, String, i64)> =
            sqlx::query_as(REACHED).bind(cluster.as_str()).fetch_optional(&self.pool).await?;
        Ok(match row {
            Some((version, seq, hash, cases)) if version == i64::from(VERSION) => {
                let head = Head { seq: seq.unsigned_abs(), hash };
                Reached { head, cases: cases.unsigned_abs() }
            }
            Some(_) | None => Reached { head: Head::empty(), cases: 0 },
        })
    }

    async fn keep(
        &self,
        cluster: &ClusterId,
        cases: &[Remembered],
        head: &Head,
    ) -> Result<Reached, sqlx::Error> {
        let version = i64::from(VERSION);
        let ids = cases.iter().map(|one| one.case.id.as_str().to_string()).collect::<Vec<_>>();
        let ended = cases.iter().map(|one| one.case.ended_at).collect::<Vec<_>>();
        let said = cases.iter().map(|one| serde_json::to_string(&one.case));
        let said = said.collect::<Result<Vec<_>, _>>();
        let said = said.map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        let vectors = cases.iter().map(|one| written(&one.vector)).collect::<Vec<_>>();
        let mut connection = self.pool.acquire().await?;
        let mut transaction = connection.begin().await?;
        let others = sqlx::query(DROP_OTHERS).bind(cluster.as_str()).bind(version);
        others.execute(&mut *transaction).await?;
        if !cases.is_empty() {
            let keep = sqlx::query(KEEP).bind(cluster.as_str()).bind(version);
            let keep = keep.bind(ids).bind(ended).bind(said).bind(vectors);
            keep.execute(&mut *transaction).await?;
        }
        let followed = sqlx::query_scalar::<_, i64>(FOLLOWED)
            .bind(cluster.as_str())
            .bind(version)
            .bind(number(head.seq))
            .bind(&head.hash);
        let held = followed.fetch_one(&mut *transaction).await?;
        transaction.commit().await?;
        Ok(Reached { head: head.clone(), cases: held.unsigned_abs() })
    }

    async fn nearest(
        &self,
        cluster: &ClusterId,
        vector: &Vector,
        most: usize,
        but: Option<&RemediationId>,
    ) -> Result<Found, sqlx::Error> {
        let among = self.followed_to(cluster).await?.cases;
        let search = if number(among) <= EXACT_TO { EXACT } else { NEAREST };
        let rows: Vec<(String, f64)> = sqlx::query_as(search)
            .bind(cluster.as_str())
            .bind(written(vector))
            .bind(i64::from(VERSION))
            .bind(but.map_or("", RemediationId::as_str))
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .fetch_all(&self.pool)
            .await?;
        let cases = rows
            .into_iter()
            .map(|(said, distance)| Ok((given(&said)?, (1.0 - distance).clamp(0.0, 1.0))));
        Ok(Found { cases: cases.collect::<Result<_, sqlx::Error>>()?, among })
    }
}

#[async_trait::async_trait]
impl Memory for PostgresMemory {
    async fn reached(&self, cluster: &ClusterId) -> Result<Reached, MemoryError> {
        self.call(self.followed_to(cluster)).await
    }

    async fn remember(
        &self,
        cluster: &ClusterId,
        cases: &[Remembered],
        head: &Head,
    ) -> Result<Reached, MemoryError> {
        self.call(self.keep(cluster, cases, head)).await
    }

    async fn similar(
        &self,
        cluster: &ClusterId,
        vector: &Vector,
        most: usize,
        but: Option<&RemediationId>,
    ) -> Result<Found, MemoryError> {
        self.call(self.nearest(cluster, vector, most, but)).await
    }

    async fn forget(&self, cluster: &ClusterId) -> Result<(), MemoryError> {
        let forgotten = async {
            let mut connection = self.pool.acquire().await?;
            let mut transaction = connection.begin().await?;
            for sql in FORGET {
                sqlx::query(sql).bind(cluster.as_str()).execute(&mut *transaction).await?;
            }
            transaction.commit().await
        };
        self.call(forgotten).await
    }

    async fn health(&self) -> Result<String, MemoryError> {
        let asked = sqlx::query_as::<_, (String, Option<String>, i64)>(HEALTH);
        let (server, pgvector, cases) = self.call(asked.fetch_one(&self.pool)).await?;
        let pgvector = pgvector.unwrap_or_default();
        Ok(format!("{} (version {server}, pgvector {pgvector}): {cases} past cases", self.at))
    }
}
