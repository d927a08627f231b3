//! The one connection that writes.
//!
//! A turn takes the connection out of its slot and puts it back only when it is known to be outside a
//! transaction. A turn that fails or is cancelled half-way leaves the slot empty: its connection is closed, which
//! rolls back, and the next turn opens another.
//!
//! Each turn looks first whether the file is still the one that was opened. SQLite would go on writing to a file
//! that was deleted or replaced, and what it acknowledged would be gone with the process.

use super::failure::before_commit;
use super::script;
use crate::ports::store::StoreError;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions as _, Connection as _, Sqlite};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use tokio::sync::{Mutex, MutexGuard};

/// The writing side of a store; `None` in `way` when it is open for reading only.
pub(super) struct Writer {
    path: PathBuf,
    way: Option<Way>,
    slot: Mutex<Option<SqliteConnection>>,
}

/// How to get to the file, and which one it must be: its device and inode.
struct Way {
    options: SqliteConnectOptions,
    file: (u64, u64),
}

/// One caller's time with the connection.
pub(super) struct Turn<'a> {
    path: &'a Path,
    slot: MutexGuard<'a, Option<SqliteConnection>>,
    connection: SqliteConnection,
}

impl Writer {
    pub(super) fn new(
        path: &Path,
        options: SqliteConnectOptions,
        connection: SqliteConnection,
    ) -> Result<Self, StoreError> {
        let way = Some(Way { options, file: which_file(path)? });
        Ok(Self { path: path.into(), way, slot: Mutex::new(Some(connection)) })
    }

    pub(super) fn absent(path: &Path) -> Self {
        Self { path: path.into(), way: None, slot: Mutex::new(None) }
    }

    /// Waits until the connection is free.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, StoreError> {
        let Some(way) = &self.way else {
            return Err(StoreError::Unavailable(format!(
                "{} was opened for reading only; nothing was written",
                self.path.display()
            )));
        };
        let mut slot = self.slot.lock().await;
        if which_file(&self.path)? != way.file {
            return Err(StoreError::Unavailable(format!(
                "{} was replaced by another file while it was open; nothing was written. \
                 Put the right one back, or start again on this one",
                self.path.display()
            )));
        }
        let connection = match slot.take() {
            Some(connection) => connection,
            None => {
                way.options.connect().await.map_err(|error| before_commit(&self.path, &error))?
            }
        };
        Ok(Turn { path: &self.path, slot, connection })
    }

    /// Closes the connection.
    pub(super) async fn close(&self) {
        if let Some(connection) = self.slot.lock().await.take() {
            // Closing only tidies up; what was acknowledged is durable already.
            drop(connection.close().await);
        }
    }
}

fn which_file(path: &Path) -> Result<(u64, u64), StoreError> {
    match std::fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino())),
        Err(error) => Err(StoreError::Unavailable(format!(
            "{} is no longer there; nothing was written ({error})",
            path.display()
        ))),
    }
}

impl Turn<'_> {
    /// Runs a script that opens a transaction and leaves it open.
    pub(super) async fn check(
        &mut self,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        script::check(&mut self.connection, self.path, query).await
    }

    /// Runs a script of so many statements, of which the last is COMMIT, and ends the turn.
    pub(super) async fn commit(
        mut self,
        statements: usize,
        query: Query<'_, Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, StoreError> {
        match script::commit(&mut self.connection, self.path, statements, query).await {
            Ok(rows) => {
                *self.slot = Some(self.connection);
                Ok(rows)
            }
            Err(error) => {
                drop(self.connection.close().await);
                Err(error)
            }
        }
    }

    /// Undoes what the turn did so far, and ends it.
    pub(super) async fn roll_back(mut self) {
        if sqlx::query("ROLLBACK").execute(&mut self.connection).await.is_ok() {
            *self.slot = Some(self.connection);
        } else {
            drop(self.connection.close().await);
        }
    }
}
