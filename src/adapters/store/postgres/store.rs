//! The port, and what is too small for a file of its own: blobs and the probe.

use super::open::PostgresStore;
use crate::adapters::store::keeping::RELEASED;
use crate::adapters::store::sealing::whole;
use crate::domain::digest::sha256_hex;
use crate::domain::envelope::{Envelope, Head};
use crate::domain::id::{BatchId, ClusterId, RemediationId};
use crate::ports::store::{
    Delivered, Draft, InboxItem, IndexRow, READS_KEPT, StopFlag, Store, StoreError, StoreLease,
};

const PUT_BLOB: &str =
    "INSERT INTO pilothouse.blob (digest, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING";

/// The same content again counts as the newest.
const PUT_READS: &str = "
WITH older AS (
    DELETE FROM pilothouse.reads WHERE digest <> $1 AND number NOT IN (
        SELECT number FROM pilothouse.reads WHERE digest <> $1 ORDER BY number DESC LIMIT $3 - 1)
)
INSERT INTO pilothouse.reads AS kept (digest, bytes) VALUES ($1, $2)
ON CONFLICT (digest) DO UPDATE SET number = DEFAULT, bytes = excluded.bytes";

/// Whether this role may write the log, and as whom it came.
const RIGHTS: &str = "
SELECT has_table_privilege('pilothouse.event', 'INSERT'), session_user::text,
       split_part(current_setting('server_version'), ' ', 1)";

/// Written and committed by itself; the answer says how long that took on the server.
const PROBE: &str = "
INSERT INTO pilothouse.probe (id, at) VALUES (1, clock_timestamp())
ON CONFLICT (id) DO UPDATE SET at = clock_timestamp()";

const MILLISECONDS: &str = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

#[async_trait::async_trait]
impl Store for PostgresStore {
    async fn acquire(
        &self,
        cluster: &ClusterId,
        holder: &str,
        ttl_s: u64,
    ) -> Result<StoreLease, StoreError> {
        self.lease_acquire(cluster, holder, ttl_s).await
    }

    async fn renew(&self, lease: &StoreLease, ttl_s: u64) -> Result<StoreLease, StoreError> {
        self.lease_renew(lease, ttl_s).await
    }

    async fn release(&self, lease: &StoreLease) -> Result<(), StoreError> {
        self.lease_renew(lease, RELEASED).await.map(drop)
    }

    async fn append(
        &self,
        lease: &StoreLease,
        expected: &Head,
        batch: &BatchId,
        drafts: Vec<Draft>,
        index: Vec<IndexRow>,
        taken: Vec<u64>,
    ) -> Result<Vec<Envelope>, StoreError> {
        self.log_append(lease, expected, batch, drafts, &index, &taken).await
    }

    async fn head(&self, cluster: &ClusterId) -> Result<Head, StoreError> {
        self.log_head(cluster).await
    }

    async fn read(
        &self,
        cluster: &ClusterId,
        after: u64,
        limit: u32,
        subject: Option<&RemediationId>,
    ) -> Result<Vec<Envelope>, StoreError> {
        self.log_read(cluster, after, limit, subject).await
    }

    async fn index(
        &self,
        cluster: &ClusterId,
        live_only: bool,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<IndexRow>, StoreError> {
        self.log_index(cluster, live_only, skip, limit).await
    }

    async fn clusters(&self) -> Result<Vec<ClusterId>, StoreError> {
        self.log_clusters().await
    }

    async fn put_blob(&self, bytes: &[u8]) -> Result<String, StoreError> {
        let digest = sha256_hex(bytes);
        let query = sqlx::query(PUT_BLOB).bind(digest.clone()).bind(bytes.to_vec());
        self.writing(query.execute(&self.pool)).await?;
        Ok(digest)
    }

    async fn blob(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT bytes FROM pilothouse.blob WHERE digest = $1");
        let found = self.reading(query.bind(digest).fetch_optional(&self.pool)).await?;
        whole("blob", digest, found)
    }

    async fn put_reads(&self, bytes: &[u8]) -> Result<String, StoreError> {
        let digest = sha256_hex(bytes);
        let most = i64::try_from(READS_KEPT).unwrap_or(i64::MAX);
        let query = sqlx::query(PUT_READS).bind(digest.clone()).bind(bytes.to_vec()).bind(most);
        self.writing(query.execute(&self.pool)).await?;
        Ok(digest)
    }

    async fn reads(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let query = sqlx::query_scalar("SELECT bytes FROM pilothouse.reads WHERE digest = $1");
        let found = self.reading(query.bind(digest).fetch_optional(&self.pool)).await?;
        whole("reading", digest, found)
    }

    async fn put(
        &self,
        cluster: &ClusterId,
        items: Vec<InboxItem>,
    ) -> Result<Vec<u64>, StoreError> {
        self.inbox_put(cluster, &items).await
    }

    async fn waiting(&self, cluster: &ClusterId, limit: u32) -> Result<Vec<Delivered>, StoreError> {
        self.inbox_waiting(cluster, limit).await
    }

    async fn set_stop(&self, cluster: &ClusterId, flag: &StopFlag) -> Result<(), StoreError> {
        self.stop_set(cluster, flag).await
    }

    async fn lift_stop(&self, cluster: &ClusterId) -> Result<(), StoreError> {
        self.stop_lift(cluster).await
    }

    async fn stop_flag(&self, cluster: &ClusterId) -> Result<Option<StopFlag>, StoreError> {
        self.stop_read(cluster).await
    }

    async fn probe(&self) -> Result<String, StoreError> {
        let query = sqlx::query_as::<_, (bool, String, String)>(RIGHTS);
        let (writes, role, version) = self.reading(query.fetch_one(&self.pool)).await?;
        let at = format!("{} (version {version})", self.at);
        if !writes {
            return Ok(format!(
                "{at}: read as role {role}, which may ask the engine but not write the log: a person's"
            ));
        }
        let before = self.milliseconds().await?;
        self.writing(sqlx::query(PROBE).execute(&self.pool)).await?;
        let took = (self.milliseconds().await? - before).max(1);
        Ok(format!("{at}: a durable write took {took} ms or less"))
    }
}

impl PostgresStore {
    /// The server's clock, in milliseconds.
    async fn milliseconds(&self) -> Result<i64, StoreError> {
        self.reading(sqlx::query_scalar(MILLISECONDS).fetch_one(&self.pool)).await
    }
}
