//! The console without a terminal: what its gestures decide, and what its screens show.

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

mod breakers;
mod desk;
mod figures;
mod fixture;
mod gestures;
mod pictures;
mod travel;
