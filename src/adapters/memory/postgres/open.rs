//! The connections, and one call on them.

use super::failure::{schema_is_gone, told};
use super::schema::{self, FIND_PGVECTOR};
use crate::adapters::database::address::Address;
use crate::domain::breaker::{Answer, Down};
use crate::ports::line::Line;
use crate::ports::memory::MemoryError;
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgPool, PgPoolOptions};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long one call may take; a server that hangs is as good as gone.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Connections of one process: one follows the log, the others answer plans.
const CONNECTIONS: u32 = 3;
/// How long one that nobody needs is kept.
const IDLE: Duration = Duration::from_mins(10);

/// An index is searched so widely: of 100 candidates the best are taken; with a filter it goes on in order.
const SEARCH: &str = "
SELECT set_config('hnsw.ef_search', '100', false), set_config('hnsw.iterative_scan', 'strict_order', false)";

/// Memory in a PostgreSQL database.
pub struct PostgresMemory {
    pub(super) at: String,
    pub(super) pool: PgPool,
    line: Line,
    /// Whether the schema was seen to be there.
    ready: AtomicBool,
}

impl PostgresMemory {
    /// Memory at an address. Nothing is connected yet.
    #[must_use]
    pub fn new(address: &Address, line: Line) -> Self {
        let options = address.options().application_name("pilothouse-memory");
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .min_connections(0)
            .acquire_timeout(PATIENCE)
            .idle_timeout(IDLE)
            .test_before_acquire(true)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    sqlx::query(FIND_PGVECTOR).execute(&mut *connection).await?;
                    sqlx::query(SEARCH).execute(connection).await.map(drop)
                })
            })
            .connect_lazy_with(options.disable_statement_logging());
        let at = format!("PostgreSQL {}", address.shown());
        Self { at, pool, line, ready: AtomicBool::new(false) }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// One call, behind the breaker, after the schema was seen to.
    pub(super) async fn call<T>(
        &self,
        made: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, MemoryError> {
        let calling = self.line.begin().map_err(|closed| MemoryError::Away(closed.to_string()))?;
        let whole = async {
            self.see_to_the_schema().await?;
            made.await.map_err(|error| {
                if schema_is_gone(&error) {
                    // Somebody dropped it: the next call makes it again, and the log fills it.
                    self.ready.store(false, Ordering::Release);
                }
                told(&self.at, &error)
            })
        };
        let Ok(result) = tokio::time::timeout(PATIENCE, whole).await else {
            let why = format!("{} did not answer within {} s", self.at, PATIENCE.as_secs());
            calling.end(&Answer::Down(Down::NoAnswer, why.clone()));
            return Err(MemoryError::Away(why));
        };
        calling.end(&match &result {
            Ok(_) => Answer::Good,
            Err(MemoryError::Away(why)) => Answer::Down(Down::SaysDown, why.clone()),
            Err(MemoryError::Unusable(_)) => Answer::No("can't be used".into()),
        });
        result
    }

    async fn see_to_the_schema(&self) -> Result<(), MemoryError> {
        if self.ready.load(Ordering::Acquire) {
            return Ok(());
        }
        let failed = |error: sqlx::Error| told(&self.at, &error);
        let mut connection = self.pool.acquire().await.map_err(failed)?;
        let migrated = schema::migrate(&mut connection, &self.at).await;
        // It may stand within a transaction that failed, and does not know the extension yet.
        let _closed = connection.close().await;
        migrated?;
        self.ready.store(true, Ordering::Release);
        Ok(())
    }
}
