//! The whole line on a real cluster: a real fault, a real alert, a plan, a decision, a change, a verdict.
//!
//! Each test has a namespace, a route, a store and an engine of its own, and its own Lease, so they run side by side.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_stack_arrays,
    clippy::duration_suboptimal_units,
    clippy::format_collect,
    reason = "not product code"
)]

mod advice;
mod breakers;
mod canary;
mod console;
mod crashes;
mod database;
mod drift;
mod endpoint;
mod gate;
mod keys;
mod model;
mod refusals;
mod rollouts;
mod steering;
mod team;
mod world;
