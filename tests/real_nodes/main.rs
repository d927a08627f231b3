//! What disturbs nodes, on a real cluster of its own: cordon, moving workloads, taints.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_futures,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    clippy::cloned_ref_to_slice_refs,
    reason = "not product code"
)]

mod actions;
#[path = "../real_cluster/environment.rs"]
mod environment;
#[path = "../real_actions/line.rs"]
mod line;
#[path = "../real_cluster/world.rs"]
mod world;
