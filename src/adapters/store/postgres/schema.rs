//! The schema's versions: what the database holds, and how it gets to the newest one.

use super::failure::before_commit;
use crate::ports::store::StoreError;
use sqlx::PgConnection;

/// One step from a version to the next.
struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// All steps, oldest first; the n-th leads to version n. Steps that were released are never changed.
const MIGRATIONS: [Migration; 1] =
    [Migration { name: "log", sql: include_str!("../migrations/postgres_0001_log.sql") }];

/// Oldest server that is used: `server_version_num` of 13.
const OLDEST_SERVER: i32 = 130_000;

/// One migration at a time, whoever runs it.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1346980936)";

const LOOK: &str = "
SELECT current_setting('server_version_num')::int,
       EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = 'pilothouse'),
       (SELECT count(*) FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace WHERE nspname = 'pilothouse'),
       to_regclass('pilothouse.schema_version') IS NOT NULL";

/// What the database is.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing of ours; whether the schema was made already.
    Empty {
        schema: bool,
    },
    Version(i64),
}

fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Brings the database to the newest version, in one transaction. One that is up to date is not written to.
pub(super) async fn migrate(connection: &mut PgConnection, at: &str) -> Result<(), StoreError> {
    if look(connection, at).await? == Found::Version(newest()) {
        return Ok(());
    }
    run(connection, at, "BEGIN").await?;
    run(connection, at, LOCK).await?;
    // Again behind the lock: another process may have been first.
    let from = match look(connection, at).await? {
        Found::Empty { schema: true } => 0,
        Found::Empty { schema: false } => {
            run(connection, at, "CREATE SCHEMA pilothouse").await?;
            0
        }
        Found::Version(version) => version,
    };
    for (version, migration) in (1..).zip(&MIGRATIONS).filter(|(version, _)| *version > from) {
        run(connection, at, migration.sql).await?;
        sqlx::query("INSERT INTO pilothouse.schema_version (version, name) VALUES ($1, $2)")
            .bind(version)
            .bind(migration.name)
            .execute(&mut *connection)
            .await
            .map_err(|error| before_commit(at, &error))?;
    }
    run(connection, at, "COMMIT").await
}

/// Checks that the database has the newest version, without writing.
pub(super) async fn check(connection: &mut PgConnection, at: &str) -> Result<(), StoreError> {
    match look(connection, at).await? {
        Found::Version(version) if version == newest() => Ok(()),
        Found::Version(version) => Err(StoreError::Unavailable(format!(
            "{at} has schema {version}, and this release reads schema {}: start its engine once, which brings it up",
            newest()
        ))),
        Found::Empty { .. } => {
            Err(StoreError::Unavailable(format!("{at} holds no store yet: start the engine once")))
        }
    }
}

async fn look(connection: &mut PgConnection, at: &str) -> Result<Found, StoreError> {
    let failed = |error: sqlx::Error| before_commit(at, &error);
    let (server, schema, tables, ours): (i32, bool, i64, bool) =
        sqlx::query_as(LOOK).fetch_one(&mut *connection).await.map_err(failed)?;
    if server < OLDEST_SERVER {
        return Err(StoreError::Unavailable(format!(
            "{at} is PostgreSQL {}; at least 13 is needed",
            server / 10_000
        )));
    }
    match (ours, tables) {
        (true, _) => {}
        (false, 0) => return Ok(Found::Empty { schema }),
        (false, _) => {
            return Err(StoreError::Unavailable(format!(
                "{at}: its schema `pilothouse` holds tables of another program, and is left alone: give another database"
            )));
        }
    }
    let version: Option<i64> =
        sqlx::query_scalar("SELECT max(version) FROM pilothouse.schema_version")
            .fetch_one(connection)
            .await
            .map_err(failed)?;
    match version {
        Some(version) if (1..=newest()).contains(&version) => Ok(Found::Version(version)),
        Some(version) if version > newest() => Err(StoreError::Unavailable(format!(
            "{at} has schema {version}, and this release knows up to {}: it was written by a newer release. Use that \
             one; nothing was changed",
            newest()
        ))),
        Some(_) | None => {
            Err(StoreError::Corrupt(format!("{at} does not say which schema it has")))
        }
    }
}

async fn run(connection: &mut PgConnection, at: &str, sql: &'static str) -> Result<(), StoreError> {
    sqlx::raw_sql(sql)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| before_commit(at, &error))
}
