//! Reports to bytes. Absent on purpose: I/O, clocks, and any wording that the report does not already hold.

pub mod effectiveness;
pub mod handover;
pub mod json;
pub mod markdown;
pub mod text;
