//! The cluster, by the Kubernetes API.
//!
//! Promises: every request has a deadline; none is repeated on its own; a request whose answer was lost is never
//! called refused; what comes out is cleaned and Secrets are hidden.
//! Absent on purpose: watches, caches of objects, decisions about what to do.
//!
//! Reading order: `connect`, `call`, `kinds`, `objects`, `compare`, `patch`, `write`, `whole`, `exec`, `review`, `lease`, `cluster`.

mod call;
mod cluster;
mod compare;
mod connect;
mod exec;
mod kinds;
mod lease;
mod objects;
mod patch;
mod review;
mod secret;
mod whole;
mod write;

pub use cluster::KubeCluster;
pub use connect::{ConnectError, KubeOptions};
