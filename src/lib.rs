//! Pilothouse: a terminal operations console, and the engine behind it, for supervised Kubernetes remediations.
pub mod adapters;
pub mod domain;
pub mod engine;
pub mod ports;
