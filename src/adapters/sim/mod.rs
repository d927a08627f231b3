//! A simulated Kubernetes world behind the same ports as the real one, in virtual time.
//!
//! [`sim::Sim`] puts it together. Reading order: `scenario` (what is in it), `world` and `queue` (time), `store` (the
//! API server), `controllers` (what moves), `behaviour` and `pod` (programs), `cluster`, `metrics`, `alerts` (the
//! ports), `people` (who decides). Promises: deterministic from (scenario, seed, calls); any executor can poll its
//! futures. Absent: volumes, networking between pods, Jobs, init containers, preemption, webhooks.

mod alerts;
pub mod behaviour;
pub mod clock;
pub mod cluster;
mod controllers;
pub mod entropy;
pub mod faults;
mod fields;
mod generated;
mod json;
mod lease;
mod manifest;
pub mod metrics;
pub mod monitor;
mod node;
mod patch;
pub mod people;
mod pod;
mod queue;
pub mod rights;
pub mod scenario;
mod seeded;
mod selector;
mod shapes;
#[allow(clippy::module_inception, reason = "the noun of the folder is the noun of its main type")]
pub mod sim;
mod store;
#[cfg(test)]
mod tests;
mod timeline;
mod whole;
pub mod world;
