//! Commands through the database: a person leaves one under the role that connected, the engine takes it, the receipt
//! comes back the same way.
//!
//! Promises: the role is stamped by the database (`session_user` in the function `ask`), never by the caller; a command
//! is taken once, by the engine that holds the store's lease. Absent on purpose: a second try. A command without an
//! answer may have been taken; whoever sent it looks first.

use super::open::PostgresStore;
use super::text::stored;
use crate::adapters::store::keeping::number;
use crate::domain::id::ClusterId;
use crate::domain::principal::{KubeIdentity, Principal};
use crate::ports::desk::{Desk, Left};
use crate::ports::relay::Relay;
use crate::ports::store::{StoreError, StoreLease};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// Pause between two looks for the receipt.
const LOOK: Duration = Duration::from_millis(200);
/// Looks until the engine must have taken it: 20 s.
const UNTAKEN: u32 = 100;
/// Looks until its receipt must be there: 75 s, longer than the engine's own patience.
const UNANSWERED: u32 = 375;

const DRIVEN: &str = "
SELECT EXISTS (SELECT 1 FROM pilothouse.lease JOIN pilothouse.stream ON stream.id = lease.stream
               WHERE cluster = $1 AND until > clock_timestamp())";

const ASK: &str = "SELECT pilothouse.ask($1, $2, $3)";

const RECEIPT: &str = "SELECT taken, receipt FROM pilothouse.command WHERE number = $1";

/// What is older than a day is in nobody's interest any more; what was decided is in the log.
const TAKE: &str = "
WITH old AS (
    DELETE FROM pilothouse.command WHERE at < clock_timestamp() - interval '1 day'
), mine AS (
    SELECT lease.stream FROM pilothouse.lease JOIN pilothouse.stream ON stream.id = lease.stream
    WHERE stream.cluster = $1 AND lease.holder = $2 AND lease.fence = $3 AND lease.until > clock_timestamp()
), next AS (
    SELECT number FROM pilothouse.command
    WHERE stream = (SELECT stream FROM mine) AND taken IS NULL AND at >= clock_timestamp() - interval '1 day'
    ORDER BY number LIMIT $4 FOR UPDATE SKIP LOCKED
)
UPDATE pilothouse.command SET taken = $2 FROM next WHERE command.number = next.number
RETURNING command.number, role, role = session_user,
          greatest(0, extract(epoch FROM clock_timestamp() - at) * 1000)::bigint, command, caller";

const ANSWER: &str = "UPDATE pilothouse.command SET receipt = $2 WHERE number = $1";

/// What the caller says about itself.
#[derive(Default, Serialize, Deserialize)]
struct Caller {
    kube: Option<KubeIdentity>,
    host: String,
    tty: String,
}

/// The way to the engine that holds the lease of a cluster's log.
pub struct DatabaseRelay {
    store: Arc<PostgresStore>,
    cluster: ClusterId,
}

impl DatabaseRelay {
    /// A way through this database.
    #[must_use]
    pub fn new(store: Arc<PostgresStore>, cluster: ClusterId) -> Self {
        Self { store, cluster }
    }
}

#[async_trait::async_trait]
impl Relay for DatabaseRelay {
    async fn send(&self, by: &Principal, command_json: &str) -> Result<String, String> {
        let store = &self.store;
        let cluster = stored(self.cluster.as_str());
        let words = |error: StoreError| error.to_string();
        let driven = sqlx::query_scalar::<_, bool>(DRIVEN).bind(&*cluster);
        if !store.reading(driven.fetch_one(&store.pool)).await.map_err(words)? {
            return Err(format!(
                "no engine holds the lease of this log in {}: start `pilothouse engine` with this store",
                store.at
            ));
        }
        let caller = Caller { kube: by.kube.clone(), host: by.host.clone(), tty: by.tty.clone() };
        let caller = serde_json::to_string(&caller).map_err(|error| error.to_string())?;
        let ask = sqlx::query_scalar::<_, Option<i64>>(ASK)
            .bind(&*cluster)
            .bind(command_json)
            .bind(caller);
        let number = store.writing(ask.fetch_one(&store.pool)).await.map_err(words)?;
        let number = number.ok_or("the store knows no such cluster")?;
        let mut missed = 0;
        for look in 0..UNANSWERED {
            tokio::time::sleep(LOOK).await;
            let query = sqlx::query_as::<_, (Option<String>, Option<String>)>(RECEIPT).bind(number);
            match store.reading(query.fetch_optional(&store.pool)).await {
                Ok(Some((_, Some(receipt)))) => return Ok(receipt),
                Ok(Some((None, None))) if look >= UNTAKEN => {
                    return Err(
                        "the engine did not take the command in time: look before trying again"
                            .into(),
                    );
                }
                Ok(Some(_)) => missed = 0,
                Ok(None) => return Err("the command is gone: look before trying again".into()),
                // The database may come back; the command is in it.
                Err(error) => {
                    missed += 1;
                    if missed > 3 {
                        return Err(format!("{error}; look before trying again"));
                    }
                }
            }
        }
        Err("the engine did not answer in time: look before trying again".into())
    }
}

/// Number, role, whether it is our own, milliseconds, command, caller.
type Row = (i64, String, bool, i64, String, String);

#[async_trait::async_trait]
impl Desk for PostgresStore {
    async fn take(&self, lease: &StoreLease, limit: u32) -> Result<Vec<Left>, StoreError> {
        let query = sqlx::query_as::<_, Row>(TAKE)
            .bind(stored(lease.cluster.as_str()))
            .bind(stored(&lease.holder))
            .bind(number(lease.fence)?)
            .bind(i64::from(limit));
        let mut rows = self.writing(query.fetch_all(&self.pool)).await?;
        rows.sort_unstable_by_key(|row| row.0);
        Ok(rows.into_iter().map(left).collect())
    }

    async fn answer(&self, number: u64, receipt_json: &str) -> Result<(), StoreError> {
        let number = crate::adapters::store::keeping::number(number)?;
        let query = sqlx::query(ANSWER).bind(number).bind(receipt_json);
        self.writing(query.execute(&self.pool)).await.map(drop)
    }
}

fn left((number, role, own, age, command_json, caller): Row) -> Left {
    // What can't be read is no claim.
    let caller = serde_json::from_str::<Caller>(&caller).unwrap_or_default();
    Left {
        number: number.unsigned_abs(),
        role,
        own,
        age: Duration::from_millis(age.unsigned_abs()),
        command_json,
        kube: caller.kube,
        host: caller.host,
        tty: caller.tty,
    }
}
