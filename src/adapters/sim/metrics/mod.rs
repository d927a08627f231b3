//! Prometheus over the simulated world: a small evaluator of PromQL on values that are computed, not stored.

mod eval;
mod parse;
mod port;
mod source;

pub use port::SimMetrics;
