//! The [`AlertSource`] port over the simulated world.

use super::faults::Fault;
use super::sim::lock;
use super::world::World;
use crate::domain::alert::Alert;
use crate::ports::alerts::AlertSource;
use std::sync::{Arc, Mutex};

/// The simulated Alertmanager.
#[derive(Debug, Clone)]
pub struct SimAlerts {
    world: Arc<Mutex<World>>,
}

impl SimAlerts {
    pub(super) fn new(world: Arc<Mutex<World>>) -> Self {
        Self { world }
    }
}

fn answers(world: &mut World) -> Result<(), String> {
    let now = world.now();
    if world.faults.strikes(Fault::AlertsDown, now) {
        return Err("Alertmanager does not answer: connection refused".into());
    }
    Ok(())
}

#[async_trait::async_trait]
impl AlertSource for SimAlerts {
    async fn firing(&self) -> Result<Vec<Alert>, String> {
        let mut world = lock(&self.world);
        answers(&mut world)?;
        Ok(world.alerts.firing())
    }

    async fn probe(&self) -> Result<String, String> {
        answers(&mut lock(&self.world)).map(|()| "simulated Alertmanager".into())
    }
}
