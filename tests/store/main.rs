//! What every store promises, and what the ones in an SQLite file and in PostgreSQL promise besides. The latter are left
//! out aloud when `PILOTHOUSE_TEST_POSTGRES` is not set. What waits to be told is part of it: see `telling`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is all tests")]

mod conformance;
mod fixture;
mod listener;
mod memory;
mod postgres;
mod refused;
mod sqlite_crash;
mod sqlite_file;
mod sqlite_sharing;
mod sqlite_tampering;
mod sqlite_unwritable;
mod telling;
