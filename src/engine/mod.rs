//! The engine: a pure core that decides, jobs that do, a dispatcher that linearises.
//!
//! Promises: facts are durable before work starts or anyone is told; jobs are a function of state; only a `Permit`
//! reaches `Cluster::send`, at one call site (`executor`).
//! Absent on purpose: SQL, Kubernetes client types, anything about a screen, ambient time and randomness.
//!
//! Reading order: `command`, `query`, `snapshot`, `handle` (the outside); `core`, `job` (what decides); `diagnoser`,
//! `planner`, `drafter`, `executor`, `assessor`, `memory` (what does); `log`, `dispatcher` (what linearises); `reader` (who only looks).

#![deny(clippy::wildcard_enum_match_arm)]

pub mod advising;
pub mod assessor;
pub mod command;
pub mod core;
pub mod crash;
pub mod diagnoser;
pub mod dispatcher;
pub mod drafter;
pub mod drift;
pub mod executor;
pub mod handle;
pub mod job;
pub mod lockstep;
pub mod log;
pub mod memory;
pub mod outside;
pub mod planner;
pub mod prepare;
mod probing;
pub mod query;
pub mod reader;
pub mod snapshot;
