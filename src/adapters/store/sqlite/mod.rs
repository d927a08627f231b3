//! The store in an SQLite file.
//!
//! Promises: what an append or a put has acknowledged survives a kill of the process and a loss of power
//! (`synchronous = FULL`); several processes may open one file, and leases keep their appends apart; a file on a
//! network file system, of a newer release or of another program is refused with a sentence that says what to do.
//! Deliberately absent: queries beyond the port's.

mod append;
mod failure;
mod inbox;
mod lease;
mod log;
mod open;
mod place;
mod schema;
mod script;
mod store;
mod writer;

pub use open::SqliteStore;
