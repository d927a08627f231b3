//! The simulated world: objects, virtual time, and what will happen.
//!
//! Promises: a function of (scenario, seed, calls). No ambient time or randomness, sorted maps only; what happens at
//! one moment happens in the order it was put in. [`World::serialised`] is the same text, byte for byte, for the same
//! history. Absent on purpose: networking between pods, volumes, init containers, Jobs, preemption, admission webhooks.

use super::alerts::AlertState;
use super::behaviour::Profile;
use super::clock::Timers;
use super::faults::Faults;
use super::node::NodeRun;
use super::pod::{PodRun, Records};
use super::queue::{Happening, Queue};
use super::rights::Rights;
use super::scenario::Incident;
use super::seeded::Seeded;
use crate::domain::alert::Alert;
use crate::domain::resource::ObjectKey;
use crate::domain::time::{Timestamp, plus};
use crate::ports::line::Lines;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A cluster with its monitoring, in virtual time.
#[derive(Debug)]
pub struct World {
    pub(super) name: String,
    pub(super) now: Timestamp,
    pub(super) objects: BTreeMap<ObjectKey, Value>,
    pub(super) version: u64,
    pub(super) queue: Queue,
    pub(super) random: Seeded,
    pub(super) pods: BTreeMap<String, PodRun>,
    pub(super) nodes: BTreeMap<String, NodeRun>,
    pub(super) images: BTreeMap<String, Profile>,
    pub(super) records: Records,
    pub(super) event_index: BTreeMap<(String, String, String), ObjectKey>,
    pub(super) alerts: AlertState,
    pub(super) faults: Faults,
    pub(super) rights: Rights,
    pub(super) timeline: Vec<Incident>,
    pub(super) began: Timestamp,
    pub(super) notes: Vec<String>,
    pub(super) timers: Timers,
    pub(super) lines: Arc<Lines>,
}

impl World {
    /// A world with nothing in it.
    pub(super) fn empty(
        name: &str,
        seed: u64,
        now: Timestamp,
        timers: Timers,
        lines: Arc<Lines>,
    ) -> Self {
        Self {
            name: name.into(),
            now,
            objects: BTreeMap::new(),
            version: 1,
            queue: Queue::default(),
            random: Seeded::new(seed, "world"),
            pods: BTreeMap::new(),
            nodes: BTreeMap::new(),
            images: BTreeMap::new(),
            records: Records::default(),
            event_index: BTreeMap::new(),
            alerts: AlertState::default(),
            faults: Faults::new(seed),
            rights: Rights::default(),
            timeline: Vec::new(),
            began: now,
            notes: Vec::new(),
            timers,
            lines,
        }
    }

    /// Virtual time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// When the timeline of the scenario began.
    #[must_use]
    pub fn began(&self) -> Timestamp {
        self.began
    }

    /// When the next thing happens here, or somebody who sleeps on the clock wants to be woken.
    #[must_use]
    pub fn next_event_at(&self) -> Option<Timestamp> {
        self.queue.next_at().into_iter().chain(self.timers.next_at()).min()
    }

    /// Lets everything happen that is due at or before `until`, then sets the time to it and wakes sleepers.
    pub fn run_until(&mut self, until: Timestamp) {
        while let Some((at, what)) = self.queue.take(until) {
            self.now = self.now.max(at);
            self.happen(&what);
        }
        self.now = self.now.max(until);
        self.timers.advance(self.now);
    }

    /// Alerts that began to fire or were resolved since the last call, as Alertmanager would deliver them, oldest
    /// first.
    pub fn deliveries(&mut self) -> Vec<Alert> {
        self.alerts.take_deliveries()
    }

    /// What the scenario did since the last call, with its time, for a transcript.
    pub fn notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }

    /// An object as it is stored, not cleaned; for tests and drivers.
    #[must_use]
    pub fn object(&self, key: &ObjectKey) -> Option<&Value> {
        self.objects.get(key)
    }

    /// Everything that is, as JSON text with sorted members.
    #[must_use]
    pub fn serialised(&self) -> String {
        serde_json::json!({
            "now": crate::domain::time::rfc3339(self.now),
            "version": self.version,
            "random": self.random.state(),
            "objects": self.objects.values().collect::<Vec<_>>(),
            "queue": self.queue.describe(),
            "alerts": self.alerts.describe(),
        })
        .to_string()
    }

    /// Puts something into the queue, so many milliseconds from now.
    pub(super) fn after(&mut self, milliseconds: i64, what: Happening) {
        let at = self.now + chrono::TimeDelta::milliseconds(milliseconds.max(0));
        self.queue.put(at, what);
    }

    /// Puts something into the queue, so many seconds from now.
    pub(super) fn in_seconds(&mut self, seconds: u64, what: Happening) {
        self.queue.put(plus(self.now, seconds), what);
    }

    fn happen(&mut self, what: &Happening) {
        match what {
            Happening::Reconcile(key) => self.reconcile(key),
            Happening::Schedule => self.schedule(),
            Happening::Container { pod, container, turn } => {
                self.container_turn(pod, container, *turn);
            }
            Happening::Pod(uid) => self.pod_turn(uid),
            Happening::Node(name) => self.node_turn(name),
            Happening::Heartbeat => self.heartbeat(),
            Happening::Sweep => self.sweep(),
            Happening::Rules => self.evaluate_rules(),
            Happening::Timeline(index) => self.timeline_turn(*index),
        }
    }

    fn reconcile(&mut self, key: &ObjectKey) {
        match key.kind.as_str() {
            "Deployment" => self.reconcile_deployment(key),
            "ReplicaSet" => self.reconcile_replica_set(key),
            "StatefulSet" => self.reconcile_stateful_set(key),
            "DaemonSet" => self.reconcile_daemon_set(key),
            "PodDisruptionBudget" => self.reconcile_budget(key),
            "ResourceQuota" => self.reconcile_quota(key),
            "Service" => self.reconcile_service(key),
            _ => {}
        }
    }
}
