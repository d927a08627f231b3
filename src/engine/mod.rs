//! The engine: a pure core that decides, jobs that do, a dispatcher that linearises.
//!
//! Promises: facts are durable before work starts or anyone is told; jobs are a function of state; only a `Permit`
//! reaches `Cluster::send`, at one call site (`executor`).
//! Absent on purpose: SQL, Kubernetes client types, anything about a screen, ambient time and randomness.

#![deny(clippy::wildcard_enum_match_arm)]

pub mod command;
pub mod handle;
pub mod query;
pub mod reader;
pub mod snapshot;
