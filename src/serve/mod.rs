//! Edges that other programs talk to: alerts, health and metrics over HTTP, commands over a Unix socket.
//!
//! Promises: a client of the engine like the console, nothing more; who acts is stamped here from the transport, never
//! from what the caller says; alerts are acknowledged only after they are durable.
//! Absent on purpose: a web page, decisions over HTTP, TLS (a loopback address, or a proxy in front).

pub mod health;
pub mod http;
pub mod peer;
pub mod socket;
pub mod webhook;
pub mod wire;
