//! Reports to bytes. Absent on purpose: I/O, clocks, and any wording that the report does not already hold.

pub mod csv;
pub mod effectiveness;
pub mod handover;
pub mod html;
pub mod json;
pub mod markdown;
pub mod schema;
pub mod sheets;
pub mod tables;
pub mod text;
