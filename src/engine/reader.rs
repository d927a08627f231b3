//! Reads the log without driving: for verbs in other processes, and for engines that follow.

use super::core::{Core, Live, Settings};
use super::log::{blob_of, catch_up, events_of, recorded};
use super::snapshot::Snapshot;
use crate::domain::digest::sha256_hex;
use crate::domain::envelope::{Head, verify_chain};
use crate::domain::event::Recorded;
use crate::domain::id::{ClusterId, RemediationId};
use crate::domain::policy::Policy;
use crate::domain::remediation::Remediation;
use crate::domain::time::Timestamp;
use crate::ports::store::{IndexRow, Store, StoreError};
use std::sync::Arc;

/// Rows of the index that one read brings.
const PAGE: u32 = 1_000;

/// Why a case can't be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nothing has that prefix.
    #[error("no remediation starts with `{0}`")]
    NotFound(String),
    /// Several have.
    #[error("`{prefix}` is not unique: {matches}")]
    Ambiguous {
        /// What was asked.
        prefix: String,
        /// What has it.
        matches: String,
    },
    /// An event can't be read.
    #[error("event {seq}: {why}")]
    Event {
        /// Position.
        seq: u64,
        /// Why.
        why: String,
    },
}

/// What `audit verify` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// Events checked.
    pub events: u64,
    /// Hash of the last one.
    pub head: String,
    /// What is wrong, if anything.
    pub broken: Option<String>,
}

/// The picture of one cluster's log.
pub async fn snapshot(
    store: &dyn Store,
    cluster: &ClusterId,
    now: Timestamp,
) -> Result<Snapshot, ReadError> {
    let mut core = Core::new(Settings {
        cluster: cluster.clone(),
        name: String::new(),
        policy: Arc::new(Policy::default()),
        two_people: false,
        routes: Arc::default(),
        simulated: false,
    });
    catch_up(store, cluster, &mut core, Head::empty()).await?;
    let simulated = core.is_simulated().then(|| "simulated cluster".to_string());
    let live =
        Live { sources: Vec::new(), store_down: None, simulated, speed: 1, breakers: Vec::new() };
    Ok(core.snapshot(now, live))
}

/// One case by id or unique prefix, with its events.
pub async fn remediation(
    store: &dyn Store,
    cluster: &ClusterId,
    prefix: &str,
) -> Result<(Remediation, Vec<Recorded>), ReadError> {
    let id = find(store, cluster, prefix).await?;
    let events = events_of(store, cluster, &id).await?;
    let case = fold(cluster, &id, &events)
        .ok_or_else(|| ReadError::Event { seq: 0, why: format!("{id} has no opening event") })?;
    Ok((case, events))
}

/// One case by its whole id, with its events.
pub async fn case(
    store: &dyn Store,
    cluster: &ClusterId,
    id: &RemediationId,
) -> Result<(Remediation, Vec<Recorded>), ReadError> {
    let events = events_of(store, cluster, id).await?;
    let case = fold(cluster, id, &events).ok_or_else(|| ReadError::NotFound(id.to_string()))?;
    Ok((case, events))
}

/// The head of the log as it is stored.
pub async fn head(store: &dyn Store, cluster: &ClusterId) -> Result<Head, ReadError> {
    Ok(store.head(cluster).await?)
}

/// What was kept under a digest.
pub async fn blob(store: &dyn Store, digest: &str) -> Result<Option<Vec<u8>>, ReadError> {
    Ok(store.blob(digest).await?)
}

/// What was read for a diagnosis or a plan; `None` when it is kept no more.
pub async fn reads(store: &dyn Store, digest: &str) -> Result<Option<Vec<u8>>, ReadError> {
    Ok(store.reads(digest).await?)
}

/// Events after a position, in order, at most `limit`.
pub async fn after(
    store: &dyn Store,
    cluster: &ClusterId,
    seq: u64,
    limit: u32,
) -> Result<Vec<Recorded>, ReadError> {
    let mut out = Vec::new();
    for envelope in store.read(cluster, seq, limit, None).await? {
        out.push(recorded(store, &envelope).await?);
    }
    Ok(out)
}

/// The fold of one case's events; `None` without an opening event.
#[must_use]
pub fn fold(cluster: &ClusterId, id: &RemediationId, events: &[Recorded]) -> Option<Remediation> {
    let mut case = None::<Remediation>;
    for recorded in events {
        match &mut case {
            None => case = Remediation::opened_by(id, cluster, recorded),
            Some(case) => case.apply(recorded),
        }
    }
    case
}

/// All cases, in the order of the index.
pub async fn cases(store: &dyn Store, cluster: &ClusterId) -> Result<Vec<IndexRow>, ReadError> {
    let mut rows = Vec::new();
    loop {
        let skip = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        let page = store.index(cluster, false, skip, PAGE).await?;
        let last = page.len() < PAGE as usize;
        rows.extend(page);
        if last {
            return Ok(rows);
        }
    }
}

async fn find(
    store: &dyn Store,
    cluster: &ClusterId,
    prefix: &str,
) -> Result<RemediationId, ReadError> {
    if prefix.is_empty() {
        return Err(ReadError::NotFound(String::new()));
    }
    let mut found = Vec::new();
    for row in cases(store, cluster).await? {
        if row.id.as_str().starts_with(prefix) {
            found.push(row.id);
        }
    }
    match found.as_slice() {
        [] => Err(ReadError::NotFound(prefix.into())),
        [one] => Ok(one.clone()),
        several => {
            let matches = several.iter().take(5).map(RemediationId::as_str).collect::<Vec<_>>();
            Err(ReadError::Ambiguous { prefix: prefix.into(), matches: matches.join(", ") })
        }
    }
}

/// Walks the whole chain, and the blobs that it names.
pub async fn audit(store: &dyn Store, cluster: &ClusterId) -> Result<Audit, ReadError> {
    let mut head = Head::empty();
    loop {
        let page = match store.read(cluster, head.seq, 2_000, None).await {
            Ok(page) => page,
            Err(StoreError::Corrupt(why)) => return Ok(broken(&head, why)),
            Err(error) => return Err(error.into()),
        };
        if page.is_empty() {
            break;
        }
        head = match verify_chain(head.clone(), &page) {
            Ok(head) => head,
            Err(error) => return Ok(broken(&head, error.to_string())),
        };
        for envelope in &page {
            let Some(digest) = blob_of(&envelope.payload) else { continue };
            let whole =
                store.blob(&digest).await?.is_some_and(|bytes| sha256_hex(&bytes) == digest);
            if !whole {
                let why =
                    format!("event {}: its blob {digest} is missing or changed", envelope.seq);
                return Ok(broken(&head, why));
            }
        }
    }
    let known = store.head(cluster).await?;
    if known != head {
        let why = format!("the log ends at event {}, its head says {}", head.seq, known.seq);
        return Ok(broken(&head, why));
    }
    Ok(Audit { events: head.seq, head: head.hash, broken: None })
}

fn broken(head: &Head, why: String) -> Audit {
    Audit { events: head.seq, head: head.hash.clone(), broken: Some(why) }
}
