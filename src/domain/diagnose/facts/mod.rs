//! The facts that a picture holds: each one sentence, quoted from one place, under a stable id that rules weigh.

mod configuration;
mod gather;
mod memory;
mod rollout;
mod status;
mod workload;

pub(crate) use gather::facts;
