//! The [`AlertSource`] port over the simulated world.

use super::faults::Fault;
use super::sim::lock;
use super::world::World;
use crate::domain::alert::Alert;
use crate::domain::breaker::{Answer, Destination, Down};
use crate::domain::id::AttemptId;
use crate::domain::operation::Silence;
use crate::domain::time::Timestamp;
use crate::domain::workflow::execution::AttemptOutcome;
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
    let line = world.lines.to(Destination::Alertmanager);
    let calling = line.begin().map_err(|closed| format!("Alertmanager: {closed}"))?;
    let now = world.now();
    if world.faults.strikes(Fault::AlertsDown, now) {
        let why = "connection refused";
        calling.end(&Answer::Down(Down::NoConnection, why.into()));
        return Err(format!("Alertmanager does not answer: {why}"));
    }
    calling.end(&Answer::Good);
    Ok(())
}

#[async_trait::async_trait]
impl AlertSource for SimAlerts {
    async fn firing(&self) -> Result<Vec<Alert>, String> {
        let mut world = lock(&self.world);
        answers(&mut world)?;
        Ok(world.alerts.firing())
    }

    async fn silence(
        &self,
        _silence: &Silence,
        _attempt: &AttemptId,
        _now: Timestamp,
    ) -> AttemptOutcome {
        let why = "the simulated Alertmanager makes no silences".into();
        AttemptOutcome::Refused { why, retryable: false, passing: None }
    }

    async fn silences_of(&self, _attempt: &AttemptId) -> Result<Vec<String>, String> {
        answers(&mut lock(&self.world)).map(|()| Vec::new())
    }

    async fn probe(&self) -> Result<String, String> {
        answers(&mut lock(&self.world)).map(|()| "simulated Alertmanager".into())
    }
}
