//! Between events and stored envelopes. Payloads over the limit are kept as blobs and named by digest.

use super::core::Core;
use super::reader::{ReadError, fold};
use crate::domain::digest::sha256_hex;
use crate::domain::envelope::{Envelope, Head, PAYLOAD_LIMIT};
use crate::domain::event::{Event, Recorded, SCHEMA};
use crate::domain::id::{ClusterId, RemediationId};
use crate::domain::remediation::Remediation;
use crate::ports::store::{Draft, Store, StoreError};
use serde_json::{Value, json};

/// Events that one read of the store brings.
const PAGE: u32 = 2_000;
/// The only member of a payload that stands for a blob.
const BLOB: &str = "$blob";

/// Makes drafts of events, keeping large payloads as blobs first.
pub async fn drafts(store: &dyn Store, events: &[Recorded]) -> Result<Vec<Draft>, StoreError> {
    let mut out = Vec::with_capacity(events.len());
    for recorded in events {
        let (kind, mut payload) = recorded.event.encode().map_err(|error| {
            StoreError::Corrupt(format!("an event has no stored form: {error}"))
        })?;
        if payload.len() > PAYLOAD_LIMIT {
            let digest = store.put_blob(&payload).await?;
            payload = json!({ BLOB: digest }).to_string().into_bytes();
        }
        out.push(Draft {
            at: recorded.at,
            by: recorded.by.clone(),
            cause: recorded.cause.clone(),
            subject: recorded.subject.clone(),
            kind,
            schema: SCHEMA,
            payload,
        });
    }
    Ok(out)
}

/// Reads an envelope's event, fetching its blob where it has one.
pub async fn recorded(store: &dyn Store, envelope: &Envelope) -> Result<Recorded, ReadError> {
    let wrong = |why: String| ReadError::Event { seq: envelope.seq, why };
    let blob = blob_of(&envelope.payload);
    let payload = match blob {
        None => envelope.payload.clone(),
        Some(digest) => {
            let bytes = store.blob(&digest).await?;
            let bytes = bytes.ok_or_else(|| wrong(format!("its blob {digest} is missing")))?;
            if sha256_hex(&bytes) != digest {
                return Err(wrong(format!("its blob {digest} was changed")));
            }
            bytes
        }
    };
    let event = Event::decode(&envelope.kind, envelope.schema, &payload)
        .map_err(|error| wrong(error.to_string()))?;
    Ok(Recorded {
        seq: envelope.seq,
        at: envelope.at,
        by: envelope.by.clone(),
        cause: envelope.cause.clone(),
        subject: envelope.subject.clone(),
        event,
    })
}

/// The blob that a stored payload names instead of holding its content.
#[must_use]
pub fn blob_of(payload: &[u8]) -> Option<String> {
    if payload.len() > 200 {
        return None;
    }
    let value = serde_json::from_slice::<Value>(payload).ok()?;
    let members = value.as_object().filter(|members| members.len() == 1)?;
    members.get(BLOB)?.as_str().map(String::from)
}

/// Folds everything after the core's position, and returns the log's head.
pub async fn catch_up(
    store: &dyn Store,
    cluster: &ClusterId,
    core: &mut Core,
    mut head: Head,
) -> Result<Head, ReadError> {
    loop {
        let page = store.read(cluster, core.seq(), PAGE, None).await?;
        let Some(last) = page.last() else { return Ok(head) };
        head = Head { seq: last.seq, hash: last.hash.clone() };
        for envelope in &page {
            let recorded = recorded(store, envelope).await?;
            if let Some(case) = reopened(store, cluster, &recorded).await? {
                core.restore(case);
            }
            core.fold(&recorded);
        }
    }
}

/// The closed case that an event opens again, as it was before: what a core has forgotten of it.
pub async fn reopened(
    store: &dyn Store,
    cluster: &ClusterId,
    recorded: &Recorded,
) -> Result<Option<Remediation>, ReadError> {
    let (Some(id), Event::Steered { steering, .. }) = (&recorded.subject, &recorded.event) else {
        return Ok(None);
    };
    if !steering.reopens() {
        return Ok(None);
    }
    let mut events = events_of(store, cluster, id).await?;
    events.retain(|earlier| earlier.seq < recorded.seq);
    Ok(fold(cluster, id, &events))
}

/// All events of one case, oldest first.
pub async fn events_of(
    store: &dyn Store,
    cluster: &ClusterId,
    id: &RemediationId,
) -> Result<Vec<Recorded>, ReadError> {
    let mut out = Vec::new();
    let mut after = 0;
    loop {
        let page = store.read(cluster, after, PAGE, Some(id)).await?;
        let Some(last) = page.last() else { return Ok(out) };
        after = last.seq;
        for envelope in &page {
            out.push(recorded(store, envelope).await?);
        }
    }
}
