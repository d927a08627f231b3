//! `update`: the only consumer of messages.

mod arrivals;
mod breakers;
mod decide;
mod figures;
mod intents;
mod keys;
mod settle;
pub mod steer;
mod strips;
mod turn;

pub use turn::{Turn, update};
