//! Opening the database, and one call to it.

use super::failure::{at_commit, before_commit};
use super::schema;
use crate::adapters::database::address::Address;
use crate::ports::store::StoreError;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use std::time::Duration;

/// How long one call may take; a server that hangs is as good as gone.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// Connections of one process.
const CONNECTIONS: u32 = 6;
/// How long one that nobody needs is kept.
const IDLE: Duration = Duration::from_mins(2);

/// The store in a PostgreSQL database.
pub struct PostgresStore {
    pub(super) at: String,
    pub(super) pool: PgPool,
}

impl PostgresStore {
    /// Connects, and brings the schema to the newest version if it is older or not there.
    ///
    /// # Errors
    /// `Unavailable` when the server can't be reached, refuses the role, or holds a store of a newer release;
    /// `Refused` when the schema is older and this role may not bring it up.
    pub async fn open(address: &Address) -> Result<Self, StoreError> {
        Self::opened(address, false).await
    }

    /// Connects without writing anything: the schema must be this release's.
    ///
    /// # Errors
    /// As [`PostgresStore::open`].
    pub async fn open_existing(address: &Address) -> Result<Self, StoreError> {
        Self::opened(address, true).await
    }

    async fn opened(address: &Address, existing: bool) -> Result<Self, StoreError> {
        let at = format!("PostgreSQL {}", address.shown());
        let options = address.options().disable_statement_logging();
        let first = async {
            let mut connection =
                options.connect().await.map_err(|error| before_commit(&at, &error))?;
            if existing {
                schema::check(&mut connection, &at).await?;
            } else {
                schema::migrate(&mut connection, &at).await?;
            }
            let _closed = connection.close().await;
            Ok(())
        };
        patiently(&at, first).await?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .min_connections(0)
            .acquire_timeout(PATIENCE)
            .idle_timeout(IDLE)
            .test_before_acquire(true)
            .connect_lazy_with(options);
        Ok(Self { at, pool })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A call that changes nothing.
    pub(super) async fn reading<T>(
        &self,
        call: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        let call = async { call.await.map_err(|error| before_commit(&self.at, &error)) };
        patiently(&self.at, call).await
    }

    /// A statement that is a transaction by itself.
    pub(super) async fn writing<T>(
        &self,
        call: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(PATIENCE, call).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(at_commit(&self.at, &error)),
            Err(_) => Err(StoreError::Unknown(format!(
                "{} did not answer within {} s, and it may be written or not: read the head before going on",
                self.at,
                PATIENCE.as_secs()
            ))),
        }
    }
}

async fn patiently<T>(
    at: &str,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    tokio::time::timeout(PATIENCE, call).await.unwrap_or_else(|_| {
        Err(StoreError::Unavailable(format!(
            "{at} did not answer within {} s; nothing was written",
            PATIENCE.as_secs()
        )))
    })
}
