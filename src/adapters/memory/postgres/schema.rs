//! The schema's versions, and pgvector itself.

use super::failure::told;
use crate::ports::memory::MemoryError;
use sqlx::PgConnection;

/// One step from a version to the next.
struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// All steps, oldest first; the n-th leads to version n. Steps that were released are never changed.
const MIGRATIONS: [Migration; 1] =
    [Migration { name: "cases", sql: include_str!("../migrations/0001_cases.sql") }];

/// Oldest pgvector that is used: from this one on an index with a filter goes on until it has found enough.
const OLDEST_PGVECTOR: (u32, u32) = (0, 8);

/// One migration at a time, whoever runs it.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1346980937)";

const LOOK: &str = "
SELECT to_regclass('pilothouse_memory.schema_version') IS NOT NULL,
       (SELECT count(*) FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname = 'pilothouse_memory')";

const VERSION: &str = "SELECT coalesce(max(version), 0) FROM pilothouse_memory.schema_version";

const PGVECTOR: &str = "SELECT extversion FROM pg_extension WHERE extname = 'vector'";

/// The schema of the extension comes first, wherever it is; our own tables are always named whole.
pub(super) const FIND_PGVECTOR: &str = "
SELECT set_config('search_path', quote_ident(nspname), false)
FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'vector'";

fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Brings the database to the newest version, in one transaction. One that is up to date is not written to.
pub(super) async fn migrate(connection: &mut PgConnection, at: &str) -> Result<(), MemoryError> {
    if look(connection, at).await? == newest() {
        return pgvector(connection, at).await;
    }
    run(connection, at, "BEGIN").await?;
    run(connection, at, LOCK).await?;
    run(connection, at, "CREATE EXTENSION IF NOT EXISTS vector").await?;
    pgvector(connection, at).await?;
    run(connection, at, FIND_PGVECTOR).await?;
    // Again behind the lock: another process may have been first.
    let from = look(connection, at).await?;
    if from == 0 {
        run(connection, at, "CREATE SCHEMA IF NOT EXISTS pilothouse_memory").await?;
    }
    for (version, migration) in (1..).zip(&MIGRATIONS).filter(|(version, _)| *version > from) {
        run(connection, at, migration.sql).await?;
        sqlx::query("INSERT INTO pilothouse_memory.schema_version (version, name) VALUES ($1, $2)")
            .bind(version)
            .bind(migration.name)
            .execute(&mut *connection)
            .await
            .map_err(|error| told(at, &error))?;
    }
    run(connection, at, "COMMIT").await
}

/// The version that is there; 0: nothing of ours.
async fn look(connection: &mut PgConnection, at: &str) -> Result<i64, MemoryError> {
    let failed = |error: sqlx::Error| told(at, &error);
    let (ours, tables): (bool, i64) =
        sqlx::query_as(LOOK).fetch_one(&mut *connection).await.map_err(failed)?;
    if !ours && tables > 0 {
        return Err(MemoryError::Unusable(format!(
            "{at}: its schema `pilothouse_memory` holds tables of another program, and is left alone: give another \
             database"
        )));
    }
    if !ours {
        return Ok(0);
    }
    let version: i64 = sqlx::query_scalar(VERSION).fetch_one(connection).await.map_err(failed)?;
    if version > newest() {
        return Err(MemoryError::Unusable(format!(
            "{at} has schema {version}, and this release knows up to {}: it was written by a newer release. Use that \
             one, or drop the schema pilothouse_memory: it is built again from the log",
            newest()
        )));
    }
    Ok(version)
}

async fn pgvector(connection: &mut PgConnection, at: &str) -> Result<(), MemoryError> {
    let found: Option<String> = sqlx::query_scalar(PGVECTOR)
        .fetch_optional(connection)
        .await
        .map_err(|error| told(at, &error))?;
    let found = found.unwrap_or_default();
    let mut parts = found.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version >= OLDEST_PGVECTOR {
        return Ok(());
    }
    Err(MemoryError::Unusable(format!(
        "{at} has pgvector {found}; at least {}.{} is needed: update it, then ALTER EXTENSION vector UPDATE",
        OLDEST_PGVECTOR.0, OLDEST_PGVECTOR.1
    )))
}

async fn run(
    connection: &mut PgConnection,
    at: &str,
    sql: &'static str,
) -> Result<(), MemoryError> {
    sqlx::raw_sql(sql).execute(connection).await.map(drop).map_err(|error| told(at, &error))
}
