//! Opening the file.

use super::failure::{before_commit, is_busy};
use super::writer::Writer;
use super::{place, schema};
use crate::ports::store::StoreError;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a statement waits for another process's lock.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that read. Reads are short; more would only hold memory.
const READERS: u32 = 4;
/// Tries to switch a new file to WAL while another process does the same.
const WAL_TRIES: u32 = 50;
/// Pause between two such tries.
const WAL_PAUSE: Duration = Duration::from_millis(100);

/// The store in an SQLite file.
pub struct SqliteStore {
    pub(super) path: PathBuf,
    pub(super) writer: Writer,
    pub(super) readers: SqlitePool,
}

impl SqliteStore {
    /// Opens the file for reading and writing. Makes it (0600) and its directory (0700) when absent, and brings
    /// its schema to the newest version.
    ///
    /// # Errors
    /// `Unavailable` when it can't be made, opened or written, lies on a network file system, or belongs to a
    /// newer release or another program; `Corrupt` when it is damaged or no SQLite file.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        blocking(path.clone(), place::prepare).await?;
        let options = options(&path);
        let mut connection = connect(&path, &options).await?;
        // Before WAL is switched on: that would write to a file that may be another program's.
        schema::refuse_strangers(&mut connection, &path).await?;
        switch_to_wal(&mut connection, &path).await?;
        schema::migrate(&mut connection, &path).await?;
        let readers = readers(options.clone().read_only(true));
        let writer = Writer::new(&path, options, connection)?;
        Ok(Self { path, writer, readers })
    }

    /// Opens an existing file for reading only: all that would write answers `Unavailable`.
    ///
    /// # Errors
    /// `Unavailable` when there is none, it can't be opened, or has another schema than this release;
    /// `Corrupt` when it is damaged or no SQLite file.
    pub async fn open_read_only(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let path = path.as_ref().to_path_buf();
        blocking(path.clone(), place::check_existing).await?;
        let options = options(&path).read_only(true);
        let mut connection = connect(&path, &options).await?;
        schema::check(&mut connection, &path).await?;
        drop(connection);
        Ok(Self { writer: Writer::absent(&path), readers: readers(options), path })
    }

    /// Closes all connections; the last one to close a file tidies its -wal file away. Not needed for durability.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    pub(super) fn failed(&self, error: &sqlx::Error) -> StoreError {
        before_commit(&self.path, error)
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .busy_timeout(BUSY_TIMEOUT)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        // A long night must not leave a huge -wal file behind.
        .pragma("journal_size_limit", "67108864")
        .disable_statement_logging()
}

fn readers(options: SqliteConnectOptions) -> SqlitePool {
    SqlitePoolOptions::new()
        .max_connections(READERS)
        .min_connections(0)
        .acquire_timeout(BUSY_TIMEOUT)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

async fn connect(
    path: &Path,
    options: &SqliteConnectOptions,
) -> Result<SqliteConnection, StoreError> {
    options.connect().await.map_err(|error| before_commit(path, &error))
}

/// SQLite does not wait for locks when it switches to WAL, so two processes that make one file meet here.
async fn switch_to_wal(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let mut tries = 1;
    loop {
        let answer = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = WAL")
            .fetch_one(&mut *connection)
            .await;
        match answer {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => {
                return Err(StoreError::Unavailable(format!(
                    "{} can't use a write-ahead log (it stays in mode {mode}): its file system may not support \
                     shared memory; choose a path on a local disk",
                    path.display()
                )));
            }
            Err(error) if is_busy(&error) && tries < WAL_TRIES => tries += 1,
            Err(error) => return Err(before_commit(path, &error)),
        }
        tokio::time::sleep(WAL_PAUSE).await;
    }
}

/// Looks at the file system away from the threads that drive futures.
async fn blocking(
    path: PathBuf,
    look: fn(&Path) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    tokio::task::spawn_blocking(move || look(&path)).await.unwrap_or_else(|error| {
        Err(StoreError::Unavailable(format!("looking at the store's path failed: {error}")))
    })
}
