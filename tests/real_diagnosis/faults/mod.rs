//! All faults.

mod controllers;
mod crashes;
mod dependencies;
mod memory;
mod placing;
mod probes;
mod quiet;
mod refused;
mod rollouts;

use crate::fault::Fault;
use crate::world::World;

pub fn all(world: &World) -> Vec<Fault> {
    [
        memory::faults,
        crashes::faults,
        rollouts::faults,
        probes::faults,
        dependencies::faults,
        placing::faults,
        refused::faults,
        controllers::faults,
        quiet::faults,
    ]
    .into_iter()
    .flat_map(|group| group(world))
    .collect()
}
