//! Ports made real: one outside system each.

pub mod alertmanager;
pub mod clock;
pub mod database;
pub mod entropy;
pub mod kube;
pub mod llm;
pub mod memory;
pub mod notify;
pub mod prometheus;
pub mod relay;
pub mod sim;
pub mod sink;
pub mod ssh_keygen;
pub mod store;
