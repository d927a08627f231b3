//! Whole cases on a real cluster, one for each cause that it can produce: a real fault, an alert as its exporter would
//! send it, and then through a real engine process to the verdict. Either the trouble is really gone, seen with kubectl,
//! or the case was handed over and nothing was changed. And misleading twins.
//!
//! All cases run side by side through one engine, each in a namespace of its own.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_stack_arrays,
    clippy::duration_suboptimal_units,
    clippy::needless_pass_by_value,
    clippy::format_collect,
    reason = "not product code"
)]

mod cured;
mod dependencies;
mod engine;
mod network;
mod others;
mod place;
mod placing;
mod rollouts;
mod scaling;
mod storage;
mod twins;
mod volumes;
mod workloads;
#[path = "../real_line/world.rs"]
#[allow(dead_code, reason = "shared with another target")]
mod world;
