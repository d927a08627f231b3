//! The stored form of an event, and the hash chain over stored bytes.
//!
//! `hash = SHA-256("pilothouse/chain/1" ‖ each field with its length)`, where the first field is `prev`, the hash
//! of the envelope before it in the same stream (64 zeros before the first). Verification needs no key and does
//! not decode payloads.

use super::digest::sha256_hex;
use super::id::{BatchId, ClusterId, RemediationId};
use super::time::{Timestamp, rfc3339};
use serde::{Deserialize, Serialize};

/// The `prev` of a stream's first envelope.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Payload is JSON text.
pub const ENCODING_JSON: u8 = 0;

/// Largest payload; what is larger goes to a blob, named by digest.
pub const PAYLOAD_LIMIT: usize = 64 * 1024;

/// One stored event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The cluster that the event is about.
    pub stream: ClusterId,
    /// Position in the stream: 1, 2, 3, … without gaps.
    pub seq: u64,
    /// When; never earlier than the one before.
    pub at: Timestamp,
    /// Who, in one line.
    pub by: String,
    /// The attempt, alert or command that led to it; empty when none.
    pub cause: String,
    /// The remediation it belongs to, if one.
    pub subject: Option<RemediationId>,
    /// The fence of the store lease it was written under.
    pub fence: u64,
    /// The batch it was appended with.
    pub batch: BatchId,
    /// Kind of event.
    pub kind: String,
    /// Version of that kind's payload.
    pub schema: u16,
    /// How `payload` is encoded: [`ENCODING_JSON`].
    pub encoding: u8,
    /// The payload's bytes.
    pub payload: Vec<u8>,
    /// `hash` of the one before.
    pub prev: String,
    /// Hash over all of the above.
    pub hash: String,
}

impl Envelope {
    /// Computes the hash that belongs to this envelope's fields.
    #[must_use]
    pub fn compute_hash(&self) -> String {
        let mut bytes = b"pilothouse/chain/1".to_vec();
        let mut field = |part: &[u8]| {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        };
        field(self.prev.as_bytes());
        field(self.stream.as_str().as_bytes());
        field(&self.seq.to_be_bytes());
        field(rfc3339(self.at).as_bytes());
        field(self.by.as_bytes());
        field(self.cause.as_bytes());
        field(self.subject.as_ref().map_or("", RemediationId::as_str).as_bytes());
        field(&self.fence.to_be_bytes());
        field(self.batch.as_str().as_bytes());
        field(self.kind.as_bytes());
        field(&self.schema.to_be_bytes());
        field(&[self.encoding]);
        field(&self.payload);
        sha256_hex(&bytes)
    }

    /// Sets `hash`.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.hash = self.compute_hash();
        self
    }
}

/// The last envelope of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Its position; 0 for an empty stream.
    pub seq: u64,
    /// Its hash; [`GENESIS`] for an empty stream.
    pub hash: String,
}

impl Head {
    /// The head of an empty stream.
    #[must_use]
    pub fn empty() -> Self {
        Self { seq: 0, hash: GENESIS.into() }
    }
}

/// What is wrong with a chain, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainBreak {
    /// The content does not match its hash.
    #[error("event {seq} was changed: its content hashes to {computed}, stored is {stored}")]
    Changed {
        /// Position of the event.
        seq: u64,
        /// Hash of what is there.
        computed: String,
        /// Hash that is stored.
        stored: String,
    },
    /// The link to the one before is wrong.
    #[error(
        "event {seq} does not follow the one before it: an event was removed, inserted or reordered"
    )]
    Unlinked {
        /// Position of the event.
        seq: u64,
    },
    /// A position is missing.
    #[error("event {expected} is missing: the next one is {found}")]
    Gap {
        /// Position that should come.
        expected: u64,
        /// Position that came.
        found: u64,
    },
}

/// Checks that `envelopes` (in order) follow `head`, and returns the new head.
///
/// # Errors
/// The first break.
pub fn verify_chain(mut head: Head, envelopes: &[Envelope]) -> Result<Head, ChainBreak> {
    for envelope in envelopes {
        if envelope.seq != head.seq + 1 {
            return Err(ChainBreak::Gap { expected: head.seq + 1, found: envelope.seq });
        }
        if envelope.prev != head.hash {
            return Err(ChainBreak::Unlinked { seq: envelope.seq });
        }
        let computed = envelope.compute_hash();
        if computed != envelope.hash {
            return Err(ChainBreak::Changed {
                seq: envelope.seq,
                computed,
                stored: envelope.hash.clone(),
            });
        }
        head = Head { seq: envelope.seq, hash: envelope.hash.clone() };
    }
    Ok(head)
}
