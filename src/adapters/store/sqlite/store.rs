//! The port, and what is too small for a file of its own: blobs and the probe.

use super::append::{Batch, append};
use super::open::SqliteStore;
use crate::adapters::store::keeping::RELEASED;
use crate::adapters::store::sealing::whole;
use crate::domain::digest::sha256_hex;
use crate::domain::envelope::{Envelope, Head};
use crate::domain::id::{BatchId, ClusterId, RemediationId};
use crate::ports::store::{
    Delivered, Draft, InboxItem, IndexRow, READS_KEPT, StopFlag, Store, StoreError, StoreLease,
};

const PUT_BLOB: &str = "
BEGIN IMMEDIATE;
INSERT INTO blob (digest, bytes) VALUES ($1, $2) ON CONFLICT DO NOTHING;
COMMIT";

/// The same content again counts as the newest.
const PUT_READS: &str = "
BEGIN IMMEDIATE;
INSERT OR REPLACE INTO reads (digest, bytes) VALUES ($1, $2);
DELETE FROM reads WHERE number NOT IN (SELECT number FROM reads ORDER BY number DESC LIMIT $3);
COMMIT";

const PROBE: &str = "
BEGIN IMMEDIATE;
INSERT INTO probe (id, at) VALUES (1, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
ON CONFLICT (id) DO UPDATE SET at = excluded.at;
COMMIT";

#[async_trait::async_trait]
impl Store for SqliteStore {
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
        let batch = Batch { lease, expected, id: batch, drafts, index, taken };
        append(self.writer.turn().await?, batch).await
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
        self.writer.turn().await?.commit(3, query).await?;
        Ok(digest)
    }

    async fn blob(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found: Option<Vec<u8>> = sqlx::query_scalar("SELECT bytes FROM blob WHERE digest = $1")
            .bind(digest)
            .fetch_optional(&self.readers)
            .await
            .map_err(|error| self.failed(&error))?;
        whole("blob", digest, found)
    }

    async fn put_reads(&self, bytes: &[u8]) -> Result<String, StoreError> {
        let digest = sha256_hex(bytes);
        let most = i64::try_from(READS_KEPT).unwrap_or(i64::MAX);
        let query = sqlx::query(PUT_READS).bind(digest.clone()).bind(bytes.to_vec()).bind(most);
        self.writer.turn().await?.commit(4, query).await?;
        Ok(digest)
    }

    async fn reads(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let found: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT bytes FROM reads WHERE digest = $1")
                .bind(digest)
                .fetch_optional(&self.readers)
                .await
                .map_err(|error| self.failed(&error))?;
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
        let before = self.milliseconds().await?;
        self.writer.turn().await?.commit(3, sqlx::query(PROBE)).await?;
        let took = self.milliseconds().await? - before;
        let at = self.path.display();
        Ok(match took {
            i64::MIN..=0 => format!("SQLite at {at}: a durable write took less than 1 ms"),
            took => format!("SQLite at {at}: a durable write took {took} ms"),
        })
    }
}

impl SqliteStore {
    /// SQLite's clock, in milliseconds.
    async fn milliseconds(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)")
            .fetch_one(&self.readers)
            .await
            .map_err(|error| self.failed(&error))
    }
}
