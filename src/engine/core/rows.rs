//! From state to the picture: rows, their order, and the snapshot.

use super::fold::{CLOSED_ROWS, Core};
use crate::domain::breaker::{Destination, View};
use crate::domain::id::RemediationId;
use crate::domain::notify::Shown;
use crate::domain::remediation::{Remediation, State};
use crate::domain::time::Timestamp;
use crate::domain::workflow::execution::StepState;
use crate::domain::workflow::tree;
use crate::engine::snapshot::{Row, Snapshot, Source};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The part of a snapshot that is not in the log.
#[derive(Debug, Clone)]
pub struct Live {
    /// Sources and their ages.
    pub sources: Vec<Source>,
    /// Why the store can't be written, since when.
    pub store_down: Option<(String, Timestamp)>,
    /// Scenario and seed, if simulated.
    pub simulated: Option<String>,
    /// Clock's speed against the wall.
    pub speed: u32,
    /// Breakers of this process; empty: there are none here, and the log says how they stand.
    pub breakers: Vec<View>,
}

/// The row of one case.
pub(super) fn row(case: &Remediation) -> Row {
    let target = case.target_key().map_or_else(|| unnamed(case), |key| key.short_path());
    let cause = case
        .diagnosis
        .as_ref()
        .map_or_else(String::new, |found| format!("{}, {}", found.pattern, found.cause));
    let fired = u16::try_from(case.firing()).unwrap_or(u16::MAX);
    Row {
        id: case.id.clone(),
        short: 4,
        state: case.state,
        outcome: case.outcome.clone(),
        needs_person: case.needs_person(),
        asks: case.asking_step().is_some(),
        target: target.into(),
        what: what(case).into(),
        cause: cause.into(),
        plan: case.plan.as_deref().map(|plan| (plan.digest.clone(), plan.risk)),
        due: due(case),
        opened_at: case.opened_at,
        updated_at: case.updated_at,
        progress: case.execution.as_ref().map(|_| tree::progress(case)),
        alerts: (u16::try_from(case.alerts.len()).unwrap_or(u16::MAX), fired),
        claimed_by: case.claimed_by.as_deref().map(Arc::from),
        events: case.events,
    }
}

/// What stands for the target of a case whose alerts name no object.
fn unnamed(case: &Remediation) -> String {
    let alert = case.alerts.values().next();
    alert.map_or_else(|| "(no object)".into(), |alert| format!("alert {}", alert.name()))
}

fn what(case: &Remediation) -> String {
    match case.state {
        State::Diagnosing | State::Planning | State::Blocked => {
            let withheld = case.withheld.first().cloned();
            let stuck = case.stuck.as_ref().map(|stuck| stuck.why.clone());
            withheld.or(stuck).unwrap_or_default()
        }
        State::Running | State::Undoing => asked_words(case)
            .or_else(|| waiting_words(case))
            .or_else(|| case.plan.as_deref().map(|plan| plan.title.clone()))
            .unwrap_or_default(),
        State::Closed => match &case.plan {
            Some(plan) if case.execution.is_some() => plan.title.clone(),
            Some(_) | None => case.closed_why.clone(),
        },
        State::AwaitingApproval
        | State::Paused
        | State::Verifying
        | State::ByHand
        | State::Expired => case.plan.as_deref().map(|plan| plan.title.clone()).unwrap_or_default(),
    }
}

fn asked_words(case: &Remediation) -> Option<String> {
    case.asking_step().map(|(step, _)| format!("step {} asks: {}", step.path, step.asks()))
}

fn waiting_words(case: &Remediation) -> Option<String> {
    case.execution.as_ref()?.steps.values().find_map(|step| match &step.state {
        StepState::Waiting { seen, .. } if !seen.is_empty() => Some(seen.clone()),
        StepState::Unknown { why } => Some(why.clone()),
        StepState::Waiting { .. }
        | StepState::Asked { .. }
        | StepState::Pending
        | StepState::Running
        | StepState::Done
        | StepState::Failed { .. }
        | StepState::TimedOut { .. }
        | StepState::Skipped { .. }
        | StepState::WillNotBeRun { .. }
        | StepState::Undoing
        | StepState::Undone
        | StepState::UndoFailed { .. } => None,
    })
}

fn due(case: &Remediation) -> Option<Timestamp> {
    match case.state {
        State::AwaitingApproval => case.request.as_ref().map(|request| request.expires_at),
        State::Verifying => case.settle_until,
        State::Running => {
            case.execution.as_ref()?.steps.values().find_map(|step| match &step.state {
                StepState::Waiting { until, .. } | StepState::Asked { until } => Some(*until),
                StepState::Unknown { .. }
                | StepState::Pending
                | StepState::Running
                | StepState::Done
                | StepState::Failed { .. }
                | StepState::TimedOut { .. }
                | StepState::Skipped { .. }
                | StepState::WillNotBeRun { .. }
                | StepState::Undoing
                | StepState::Undone
                | StepState::UndoFailed { .. } => None,
            })
        }
        State::Diagnosing
        | State::Planning
        | State::Blocked
        | State::Paused
        | State::Undoing
        | State::ByHand
        | State::Expired
        | State::Closed => None,
    }
}

/// Groups of the overview, in order: needs you, acting, held, done.
fn group(row: &Row) -> u8 {
    if row.needs_person {
        return 0;
    }
    match row.state {
        State::Diagnosing
        | State::Planning
        | State::Running
        | State::Undoing
        | State::Verifying
        | State::AwaitingApproval => 1,
        State::Blocked | State::Paused | State::ByHand | State::Expired => 2,
        State::Closed => 3,
    }
}

impl Core {
    /// The picture at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Timestamp, live: Live) -> Snapshot {
        let day_ago = now - chrono::TimeDelta::days(1);
        let mut rows = self.open.values().map(|case| row(case)).collect::<Vec<_>>();
        let room = CLOSED_ROWS.saturating_sub(rows.len());
        rows.extend(
            self.closed.iter().rev().take_while(|row| row.updated_at > day_ago).take(room).cloned(),
        );
        if let Some(why) = self.closed_to(Destination::Cluster) {
            let why: Arc<str> = format!("waits: {why}").into();
            let acting = |row: &&mut Row| matches!(row.state, State::Running | State::Undoing);
            rows.iter_mut().filter(acting).for_each(|row| row.what = Arc::clone(&why));
        }
        rows.sort_by(|a, b| {
            let by_group = group(a).cmp(&group(b));
            by_group.then_with(|| match group(a) {
                0 => (a.due.is_none(), a.due, a.opened_at, &a.id).cmp(&(
                    b.due.is_none(),
                    b.due,
                    b.opened_at,
                    &b.id,
                )),
                1 | 2 => (a.opened_at, &a.id).cmp(&(b.opened_at, &b.id)),
                _ => b.updated_at.cmp(&a.updated_at).then_with(|| a.id.cmp(&b.id)),
            })
        });
        shorten(&mut rows);
        let firing = self
            .open
            .values()
            .filter(|case| case.is_open())
            .map(|case| case.firing())
            .sum::<usize>();
        Snapshot {
            cluster: self.settings.name.clone(),
            simulated: live.simulated,
            mode: self.settings.policy.mode,
            role: self.role.clone(),
            stop: self.stop.clone(),
            store_down: live.store_down,
            rows: Arc::new(rows),
            records: self.ledger.records(),
            open: Arc::new(self.open.clone()),
            history: Arc::clone(&self.history),
            seq: self.seq,
            last: self.log.back().map(|(at, _, line)| (*at, line.clone())),
            log: Arc::new(self.log.iter().cloned().collect()),
            breakers: Arc::new(self.breaker_views(live.breakers, now)),
            telling: Arc::new(Shown::of(&self.outbox, &self.settings.routes)),
            sources: live.sources,
            firing: u32::try_from(firing).unwrap_or(u32::MAX),
            at: now,
            speed: live.speed,
        }
    }

    /// Ids that start with a prefix, among those that lists show.
    #[must_use]
    pub fn with_prefix(&self, prefix: &str) -> Vec<RemediationId> {
        let closed = self.closed.iter().map(|row| &row.id);
        let all = self.open.keys().chain(closed);
        all.filter(|id| id.as_str().starts_with(prefix)).cloned().collect()
    }
}

/// Sets how many characters tell each id from all others, at least 4.
fn shorten(rows: &mut [Row]) {
    let mut order = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        order.insert(row.id.clone(), index);
    }
    let sorted = order.into_iter().collect::<Vec<_>>();
    let common = |a: &RemediationId, b: &RemediationId| {
        a.as_str().bytes().zip(b.as_str().bytes()).take_while(|(x, y)| x == y).count()
    };
    for (place, (id, index)) in sorted.iter().enumerate() {
        let before = place.checked_sub(1).and_then(|at| sorted.get(at));
        let after = sorted.get(place + 1);
        let shared = before
            .into_iter()
            .chain(after)
            .map(|(other, _)| common(id, other))
            .max()
            .unwrap_or_default();
        if let Some(row) = rows.get_mut(*index) {
            row.short = u8::try_from((shared + 1).max(4)).unwrap_or(16);
        }
    }
}
