//! The simulated world as a stage for the deterministic driver.

use crate::adapters::sim::people::{Made, Open, People};
use crate::adapters::sim::sim::Sim;
use crate::domain::alert::Alert;
use crate::domain::principal::Principal;
use crate::domain::time::{Timestamp, plus};
use crate::engine::command::Command;
use crate::engine::lockstep::{Asked, Stage};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A simulated world and its people.
pub(super) struct SimStage {
    sim: Arc<Sim>,
    people: People,
    made: BTreeSet<Made>,
}

impl SimStage {
    pub(super) fn new(sim: Arc<Sim>, uid: u32) -> Self {
        let people = sim.people(uid);
        Self { sim, people, made: BTreeSet::new() }
    }
}

impl Stage for SimStage {
    fn next_event_at(&self) -> Option<Timestamp> {
        self.sim.locked().next_event_at()
    }

    fn run_until(&mut self, at: Timestamp) {
        self.sim.locked().run_until(at);
    }

    fn deliveries(&mut self) -> Vec<Alert> {
        self.sim.locked().deliveries()
    }

    fn decisions(&mut self, now: Timestamp, open: &[Asked]) -> Vec<(Principal, Command)> {
        let open = open.iter().map(seen).collect::<Vec<_>>();
        let due = self.people.due(now, &open, &self.made);
        due.into_iter()
            .map(|one| {
                self.made.insert(one.made());
                let command = Command::Decide {
                    remediation: one.remediation,
                    plan: one.plan,
                    decision: one.decision,
                    gesture: one.gesture,
                    reason: one.reason,
                    typed: one.typed,
                    step: None,
                };
                (one.by, command)
            })
            .collect()
    }

    fn next_decision_at(&self, _now: Timestamp, open: &[Asked]) -> Option<Timestamp> {
        let open = open.iter().map(seen).collect::<Vec<_>>();
        self.people.next_at(&open, &self.made)
    }

    fn is_over(&self) -> bool {
        let scenario = self.sim.scenario();
        self.sim.locked().now() >= plus(scenario.start, scenario.lasts)
    }
}

fn seen(asked: &Asked) -> Open {
    let target = asked.case.plan.as_deref().and_then(|plan| plan.target.as_ref());
    Open {
        remediation: asked.case.id.clone(),
        plan: asked.request.plan.clone(),
        risk: asked
            .case
            .plan
            .as_ref()
            .map_or(crate::domain::workflow::plan::Risk::Critical, |plan| plan.risk),
        target: target.map_or_else(String::new, |target| target.key.path()),
        name: target.map_or_else(String::new, |target| target.key.name.clone()),
        asked_at: asked.request.asked_at,
        people: asked.request.people,
    }
}
