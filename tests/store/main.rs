//! What every store promises, and what the one in an SQLite file promises besides.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is all tests")]

mod conformance;
mod fixture;
mod refused;
mod sqlite_crash;
mod sqlite_file;
mod sqlite_sharing;
mod sqlite_tampering;
mod sqlite_unwritable;
