//! What is a site's own, on a real cluster: objects that Argo CD or Flux keep.
//!
//! The controllers are stood in for by loops that apply a source again and again under the controllers' own names as
//! field managers, and stop while they are suspended; their resources are served by the real API server from minimal
//! definitions made here.

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
    dead_code,
    reason = "not product code"
)]

mod keeper;
mod managed;
#[path = "../real_line/world.rs"]
mod world;
