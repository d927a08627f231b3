//! Memory in a PostgreSQL database with pgvector: connections, schema and breaker of its own, whether or not the log lies
//! in the same database.
//!
//! Promises: the same answers as the one in this process, similarities to within 0.0001; up to [`search::EXACT_TO`] cases
//! of a cluster every one is compared, beyond that an HNSW index is asked, which may miss one in some hundred. Nothing waits
//! longer than [`open::PATIENCE`]. It is opened when it is first needed: an engine starts without it. The password is in
//! no text.
//! Absent on purpose: anything that could not be built again from the log.

mod failure;
pub mod open;
mod schema;
pub mod search;

pub use open::PostgresMemory;
