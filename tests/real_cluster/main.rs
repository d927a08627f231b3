//! The Kubernetes adapter against a real API server and real kubelets.
//!
//! Left out aloud when `PILOTHOUSE_TEST_KUBECONFIG` is not set. The only things that are not real: `wire`, a proxy that
//! loses what passes through it, and `fake`, a server that misbehaves as no API server does on demand.
#![allow(
    clippy::pedantic,
    clippy::collapsible_if,
    clippy::print_stdout,
    reason = "not product code"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "this is all tests")]
#![allow(clippy::disallowed_methods, reason = "tests own their tasks")]

mod bad_answers;
mod connecting;
mod environment;
mod exec;
mod fake;
mod leases;
mod reads;
mod rights;
mod unknown_outcome;
mod whole;
mod wire;
mod world;
mod writes;
