//! Pilothouse: a terminal operations console, and the engine behind it, for supervised Kubernetes remediations.
pub mod adapters;
pub mod assemble;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod export;
pub mod ports;
pub mod serve;
pub mod telemetry;
#[cfg(feature = "ui")]
pub mod ui;
