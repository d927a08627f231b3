//! A store in memory, for the simulator and for tests of what stands on a store.
//!
//! Promises: behaves like the SQLite one (one conformance suite runs against both); reads time only from the clock
//! that it is given; its futures are complete at the first poll, so that any executor can drive it. Clones share
//! what is stored, as two processes share a file.
//! Deliberately absent: durability. What is in it ends with the last clone.

use super::sealing::{check_head, check_repeated, seal, to_milliseconds};
use crate::domain::digest::sha256_hex;
use crate::domain::envelope::{Envelope, Head};
use crate::domain::id::{BatchId, ClusterId, RemediationId};
use crate::domain::time::{Timestamp, plus};
use crate::ports::clock::Clock;
use crate::ports::store::{
    Delivered, Draft, InboxItem, IndexRow, READS_KEPT, StopFlag, Store, StoreError, StoreLease,
};
use std::cmp::Reverse;
use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store in memory.
#[derive(Clone)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    kept: Arc<Mutex<Kept>>,
}

#[derive(Default)]
struct Kept {
    streams: BTreeMap<ClusterId, Stream>,
    blobs: BTreeMap<String, Vec<u8>>,
    /// Newest last.
    reads: VecDeque<(String, Vec<u8>)>,
    last_number: u64,
}

#[derive(Default)]
struct Stream {
    events: Vec<Envelope>,
    batches: BTreeMap<BatchId, RangeInclusive<u64>>,
    lease: Option<Lease>,
    rows: BTreeMap<RemediationId, IndexRow>,
    inbox: BTreeMap<u64, Delivered>,
    stop: Option<StopFlag>,
}

struct Lease {
    holder: String,
    fence: u64,
    until: Timestamp,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, kept: Arc::default() }
    }

    /// A panic elsewhere while the lock was held leaves nothing half-done here: every change below is made after
    /// all checks, without a step that could panic between its parts.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Result<Timestamp, StoreError> {
        to_milliseconds(self.clock.now())
    }
}

impl Stream {
    fn head(&self) -> Head {
        self.events
            .last()
            .map_or_else(Head::empty, |last| Head { seq: last.seq, hash: last.hash.clone() })
    }

    fn held(&mut self, lease: &StoreLease, now: Timestamp) -> Result<&mut Lease, StoreError> {
        self.lease
            .as_mut()
            .filter(|l| l.fence == lease.fence && l.holder == lease.holder && l.until > now)
            .ok_or(StoreError::Fenced)
    }

    /// Events with these positions.
    fn between(&self, range: &RangeInclusive<u64>) -> Vec<Envelope> {
        self.events.iter().filter(|event| range.contains(&event.seq)).cloned().collect()
    }
}

#[async_trait::async_trait]
impl Store for MemoryStore {
    async fn acquire(
        &self,
        cluster: &ClusterId,
        holder: &str,
        ttl_s: u64,
    ) -> Result<StoreLease, StoreError> {
        let now = self.now()?;
        let mut kept = self.kept();
        let stream = kept.streams.entry(cluster.clone()).or_default();
        let mut fence = 1;
        if let Some(lease) = &stream.lease {
            if lease.holder != holder && lease.until > now {
                return Err(StoreError::Held { holder: lease.holder.clone(), until: lease.until });
            }
            fence = lease.fence + 1;
        }
        let until = plus(now, ttl_s);
        stream.lease = Some(Lease { holder: holder.to_owned(), fence, until });
        Ok(StoreLease { cluster: cluster.clone(), holder: holder.to_owned(), fence, until })
    }

    async fn renew(&self, lease: &StoreLease, ttl_s: u64) -> Result<StoreLease, StoreError> {
        let now = self.now()?;
        let mut kept = self.kept();
        let stream = kept.streams.get_mut(&lease.cluster).ok_or(StoreError::Fenced)?;
        let held = stream.held(lease, now)?;
        held.until = plus(now, ttl_s);
        Ok(StoreLease { until: held.until, ..lease.clone() })
    }

    async fn release(&self, lease: &StoreLease) -> Result<(), StoreError> {
        let now = self.now()?;
        let mut kept = self.kept();
        let stream = kept.streams.get_mut(&lease.cluster).ok_or(StoreError::Fenced)?;
        stream.held(lease, now)?.until = now;
        Ok(())
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
        let now = self.now()?;
        let mut kept = self.kept();
        let stream = kept.streams.get_mut(&lease.cluster).ok_or(StoreError::Fenced)?;
        stream.held(lease, now)?;
        if let Some(range) = stream.batches.get(batch) {
            let stored = stream.between(range);
            check_repeated(batch, &stored, &drafts)?;
            return Ok(stored);
        }
        check_head(expected, &stream.head())?;
        let sealed = seal(lease, expected, batch, drafts)?;
        let rows = index
            .into_iter()
            .map(|row| Ok(IndexRow { opened_at: to_milliseconds(row.opened_at)?, ..row }))
            .collect::<Result<Vec<_>, StoreError>>()?;
        let last = sealed.last().map_or(expected.seq, |event| event.seq);
        stream.batches.insert(batch.clone(), expected.seq + 1..=last);
        stream.events.extend(sealed.iter().cloned());
        stream.rows.extend(rows.into_iter().map(|row| (row.id.clone(), row)));
        for number in taken {
            stream.inbox.remove(&number);
        }
        Ok(sealed)
    }

    async fn head(&self, cluster: &ClusterId) -> Result<Head, StoreError> {
        Ok(self.kept().streams.get(cluster).map_or_else(Head::empty, Stream::head))
    }

    async fn read(
        &self,
        cluster: &ClusterId,
        after: u64,
        limit: u32,
        subject: Option<&RemediationId>,
    ) -> Result<Vec<Envelope>, StoreError> {
        let kept = self.kept();
        let Some(stream) = kept.streams.get(cluster) else { return Ok(Vec::new()) };
        let from = stream.events.partition_point(|event| event.seq <= after);
        Ok(stream.events[from..]
            .iter()
            .filter(|event| subject.is_none() || event.subject.as_ref() == subject)
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .cloned()
            .collect())
    }

    async fn index(
        &self,
        cluster: &ClusterId,
        live_only: bool,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<IndexRow>, StoreError> {
        let kept = self.kept();
        let Some(stream) = kept.streams.get(cluster) else { return Ok(Vec::new()) };
        let mut rows =
            stream.rows.values().filter(|row| row.live || !live_only).collect::<Vec<_>>();
        rows.sort_by_key(|row| (Reverse(row.first_seq), &row.id));
        Ok(rows
            .into_iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX))
            .take(usize::try_from(limit).unwrap_or(usize::MAX))
            .cloned()
            .collect())
    }

    async fn clusters(&self) -> Result<Vec<ClusterId>, StoreError> {
        let kept = self.kept();
        let with_log = kept.streams.iter().filter(|(_, stream)| !stream.events.is_empty());
        Ok(with_log.map(|(cluster, _)| cluster.clone()).collect())
    }

    async fn put_blob(&self, bytes: &[u8]) -> Result<String, StoreError> {
        let digest = sha256_hex(bytes);
        self.kept().blobs.entry(digest.clone()).or_insert_with(|| bytes.to_vec());
        Ok(digest)
    }

    async fn blob(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.kept().blobs.get(digest).cloned())
    }

    async fn put_reads(&self, bytes: &[u8]) -> Result<String, StoreError> {
        let digest = sha256_hex(bytes);
        let mut kept = self.kept();
        kept.reads.retain(|(known, _)| *known != digest);
        kept.reads.push_back((digest.clone(), bytes.to_vec()));
        while kept.reads.len() > READS_KEPT {
            kept.reads.pop_front();
        }
        Ok(digest)
    }

    async fn reads(&self, digest: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let kept = self.kept();
        Ok(kept.reads.iter().find(|(known, _)| known == digest).map(|(_, bytes)| bytes.clone()))
    }

    async fn put(
        &self,
        cluster: &ClusterId,
        items: Vec<InboxItem>,
    ) -> Result<Vec<u64>, StoreError> {
        let at = self.now()?;
        let mut guard = self.kept();
        let kept = &mut *guard;
        let stream = kept.streams.entry(cluster.clone()).or_default();
        let mut numbers = Vec::with_capacity(items.len());
        for item in items {
            kept.last_number += 1;
            let number = kept.last_number;
            stream.inbox.insert(number, Delivered { number, at, item });
            numbers.push(number);
        }
        Ok(numbers)
    }

    async fn waiting(&self, cluster: &ClusterId, limit: u32) -> Result<Vec<Delivered>, StoreError> {
        let kept = self.kept();
        let Some(stream) = kept.streams.get(cluster) else { return Ok(Vec::new()) };
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok(stream.inbox.values().take(limit).cloned().collect())
    }

    async fn set_stop(&self, cluster: &ClusterId, flag: &StopFlag) -> Result<(), StoreError> {
        let since = to_milliseconds(flag.since)?;
        let mut kept = self.kept();
        let stream = kept.streams.entry(cluster.clone()).or_default();
        stream.stop = Some(StopFlag { since, ..flag.clone() });
        Ok(())
    }

    async fn lift_stop(&self, cluster: &ClusterId) -> Result<(), StoreError> {
        if let Some(stream) = self.kept().streams.get_mut(cluster) {
            stream.stop = None;
        }
        Ok(())
    }

    async fn stop_flag(&self, cluster: &ClusterId) -> Result<Option<StopFlag>, StoreError> {
        Ok(self.kept().streams.get(cluster).and_then(|stream| stream.stop.clone()))
    }

    async fn probe(&self) -> Result<String, StoreError> {
        Ok("store in memory: writing takes no time, and nothing outlives the process".into())
    }
}
