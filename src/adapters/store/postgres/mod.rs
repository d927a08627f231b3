//! The store in a PostgreSQL database, which several engines and people share.
//!
//! Promises: the same behaviour as the one in a file. An append is one message and one transaction (`append` in the
//! migration): the lease's row is locked, lease, batch and head are checked, events are written from arrays. When the
//! connection dies on the way the answer is `Unknown`, and the same batch asked for again waits for the first and finds
//! it. Nothing waits longer than [`open::PATIENCE`]. Times of leases are the server's. The password is in no text.
//!
//! Who asks through it is the database role that connected (see [`orders`]): the database stamps it.
//!
//! PostgreSQL's texts hold no NUL; [`text`] writes one as `\0`, and a backslash twice.
//!
//! Deliberately absent: the vector memory (`adapters::memory`), and connection poolers that hand one session to several clients.

mod append;
mod failure;
mod inbox;
mod lease;
mod log;
pub mod open;
pub mod orders;
mod schema;
mod store;
mod text;

pub use open::PostgresStore;
