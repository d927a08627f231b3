//! The simulation put together: a world, and the ports over it.

use super::clock::{SimClock, Timers};
use super::cluster::SimCluster;
use super::entropy::SimEntropy;
use super::metrics::SimMetrics;
use super::monitor::SimAlerts;
use super::people::People;
use super::scenario::Scenario;
use super::timeline::dawn;
use super::world::World;
use crate::domain::breaker::{Destination, Limits};
use crate::ports::alerts::AlertSource;
use crate::ports::clock::Clock;
use crate::ports::cluster::Cluster;
use crate::ports::entropy::Entropy;
use crate::ports::line::Lines;
use crate::ports::metrics::Metrics;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A simulated world with the ports over it.
///
/// A driver moves time: `world.next_event_at()`, `world.run_until(t)`, then `world.deliveries()`. Virtual time stands
/// still between calls.
#[derive(Debug)]
pub struct Sim {
    /// The world.
    pub world: Arc<Mutex<World>>,
    scenario: Scenario,
    seed: u64,
    timers: Timers,
    entropy: Arc<SimEntropy>,
    lines: Arc<Lines>,
}

impl Sim {
    /// A world of this scenario, settled, at the moment where its timeline begins.
    #[must_use]
    pub fn new(scenario: Scenario, seed: u64) -> Self {
        let began = dawn(&scenario);
        let timers = Timers::new(began);
        let clock: Arc<dyn Clock> = Arc::new(SimClock::new(timers.clone()));
        let used = [Destination::Cluster, Destination::Prometheus, Destination::Alertmanager];
        let used = used.into_iter().map(|one| (one, "simulated".to_string())).collect();
        let lines = Arc::new(Lines::new(Limits::shipped, &used, seed, &clock));
        let mut world =
            World::empty(&scenario.cluster, seed, began, timers.clone(), Arc::clone(&lines));
        world.populate(&scenario);
        Self {
            world: Arc::new(Mutex::new(world)),
            scenario,
            seed,
            timers,
            entropy: Arc::new(SimEntropy::new(seed)),
            lines,
        }
    }

    /// The scenario that is played.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The world, locked. Never hold it across an await.
    pub fn locked(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    /// The cluster.
    #[must_use]
    pub fn cluster(&self) -> Arc<dyn Cluster> {
        Arc::new(SimCluster::new(Arc::clone(&self.world)))
    }

    /// Prometheus.
    #[must_use]
    pub fn metrics(&self) -> Arc<dyn Metrics> {
        Arc::new(SimMetrics::new(Arc::clone(&self.world)))
    }

    /// Alertmanager.
    #[must_use]
    pub fn alerts(&self) -> Arc<dyn AlertSource> {
        Arc::new(SimAlerts::new(Arc::clone(&self.world)))
    }

    /// The lines on which the ports reach the world.
    #[must_use]
    pub fn lines(&self) -> Arc<Lines> {
        Arc::clone(&self.lines)
    }

    /// Virtual time.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(SimClock::new(self.timers.clone()))
    }

    /// Randomness from the seed.
    #[must_use]
    pub fn entropy(&self) -> Arc<dyn Entropy> {
        Arc::<SimEntropy>::clone(&self.entropy)
    }

    /// The scenario's people; `uid` is the OS user id that they act with.
    #[must_use]
    pub fn people(&self, uid: u32) -> People {
        People::new(self.scenario.people.clone(), self.seed, uid)
    }
}

/// Locks the world. A panic of another thread in the middle of a change would show in the tests of determinism; here
/// it must not take the console down too.
pub(super) fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}
