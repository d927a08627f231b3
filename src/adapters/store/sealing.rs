//! From drafts to envelopes: positions, links and hashes; and bytes by digest. The same for every store.

use crate::domain::digest::sha256_hex;
use crate::domain::envelope::{ENCODING_JSON, Envelope, Head, PAYLOAD_LIMIT};
use crate::domain::id::BatchId;
use crate::domain::time::{Timestamp, rfc3339};
use crate::ports::store::{Draft, StoreError, StoreLease};

/// Largest position, fence or number that every kind of store can hold.
const LARGEST: u64 = i64::MAX as u64;

/// Makes the envelopes that follow `head`.
pub(super) fn seal(
    lease: &StoreLease,
    head: &Head,
    batch: &BatchId,
    drafts: Vec<Draft>,
) -> Result<Vec<Envelope>, StoreError> {
    let mut prev = head.hash.clone();
    let mut sealed = Vec::with_capacity(drafts.len());
    for (seq, draft) in (head.seq + 1..).zip(drafts) {
        if seq > LARGEST {
            return Err(StoreError::Refused("the log is at its last possible position".into()));
        }
        check_payload(&draft)?;
        let envelope = Envelope {
            stream: lease.cluster.clone(),
            seq,
            at: to_milliseconds(draft.at)?,
            by: draft.by,
            cause: draft.cause,
            subject: draft.subject,
            fence: lease.fence,
            batch: batch.clone(),
            kind: draft.kind,
            schema: draft.schema,
            encoding: ENCODING_JSON,
            payload: draft.payload,
            prev: std::mem::take(&mut prev),
            hash: String::new(),
        }
        .sealed();
        prev.clone_from(&envelope.hash);
        sealed.push(envelope);
    }
    Ok(sealed)
}

fn check_payload(draft: &Draft) -> Result<(), StoreError> {
    if draft.payload.len() <= PAYLOAD_LIMIT {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "an event of kind {} has a payload of {} bytes, and {PAYLOAD_LIMIT} is the limit: \
         keep the large part as a blob and name its digest",
        draft.kind,
        draft.payload.len()
    )))
}

/// The moment that reading its stored text gives: the same up to milliseconds.
pub(super) fn to_milliseconds(at: Timestamp) -> Result<Timestamp, StoreError> {
    let text = rfc3339(at);
    parse_time(&text)
        .ok_or_else(|| StoreError::Refused(format!("the time {text} can't be written as RFC 3339")))
}

/// Reads a stored time. Only the exact form in which times are written is accepted: the hash covers the text, so
/// another way of writing the same moment would be a change that verification can't see.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let at = chrono::DateTime::parse_from_rfc3339(text).ok()?.to_utc();
    (rfc3339(at) == text).then_some(at)
}

/// Whether the stored events of a batch are what these drafts would have become.
pub(super) fn check_repeated(
    batch: &BatchId,
    stored: &[Envelope],
    drafts: &[Draft],
) -> Result<(), StoreError> {
    let same = stored.len() == drafts.len()
        && stored.iter().zip(drafts).all(|(envelope, draft)| {
            rfc3339(envelope.at) == rfc3339(draft.at)
                && envelope.by == draft.by
                && envelope.cause == draft.cause
                && envelope.subject == draft.subject
                && envelope.kind == draft.kind
                && envelope.schema == draft.schema
                && envelope.payload == draft.payload
        });
    if same {
        Ok(())
    } else {
        Err(StoreError::Refused(format!(
            "batch {batch} is in the log already, with other events: a batch id must never be used twice"
        )))
    }
}

/// Compares the head that an append expects with the one that is there.
pub(super) fn check_head(expected: &Head, found: &Head) -> Result<(), StoreError> {
    if expected.seq != found.seq {
        return Err(StoreError::Conflict { expected: expected.seq, found: found.seq });
    }
    if expected.hash != found.hash {
        return Err(StoreError::Corrupt(format!(
            "event {} has the hash {}, but {} was expected: the log was rewritten or restored from elsewhere",
            found.seq, found.hash, expected.hash
        )));
    }
    Ok(())
}

/// What was found, if it is what was put there.
pub(super) fn whole(
    what: &str,
    digest: &str,
    found: Option<Vec<u8>>,
) -> Result<Option<Vec<u8>>, StoreError> {
    match found {
        Some(bytes) if sha256_hex(&bytes) != digest => Err(StoreError::Corrupt(format!(
            "{what} {digest} was changed: its bytes hash to another"
        ))),
        found => Ok(found),
    }
}
