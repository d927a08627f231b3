//! Several statements sent to SQLite as one message.
//!
//! Each message to a connection costs a change of threads, which for a small batch is more than the statements
//! themselves. Statements of a script share its numbered parameters (`$1` is the same in all of them).

use super::failure::{at_commit, before_commit};
use crate::ports::store::StoreError;
use futures::TryStreamExt as _;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Either, Executor as _, Sqlite};
use std::path::Path;

/// Runs statements that end without COMMIT, and gives their rows.
pub(super) async fn check(
    connection: &mut SqliteConnection,
    path: &Path,
    query: Query<'_, Sqlite, SqliteArguments>,
) -> Result<Vec<SqliteRow>, StoreError> {
    connection.fetch_all(query).await.map_err(|error| before_commit(path, &error))
}

/// Runs `statements` statements, of which the last is COMMIT, and gives their rows.
pub(super) async fn commit(
    connection: &mut SqliteConnection,
    path: &Path,
    statements: usize,
    query: Query<'_, Sqlite, SqliteArguments>,
) -> Result<Vec<SqliteRow>, StoreError> {
    let mut rows = Vec::new();
    let mut done = 0;
    let mut stream = connection.fetch_many(query);
    loop {
        match stream.try_next().await {
            Ok(Some(Either::Left(_))) => done += 1,
            Ok(Some(Either::Right(row))) => rows.push(row),
            Ok(None) if done == statements => return Ok(rows),
            Ok(None) => {
                return Err(StoreError::Unknown(format!(
                    "the connection to {} ended within a transaction: read the head before going on",
                    path.display()
                )));
            }
            Err(error) if done + 1 == statements => return Err(at_commit(path, &error)),
            Err(error) => return Err(before_commit(path, &error)),
        }
    }
}
