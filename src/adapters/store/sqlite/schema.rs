//! The schema's versions: which file this is, and how it gets to the newest one.

use super::failure::before_commit;
use crate::ports::store::StoreError;
use sqlx::SqliteConnection;
use std::path::Path;

/// One step from a version to the next.
struct Migration {
    name: &'static str,
    sql: &'static str,
}

/// All steps, oldest first; the n-th leads to version n. Steps that were released are never changed.
const MIGRATIONS: [Migration; 2] = [
    Migration { name: "log", sql: include_str!("../migrations/sqlite_0001_log.sql") },
    Migration { name: "reads", sql: include_str!("../migrations/sqlite_0002_reads.sql") },
];

/// `PILH`, in the file's header.
const APPLICATION_ID: i64 = 0x5049_4C48;

/// What the file is.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Empty,
    Version(i64),
}

fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX)
}

/// Fails for files of other programs and of newer releases, without writing.
pub(super) async fn refuse_strangers(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), StoreError> {
    look(connection, path).await.map(drop)
}

/// Brings the file to the newest version, in one transaction.
pub(super) async fn migrate(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), StoreError> {
    // Looked at first without a lock: a file that is up to date, or is something else, is not written to.
    if look(connection, path).await? == Found::Version(newest()) {
        return Ok(());
    }
    run(connection, path, "BEGIN IMMEDIATE").await?;
    // Again under the lock: another process may have been first.
    let from = match look(connection, path).await? {
        Found::Empty => 0,
        Found::Version(version) => version,
    };
    for (version, migration) in (1..).zip(&MIGRATIONS).filter(|(version, _)| *version > from) {
        run(connection, path, migration.sql).await?;
        sqlx::query(
            "INSERT INTO schema_version (version, name, applied_at)
             VALUES ($1, $2, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
        )
        .bind(version)
        .bind(migration.name)
        .execute(&mut *connection)
        .await
        .map_err(|error| before_commit(path, &error))?;
    }
    run(connection, path, "COMMIT").await
}

/// Checks that the file has the newest version, without writing.
pub(super) async fn check(
    connection: &mut SqliteConnection,
    path: &Path,
) -> Result<(), StoreError> {
    match look(connection, path).await? {
        Found::Version(version) if version == newest() => Ok(()),
        Found::Version(version) => Err(StoreError::Unavailable(format!(
            "{} has schema {version}, and this release reads schema {}: start its engine once, which brings it up",
            path.display(),
            newest()
        ))),
        Found::Empty => Err(StoreError::Unavailable(format!(
            "{} holds no store yet: start the engine once",
            path.display()
        ))),
    }
}

async fn look(connection: &mut SqliteConnection, path: &Path) -> Result<Found, StoreError> {
    let (application, tables): (i64, i64) = sqlx::query_as(
        "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id",
    )
    .fetch_one(&mut *connection)
    .await
    .map_err(|error| before_commit(path, &error))?;
    match (application, tables) {
        (0, 0) => return Ok(Found::Empty),
        (APPLICATION_ID, _) => {}
        _ => {
            return Err(StoreError::Unavailable(format!(
                "{} is a database of another program, and is left alone: give another path",
                path.display()
            )));
        }
    }
    let version: Option<i64> = sqlx::query_scalar("SELECT max(version) FROM schema_version")
        .fetch_one(connection)
        .await
        .map_err(|error| before_commit(path, &error))?;
    match version {
        Some(version) if (1..=newest()).contains(&version) => Ok(Found::Version(version)),
        Some(version) if version > newest() => Err(StoreError::Unavailable(format!(
            "{} has schema {version}, and this release knows up to {}: it was written by a newer release. \
             Use that one; nothing was changed",
            path.display(),
            newest()
        ))),
        Some(_) | None => {
            Err(StoreError::Corrupt(format!("{} does not say which schema it has", path.display())))
        }
    }
}

async fn run(
    connection: &mut SqliteConnection,
    path: &Path,
    sql: &'static str,
) -> Result<(), StoreError> {
    sqlx::raw_sql(sql)
        .execute(connection)
        .await
        .map(drop)
        .map_err(|error| before_commit(path, &error))
}
