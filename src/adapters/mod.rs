//! Ports made real: one outside system each.

pub mod store;
