//! Stores to test, and things to put into them.

use chrono::DateTime;
use pilothouse::adapters::store::memory::MemoryStore;
use pilothouse::adapters::store::postgres::PostgresStore;
use pilothouse::adapters::store::sqlite::SqliteStore;
use pilothouse::domain::envelope::{Envelope, Head};
use pilothouse::domain::id::{BatchId, ClusterId, RemediationId};
use pilothouse::domain::time::Timestamp;
use pilothouse::ports::clock::Clock;
use pilothouse::ports::store::{Draft, IndexRow, Store, StoreError, StoreLease};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A clock that stands still: leases that must lapse are taken for no time.
struct Still;

#[async_trait::async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        moment(0)
    }
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
    async fn sleep(&self, _length: Duration) {}
}

/// Where a store is; each `open` is a further way in to the same one.
pub enum Place {
    Memory(MemoryStore),
    File(TempDir),
    Database(crate::postgres::Database),
}

impl Place {
    pub fn in_memory() -> Self {
        Self::Memory(MemoryStore::new(Arc::new(Still)))
    }

    pub fn in_file() -> Self {
        Self::File(TempDir::new().unwrap())
    }

    pub fn path(&self) -> PathBuf {
        match self {
            Self::Memory(_) | Self::Database(_) => panic!("this store has no path"),
            Self::File(directory) => directory.path().join("store.db"),
        }
    }

    pub async fn open(&self) -> Arc<dyn Store> {
        match self {
            Self::Memory(store) => Arc::new(store.clone()),
            Self::File(_) => Arc::new(SqliteStore::open(self.path()).await.unwrap()),
            Self::Database(database) => {
                Arc::new(PostgresStore::open(&database.address()).await.unwrap())
            }
        }
    }
}

pub fn moment(milliseconds: i64) -> Timestamp {
    DateTime::from_timestamp_millis(1_790_000_000_000 + milliseconds).unwrap()
}

pub fn cluster() -> ClusterId {
    ClusterId::new("6c2d1f0e-0000-4000-8000-000000000001")
}

pub fn batch(name: &str) -> BatchId {
    BatchId::new(name)
}

pub fn draft(name: &str) -> Draft {
    Draft {
        at: moment(1),
        by: "engine".into(),
        cause: "alert 1f".into(),
        subject: Some(RemediationId::new("case-1")),
        kind: "noted".into(),
        schema: 1,
        payload: format!("{{\"note\":\"{name}\"}}").into_bytes(),
    }
}

pub fn drafts(count: usize) -> Vec<Draft> {
    (0..count).map(|number| draft(&number.to_string())).collect()
}

pub fn row(id: &str, live: bool, first_seq: u64, last_seq: u64) -> IndexRow {
    IndexRow { id: RemediationId::new(id), live, opened_at: moment(2), first_seq, last_seq }
}

pub fn head_of(envelopes: &[Envelope]) -> Head {
    let last = envelopes.last().unwrap();
    Head { seq: last.seq, hash: last.hash.clone() }
}

/// A lease for long enough.
pub async fn lease(store: &dyn Store) -> StoreLease {
    store.acquire(&cluster(), "engine-a", 600).await.unwrap()
}

/// Appends events only.
pub async fn append(
    store: &dyn Store,
    lease: &StoreLease,
    name: &str,
    drafts: Vec<Draft>,
) -> Result<Vec<Envelope>, StoreError> {
    let head = store.head(&lease.cluster).await.unwrap();
    store.append(lease, &head, &batch(name), drafts, Vec::new(), Vec::new()).await
}

/// The whole log.
pub async fn all(store: &dyn Store) -> Vec<Envelope> {
    store.read(&cluster(), 0, u32::MAX, None).await.unwrap()
}

/// The file behind a store, opened past the store. Triggers that guard against mistakes are taken away first.
pub async fn behind(place: &Place) -> sqlx::SqliteConnection {
    use sqlx::Connection as _;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(place.path());
    let mut raw = sqlx::SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(
        "DROP TRIGGER IF EXISTS event_is_never_changed; DROP TRIGGER IF EXISTS event_is_never_removed",
    )
    .execute(&mut raw)
    .await
    .unwrap();
    raw
}

/// This test program again, for one of the tests that are ignored because they are parts of others.
pub fn this_program_again(test: &str) -> Vec<String> {
    let program = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
    [&program, test, "--exact", "--ignored", "--nocapture"].map(String::from).to_vec()
}
