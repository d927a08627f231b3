//! Where a PostgreSQL database is and how to get in: the one thing that the store and the memory have in common, each with
//! connections of its own.

pub mod address;
