//! The same engine on the simulated world.

use super::real::{Kind, core_settings};
use super::running::Running;
use super::stage::SimStage;
use super::store::memory_store;
use crate::adapters::memory::embedded::EmbeddedMemory;
use crate::adapters::sim::scenario::Scenario;
use crate::adapters::sim::sim::Sim;
use crate::adapters::store::sqlite::SqliteStore;
use crate::domain::policy::Policy;
use crate::domain::time::{Timestamp, plus};
use crate::domain::workflow::template::Library;
use crate::engine::dispatcher::{Dispatcher, Options};
use crate::engine::lockstep::{Lockstep, Played};
use crate::engine::outside::Outside;
use crate::ports::cluster::Identity;
use crate::ports::store::Store;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

/// How often the world is moved on, in wall time.
const PACE: Duration = Duration::from_millis(20);
/// uid of the people in a play without a screen.
const PLAYERS: u32 = 1_000;
/// Virtual seconds after the scenario's end in which open cases may come to theirs.
const AFTERWARDS_S: u64 = 3 * 3_600;

/// What is played.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// A shipped scenario, or a generated one.
    pub scenario: Play,
    /// Seed of everything random.
    pub seed: u64,
    /// Virtual seconds that pass in one of the wall.
    pub speed: u32,
}

/// Which scenario.
#[derive(Debug, Clone)]
pub enum Play {
    /// A shipped one, by name.
    Named(String),
    /// Made from the seed, with so many incidents.
    Generated(u32),
}

impl Play {
    /// What is played, in words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Named(name) => format!("scenario {name}"),
            Self::Generated(incidents) => format!("scenario {incidents} generated incidents"),
        }
    }
}

/// Names of the shipped scenarios.
#[must_use]
pub fn scenarios() -> Vec<&'static str> {
    Scenario::names()
}

fn world(options: &DemoOptions) -> Result<(Arc<Sim>, String), String> {
    let scenario = match &options.scenario {
        Play::Named(name) => Scenario::named(name).map_err(|error| error.to_string())?,
        Play::Generated(incidents) => Scenario::generated(options.seed, *incidents),
    };
    let words = format!("{}, seed {}", options.scenario.words(), options.seed);
    Ok((Arc::new(Sim::new(scenario, options.seed)), words))
}

async fn who(sim: &Sim) -> Result<Identity, String> {
    sim.cluster().identity().await.map_err(|error| error.to_string())
}

fn outside(sim: &Sim, store: Arc<dyn Store>, policy: Arc<Policy>) -> Outside {
    Outside {
        clock: sim.clock(),
        entropy: sim.entropy(),
        cluster: sim.cluster(),
        metrics: Some(sim.metrics()),
        alerts: Some(sim.alerts()),
        // A simulated model would only pretend.
        advisor: None,
        store,
        memory: Arc::new(EmbeddedMemory::default()),
        library: Arc::new(Library::load(&[])),
        policy,
        request_timeout: Duration::from_secs(10),
        lines: sim.lines(),
    }
}

/// A whole play without a screen: the same options give the same transcript, byte for byte.
///
/// # Errors
/// An unknown scenario, or a play that breaks off.
pub fn play(
    options: &DemoOptions,
    version: &str,
    runtime: &Runtime,
) -> Result<(Played, Arc<dyn Store>), String> {
    let (sim, _) = world(options)?;
    let store = memory_store(sim.clock());
    let policy = Arc::new(Policy { owner_uid: PLAYERS, ..Policy::default() });
    let identity = runtime.block_on(who(&sim))?;
    let settings = core_settings(identity.cluster, identity.name, policy.clone(), Kind::Simulated);
    let outside = outside(&sim, store.clone(), policy);
    let end = plus(outside.clock.now(), sim.scenario().lasts + AFTERWARDS_S);
    let stage = SimStage::new(sim, PLAYERS);
    let played = Lockstep::new(outside, settings, version, stage)?.play(end)?;
    Ok((played, store))
}

/// Starts the demo: the engine on a world that moves with the wall clock, its log in an SQLite file of its own that
/// goes with the returned directory.
///
/// # Errors
/// An unknown scenario, or no place for the file.
pub fn demo(
    options: &DemoOptions,
    version: &str,
    runtime: Arc<Runtime>,
    owner_uid: u32,
) -> Result<(Running, tempfile::TempDir), String> {
    let (sim, words) = world(options)?;
    let opens_at = plus(sim.locked().now(), sim.scenario().opens_after);
    sim.locked().run_until(opens_at);
    let directory = tempfile::tempdir().map_err(|error| format!("no directory: {error}"))?;
    let path = directory.path().join("demo.db");
    let store = runtime.block_on(SqliteStore::open(path)).map_err(|error| error.to_string())?;
    let policy = Arc::new(Policy { owner_uid, ..Policy::default() });
    let identity = runtime.block_on(who(&sim))?;
    let outside = outside(&sim, Arc::new(store), policy.clone());
    let options = Options {
        settings: core_settings(identity.cluster, identity.name, policy, Kind::Simulated),
        holder: format!("demo/{}", std::process::id()),
        version: version.into(),
        lease_ttl_s: 60,
        poll_alerts_s: 5,
        relay: None,
        desk: None,
        // Nobody outside is told what never happened.
        channels: BTreeMap::new(),
        simulated: Some(words),
        speed: options.speed.max(1),
    };
    let speed = options.speed;
    let (dispatcher, handle) = Dispatcher::new(outside, options);
    let running = Running::start(runtime, dispatcher, handle);
    running.serve(|stop| async move {
        let from: Timestamp = sim.locked().now();
        let mut ticks = tokio::time::interval(PACE);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut passed = Duration::ZERO;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {
                    passed += PACE * speed;
                    let to = chrono::TimeDelta::from_std(passed).unwrap_or_default();
                    sim.locked().run_until(from + to);
                }
            }
        }
    });
    Ok((running, directory))
}
