//! The store behind [`crate::ports::store`]: SQLite in a file, PostgreSQL for teams, and one in memory; all with the
//! same behaviour, held by one conformance suite.
//!
//! # The log and its chain
//!
//! One stream for each cluster, positions 1, 2, 3, … without gaps. Each event carries the hash of the one before
//! it (see [`crate::domain::envelope`]) over exactly the bytes that are stored, so that
//! [`verify_chain`](crate::domain::envelope::verify_chain) finds every changed, removed, inserted or reordered
//! event without a key. Two things it can't find, and nothing inside the store could: events cut off at the *end*,
//! and a whole chain computed anew. Both show against a head that was noted elsewhere (reports and notifications
//! carry it): an append that expects that head is answered with `Conflict` after a cut, and with `Corrupt` when the
//! event at that position has another hash.
//!
//! Rows are never changed; triggers refuse it. Nothing that is read is repaired: what makes no sense comes back as
//! `Corrupt` and names the event.
//!
//! # Leases
//!
//! ```text
//!              acquire (fence 1)            acquire by the same holder: fence + 1
//!   free ────────────────────────► held ◄──────┐
//!                                  │ │ └───────┘   renew: until later, same fence
//!                 release, or until │ └ append: only with this fence and before until
//!                    has passed     ▼
//!                                 lapsed ── acquire by anybody: fence + 1 ──► held
//! ```
//!
//! A lapsed lease is worth nothing, even while nobody else took it: `append`, `renew` and `release` answer
//! `Fenced`, and the holder acquires it again and reads the log anew. A process that was stopped for longer than
//! its lease (a laptop's lid) so never goes on from what it believed before. Times are the store's own: SQLite's
//! clock, which processes of one machine share; the server's, in PostgreSQL; the clock that was handed in, in memory.
//!
//! # Appending
//!
//! `append` checks, in this order and inside the transaction that writes: the lease (`Fenced`), the batch id (one
//! that is already there changes nothing and gives the stored events back; with other content it is `Refused`), the
//! head (`Conflict`). Then events, index rows and the removal of inbox items become durable together. `at` is cut
//! to milliseconds, which is what the hash covers; apart from that the store never touches what it is given.
//! A COMMIT that failed is `Unknown`, since its bytes may be on the disk, unless a lock or a lack of room refused it;
//! every other answer but `Ok` wrote nothing. The right answer to `Unknown` is to read the head, or to append the same batch again.
//!
//! # Layout (SQLite; PostgreSQL's has the same tables in a schema `pilothouse`, and `command`: what people ask)
//!
//! ```text
//! stream        id, cluster                                    a number for each cluster, used below
//! event         stream, seq, at, who, cause, subject, fence,
//!               batch, kind, schema, encoding, payload, prev,
//!               hash                                           the log
//! batch         stream, batch, first_seq, last_seq             what makes an append repeatable
//! lease         stream, holder, fence, until                   who may append
//! remediation   stream, id, live, opened_at, first_seq,
//!               last_seq                                       the index: a projection
//! inbox         number, stream, at, item (JSON)                what waits for the engine
//! stop          stream, who, reason, since                     the stop flag
//! blob          digest, bytes                                  large bytes by SHA-256
//! reads         number, digest, bytes                          what was read for the newest diagnoses and plans
//! probe         id, at                                         what `probe` writes
//! schema_version version, name, applied_at                     which migrations ran
//! ```
//!
//! Times are RFC 3339 text in UTC with milliseconds. One connection writes (`synchronous = FULL`, WAL), a few
//! read; one append is two messages to it: check, then write and commit.
//!
//! Deliberately absent: rewriting or compacting events, repair, encryption, network file systems.

pub mod guarded;
mod keeping;
pub mod memory;
pub mod postgres;
mod sealing;
pub mod sqlite;
