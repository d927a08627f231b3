//! What a failing container says it can't reach, and what the cluster knows of that.
//!
//! Promises: a log only proposes; a dependency counts as down when the cluster says so. What is outside the cluster
//! can't be looked at, and the facts say that.

mod complaint;
mod known;
mod own_words;

pub(crate) use complaint::How;
pub(crate) use known::{Behind, Dependency, Known};
pub(crate) use own_words::OwnWords;
