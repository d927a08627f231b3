//! The facts that a picture holds: each one sentence, quoted from one place, under a stable id that rules weigh.

mod around;
mod configuration;
mod controllers;
mod gather;
mod memory;
mod placing;
mod probe;
mod rollout;
mod schedule;
mod status;
mod unready;
mod workload;

pub(crate) use controllers::broken_and_earlier;
pub(crate) use gather::facts;
pub(crate) use status::refusal;
