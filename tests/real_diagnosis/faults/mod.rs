//! All faults.

mod controllers;
mod crashes;
mod dependencies;
mod keepers;
mod memory;
mod network;
mod placing;
mod probes;
mod quiet;
mod refused;
mod rollouts;
mod storage;

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
        storage::faults,
        network::faults,
        keepers::faults,
    ]
    .into_iter()
    .flat_map(|group| group(world))
    .collect()
}
