//! What disturbs nodes, on a real cluster of its own: cordon, moving workloads, taints, a silent kubelet.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::large_futures,
    clippy::await_holding_lock,
    clippy::needless_pass_by_value,
    clippy::wildcard_enum_match_arm,
    clippy::cloned_ref_to_slice_refs,
    reason = "not product code"
)]

mod actions;
mod drain;
#[path = "../real_line/world.rs"]
mod engine_world;
#[path = "../real_cluster/environment.rs"]
mod environment;
mod faults;
#[path = "../real_actions/line.rs"]
mod line;
mod pressure;
#[path = "../real_cluster/world.rs"]
mod world;

/// One at a time: they share a node.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Waits until no other test has the nodes.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
