//! Any store behind its breaker.
//!
//! Promises: what a store that is down would be asked is not asked while the breaker is open, and fails as
//! `Unavailable`: nothing was written. A lease that another engine holds, or a log that moved on, is an answer.

use crate::domain::breaker::{Answer, Down};
use crate::domain::envelope::{Envelope, Head};
use crate::domain::id::{BatchId, ClusterId, RemediationId};
use crate::ports::desk::{Desk, Left};
use crate::ports::line::Line;
use crate::ports::store::{
    Delivered, Draft, InboxItem, IndexRow, StopFlag, Store, StoreError, StoreLease,
};
use std::sync::Arc;

/// A store with a breaker in front of it.
pub struct GuardedStore {
    inner: Arc<dyn Store>,
    line: Line,
}

impl GuardedStore {
    /// Puts the line's breaker in front of a store.
    #[must_use]
    pub fn new(inner: Arc<dyn Store>, line: Line) -> Self {
        Self { inner, line }
    }

    async fn call<T>(
        &self,
        made: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        guarded(&self.line, made).await
    }
}

async fn guarded<T>(
    line: &Line,
    made: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let calling = line.begin().map_err(|closed| StoreError::Unavailable(closed.to_string()))?;
    let result = made.await;
    calling.end(&match &result {
        Ok(_) => Answer::Good,
        Err(StoreError::Unavailable(why)) => Answer::Down(Down::SaysDown, why.clone()),
        Err(StoreError::Unknown(why)) => Answer::Down(Down::NoAnswer, why.clone()),
        Err(StoreError::Held { .. }) => Answer::No("held by another".into()),
        Err(StoreError::Fenced) => Answer::No("fenced".into()),
        Err(StoreError::Conflict { .. }) => Answer::No("conflict".into()),
        Err(StoreError::Refused(_)) => Answer::No("refused".into()),
        Err(StoreError::Corrupt(_)) => Answer::No("unreadable".into()),
    });
    result
}

/// A desk with the store's breaker in front of it.
pub struct GuardedDesk {
    inner: Arc<dyn Desk>,
    line: Line,
}

impl GuardedDesk {
    /// Puts the line's breaker in front of a desk.
    #[must_use]
    pub fn new(inner: Arc<dyn Desk>, line: Line) -> Self {
        Self { inner, line }
    }
}

#[async_trait::async_trait]
impl Desk for GuardedDesk {
    async fn take(&self, lease: &StoreLease, limit: u32) -> Result<Vec<Left>, StoreError> {
        guarded(&self.line, self.inner.take(lease, limit)).await
    }

    async fn answer(&self, number: u64, receipt_json: &str) -> Result<(), StoreError> {
        guarded(&self.line, self.inner.answer(number, receipt_json)).await
    }
}

#[async_trait::async_trait]
impl Store for GuardedStore {
    async fn acquire(
        &self,
        cluster: &ClusterId,
        holder: &str,
        ttl_s: u64,
    ) -> Result<StoreLease, StoreError> {
        self.call(self.inner.acquire(cluster, holder, ttl_s)).await
    }

    async fn renew(&self, lease: &StoreLease, ttl_s: u64) -> Result<StoreLease, StoreError> {
        self.call(self.inner.renew(lease, ttl_s)).await
    }

    async fn release(&self, lease: &StoreLease) -> Result<(), StoreError> {
        self.call(self.inner.release(lease)).await
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
        self.call(self.inner.append(lease, expected, batch, drafts, index, taken)).await
    }

    async fn head(&self, cluster: &ClusterId) -> Result<Head, StoreError> {
        self.call(self.inner.head(cluster)).await
    }

    async fn read(
        &self,
        cluster: &ClusterId,
        after: u64,
        limit: u32,
        subject: Option<&RemediationId>,
    ) -> Result<Vec<Envelope>, StoreError> {
        self.call(self.inner.read(cluster, after, limit, subject)).await
    }

    async fn index(
        &self,
        cluster: &ClusterId,
        live_only: bool,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<IndexRow>, StoreError> {
        self.call(self.inner.index(cluster, live_only, skip, limit)).await
    }

    async fn clusters(&self) -> Result<Vec<ClusterId>, StoreError> {
        self.call(self.inner.clusters()).await
    }

    async fn put_blob(&self, bytes: &[u8]) -> Result<String, StoreError> {
        self.call(self.inner.put_blob(bytes)).await
    }

    async fn blob(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.call(self.inner.blob(digest)).await
    }

    async fn put_reads(&self, bytes: &[u8]) -> Result<String, StoreError> {
        self.call(self.inner.put_reads(bytes)).await
    }

    async fn reads(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.call(self.inner.reads(digest)).await
    }

    async fn put(
        &self,
        cluster: &ClusterId,
        items: Vec<InboxItem>,
    ) -> Result<Vec<u64>, StoreError> {
        self.call(self.inner.put(cluster, items)).await
    }

    async fn waiting(&self, cluster: &ClusterId, limit: u32) -> Result<Vec<Delivered>, StoreError> {
        self.call(self.inner.waiting(cluster, limit)).await
    }

    /// Nothing may delay a stop: it is tried whatever the breaker says.
    async fn set_stop(&self, cluster: &ClusterId, flag: &StopFlag) -> Result<(), StoreError> {
        self.inner.set_stop(cluster, flag).await
    }

    async fn lift_stop(&self, cluster: &ClusterId) -> Result<(), StoreError> {
        self.call(self.inner.lift_stop(cluster)).await
    }

    async fn stop_flag(&self, cluster: &ClusterId) -> Result<Option<StopFlag>, StoreError> {
        self.call(self.inner.stop_flag(cluster)).await
    }

    async fn probe(&self) -> Result<String, StoreError> {
        self.call(self.inner.probe()).await
    }
}
