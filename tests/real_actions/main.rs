//! Each action of the catalogue on a real cluster: executed, its effect seen with kubectl, taken back, seen again.

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
mod allowed;
mod definitions;
#[path = "../real_cluster/environment.rs"]
mod environment;
mod helped;
mod line;
#[path = "../real_line/world.rs"]
mod program;
mod secrets;
mod site;
#[path = "../real_cluster/world.rs"]
mod world;
