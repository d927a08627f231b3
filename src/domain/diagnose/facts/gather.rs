//! All facts of a picture, in the order of a report.

use super::{
    around, configuration, controllers, memory, placing, probe, rollout, schedule, status, unready,
    workload,
};
use crate::domain::diagnose::picture::Picture;
use crate::domain::evidence::{Bearing, Fact};
use crate::domain::time::Timestamp;

/// A run shorter than this, killed for memory, died while it started.
pub(super) const START_S: i64 = 60;
pub(super) const HOUR_S: i64 = 3_600;
/// Trouble that begins within this of a rollout began with it.
pub(super) const WITH_ROLLOUT_S: i64 = 900;

/// Collects facts.
#[derive(Debug, Default)]
pub(super) struct Facts(pub(super) Vec<Fact>);

impl Facts {
    pub(super) fn add(&mut self, id: &str, text: String, source: String) {
        self.add_at(id, text, source, None);
    }

    /// Adds a fact, or its words to those of the fact that has that id.
    pub(super) fn join(&mut self, id: &str, text: String, source: String) {
        match self.0.iter_mut().find(|fact| fact.id == id) {
            Some(known) => known.text = format!("{}; {text}", known.text),
            None => self.add(id, text, source),
        }
    }

    pub(super) fn add_at(&mut self, id: &str, text: String, source: String, at: Option<Timestamp>) {
        let bearing = Bearing::Context;
        self.0.push(Fact { id: id.into(), text, source, bearing, at });
    }
}

/// All facts of a picture, those that could not be read last.
pub(crate) fn facts(picture: &Picture<'_>) -> Vec<Fact> {
    let mut out = Facts::default();
    status::alerts(picture, &mut out);
    status::runs(picture, &mut out);
    status::waiting(picture, &mut out);
    probe::probes(picture, &mut out);
    status::events(picture, &mut out);
    around::dependency(picture, &mut out);
    around::pull_secrets(picture, &mut out);
    memory::memory(picture, &mut out);
    memory::odd(picture, &mut out);
    rollout::rollout(picture, &mut out);
    configuration::configuration(picture, &mut out);
    workload::workload(picture, &mut out);
    unready::unready(picture, &mut out);
    placing::placing(picture, &mut out);
    around::denials(picture, &mut out);
    around::evictions(picture, &mut out);
    around::overdue(picture, &mut out);
    around::nodes(picture, &mut out);
    controllers::job(picture, &mut out);
    schedule::schedule(picture, &mut out);
    controllers::rollout(picture, &mut out);
    controllers::cpu(picture, &mut out);
    controllers::autoscalers(picture, &mut out);
    controllers::changes(picture, &mut out);
    workload::keepers(picture, &mut out);
    out.0.extend(picture.missing.iter().cloned());
    out.0
}

pub(super) fn clock(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "at an unknown time".into(), |at| at.format("%H:%M:%SZ").to_string())
}
