//! The full record of one remediation: a fold of the case and its events. The screen's detail, `show`, the files and
//! the closing notification are all made of this.
//!
//! Promises: field names are the contract `pilothouse/v1`; digests and ids are whole; a simulated case says so;
//! what is not known is `null`, never a made-up value.

pub mod fold;
pub mod form;
pub mod handover;
pub mod period;

pub use form::{Context, Report};
