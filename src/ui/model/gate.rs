//! Whether the gesture on a card works now, and if not, why. The one place that says so: the card shows it, `update`
//! obeys it.
//!
//! Promises: what is unknown turns it off; the reason is a sentence. Absent on purpose: the engine's own checks, which
//! are made again when the decision arrives.

use super::Model;
use super::card::{CHECKS_OLD_MS, Card, Checks, Phase, Standing};
use crate::domain::policy::Mode;
use crate::domain::time::seconds_between;
use crate::domain::workflow::plan::{Plan, Risk};
use crate::engine::snapshot::Role;
use crate::ui::format::data_age;
use crate::ui::msg::Millis;

/// Data older than this turns decisions off. Seconds of wall time.
pub const DATA_OLD_S: i64 = 30;

/// How a plan is approved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One key.
    Key,
    /// Two keys.
    Chord,
    /// The target's name.
    Name,
}

impl Way {
    /// The way for a risk.
    #[must_use]
    pub fn of(risk: Risk) -> Self {
        match risk {
            Risk::Low => Self::Key,
            Risk::Medium => Self::Chord,
            Risk::High | Risk::Critical => Self::Name,
        }
    }
}

/// The gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// The gesture decides.
    Ready(Way),
    /// Keys wake in so many milliseconds.
    Dead(Millis),
    /// It does not, for this reason.
    Off(String),
}

/// Looks at the gate.
#[must_use]
pub fn gate(model: &Model, card: &Card) -> Gate {
    match ready(model, card) {
        Err(why) => Gate::Off(why),
        Ok(way) => {
            let left = card.dead_until.saturating_sub(model.now_ms);
            if left > 0 { Gate::Dead(left) } else { Gate::Ready(way) }
        }
    }
}

/// Whether decisions of any kind can be taken now: engine, store and data.
///
/// # Errors
/// The reason why not.
pub fn engine_ready(model: &Model) -> Result<(), String> {
    let snapshot = &model.snapshot;
    match &snapshot.role {
        Role::Driving | Role::Following { .. } => {}
        Role::Starting => return Err("the engine is starting".into()),
        Role::Observing { why } => return Err(format!("this engine only observes: {why}")),
        Role::Locked { why } => return Err(format!("locked: {why}")),
    }
    if let Some(stop) = &snapshot.stop {
        return Err(format!("everything is stopped by {}", stop.by));
    }
    if snapshot.store_down.is_some() {
        return Err("the store can't be written, so nothing can be decided".into());
    }
    match model.data_age() {
        None => Err("no data from the cluster yet".into()),
        Some(age) if age > DATA_OLD_S * i64::from(snapshot.speed.max(1)) => {
            Err(format!("data is {} old; deciding is off until it is fresh", data_age(age)))
        }
        Some(_) => Ok(()),
    }
}

fn ready(model: &Model, card: &Card) -> Result<Way, String> {
    match &card.phase {
        Phase::Reading | Phase::Rejecting(_) => {}
        Phase::Recording(_) => return Err("recording…".into()),
        Phase::Answered { text, .. } => return Err(text.clone()),
    }
    match &card.standing {
        Standing::Stands => {}
        Standing::Void(_) => return Err("this plan is void".into()),
        Standing::Over(why) => return Err(why.clone()),
    }
    engine_ready(model)?;
    if model.snapshot.mode != Mode::Approve {
        return Err(format!("mode {}: plans can't be approved", model.snapshot.mode));
    }
    let plan = card.frozen.plan.as_ref().ok_or("there is no plan to decide on")?;
    let request = card.frozen.request.as_ref().ok_or("no decision is asked for")?;
    let expires_at = card.expires_at().unwrap_or(request.expires_at);
    if seconds_between(model.now(), expires_at) <= 0 {
        return Err("expired: nobody decided in time".into());
    }
    plan_known(plan)?;
    checked(model, card)?;
    if request.people > 1 && !model.two_people {
        return Err(format!(
            "needs {} people; a store that one person can write (SQLite) can't carry that",
            request.people
        ));
    }
    if !card.seen_end {
        return Err("read it to the end first: the last line was not on screen yet".into());
    }
    let way = Way::of(card.risk().unwrap_or(plan.risk));
    if way == Way::Name && card.name().is_none() {
        return Err("the target is unknown: there is no name to type".into());
    }
    Ok(way)
}

fn plan_known(plan: &Plan) -> Result<(), String> {
    if let Some(unknown) = plan.blast.unknown.first() {
        return Err(format!("BLAST is not known: {unknown}"));
    }
    if let Some(blocker) = plan.blast.blockers.first() {
        return Err(format!("it can't work as things are: {blocker}"));
    }
    if plan.mutates() && plan.undo.trim().is_empty() {
        return Err("UNDO is not known".into());
    }
    Ok(())
}

fn checked(model: &Model, card: &Card) -> Result<(), String> {
    let (preflight, role, at) = match &card.checks {
        Checks::Asking => return Err("checking drift and your permissions…".into()),
        Checks::Failed { why, .. } => return Err(format!("could not be checked: {why}")),
        Checks::Done { preflight, role, at, .. } => (preflight, role, *at),
    };
    if model.now_ms.saturating_sub(at) > CHECKS_OLD_MS {
        return Err("drift and permissions were checked too long ago; checking again…".into());
    }
    if let Err(why) = role {
        return Err(format!("you can't approve this: {why}"));
    }
    if let Some(reason) = &preflight.stopped {
        return Err(format!("everything is stopped, on the cluster's Lease: {reason}"));
    }
    if let Some(drift) = preflight.drift.first() {
        return Err(format!("{} changed since the plan was made", drift.object));
    }
    if let Some(unknown) = preflight.unknown.first() {
        return Err(format!("YOU is not known: {unknown}"));
    }
    if let Some(denied) = preflight.permissions.iter().find(|check| !check.allowed) {
        return Err(format!("the cluster does not let you {}: {}", denied.what, denied.why));
    }
    Ok(())
}
