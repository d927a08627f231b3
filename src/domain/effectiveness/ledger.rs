//! The records of a log, in the order of their ends: a fold of its events.

use super::record::{Fate, Record};
use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::diagnosis::Disposition;
use crate::domain::event::{Event, Recorded};
use crate::domain::id::RemediationId;
use crate::domain::remediation::Remediation;
use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Records that are kept; the oldest go first.
const KEPT: usize = 50_000;
/// Alerts of ended cases whose end is waited for.
const AWAITED: usize = 50_000;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    records: Arc<Vec<Record>>,
    /// Records that were dropped, so that positions stay what they were.
    dropped: usize,
    /// Position of each case's record.
    places: BTreeMap<RemediationId, usize>,
    /// Positions of the records about each object, ascending.
    about: BTreeMap<ObjectKey, Vec<usize>>,
    /// Alerts that still fired when their case ended: fingerprint and start, and the positions of their records.
    awaited: BTreeMap<(String, Timestamp), Vec<usize>>,
    /// Position → how many of its alerts still fire.
    firing: BTreeMap<usize, usize>,
}

impl Ledger {
    /// All records, oldest end first.
    #[must_use]
    pub fn records(&self) -> Arc<Vec<Record>> {
        Arc::clone(&self.records)
    }

    /// Follows one event; `case` is what its subject is after it.
    pub fn fold(&mut self, recorded: &Recorded, case: Option<&Remediation>) {
        if matches!(recorded.event, Event::Closed { .. }) {
            if let Some((case, record)) = case.and_then(|case| Some((case, Record::of(case)?))) {
                self.push(case, record);
            }
        } else if let Event::Diagnosed { diagnosis } = &recorded.event {
            let by_alert = case.filter(|case| case.asked_for.is_none());
            if let (Disposition::Remediate, Some(case)) = (diagnosis.disposition, by_alert) {
                self.came_back(case);
            }
        } else if let Event::AlertIgnored { alert, .. } | Event::AlertJoined { alert } =
            &recorded.event
            && alert.status == AlertStatus::Resolved
        {
            self.resolved(alert, recorded.at);
        }
    }

    fn push(&mut self, case: &Remediation, record: Record) {
        // One that was undone or taken up again afterwards ends once more.
        if let Some(position) = self.places.get(&record.id).copied() {
            self.index(position, &record);
            if let Some(known) = self.at(position) {
                *known = record;
            }
            return;
        }
        let position = self.dropped + self.records.len();
        if record.fate == Fate::Alone && record.recovered_at.is_none() {
            let firing = case.alerts.values().filter(|alert| alert.status == AlertStatus::Firing);
            let firing = firing.collect::<Vec<_>>();
            for alert in &firing {
                let episode = (alert.fingerprint.as_str().to_string(), alert.starts_at);
                self.awaited.entry(episode).or_default().push(position);
            }
            if !firing.is_empty() {
                self.firing.insert(position, firing.len());
            }
            while self.awaited.len() > AWAITED {
                self.awaited.pop_first();
            }
        }
        self.index(position, &record);
        let records = Arc::make_mut(&mut self.records);
        records.push(record);
        if records.len() > KEPT {
            let over = records.len() - KEPT;
            let gone = records.drain(..over).collect::<Vec<_>>();
            self.dropped += over;
            for record in &gone {
                self.forget(record);
            }
        }
    }

    /// The record at a position, to be changed.
    fn at(&mut self, position: usize) -> Option<&mut Record> {
        Arc::make_mut(&mut self.records).get_mut(position.checked_sub(self.dropped)?)
    }

    fn index(&mut self, position: usize, record: &Record) {
        self.places.insert(record.id.clone(), position);
        if let Some(target) = &record.target {
            let positions = self.about.entry(target.clone()).or_default();
            if let Err(place) = positions.binary_search(&position) {
                positions.insert(place, position);
            }
        }
    }

    fn forget(&mut self, record: &Record) {
        self.places.remove(&record.id);
        let Some(target) = &record.target else { return };
        if let Some(positions) = self.about.get_mut(target) {
            positions.retain(|position| *position >= self.dropped);
            if positions.is_empty() {
                self.about.remove(target);
            }
        }
    }

    fn came_back(&mut self, case: &Remediation) {
        let (Some(target), Some(found)) = (case.target_key(), case.diagnosis.as_ref()) else {
            return;
        };
        let Some(positions) = self.about.get(&target) else { return };
        let fits = |position: &&usize| {
            let index = position.checked_sub(self.dropped);
            index.and_then(|index| self.records.get(index)).is_some_and(|record| {
                record.fate == Fate::Effective
                    && record.cause == found.cause
                    && record.target.as_ref() == Some(&target)
                    && record.ended_at < case.opened_at
            })
        };
        let Some(last) = positions.iter().rev().find(fits).copied() else { return };
        let known = last.checked_sub(self.dropped).and_then(|index| self.records.get(index));
        if known.is_some_and(|record| record.back_at.is_none())
            && let Some(record) = self.at(last)
        {
            record.back_at = Some(case.opened_at);
        }
    }

    fn resolved(&mut self, alert: &Alert, at: Timestamp) {
        let episode = (alert.fingerprint.as_str().to_string(), alert.starts_at);
        for position in self.awaited.remove(&episode).unwrap_or_default() {
            let Some(firing) = self.firing.get_mut(&position) else { continue };
            *firing -= 1;
            if *firing > 0 {
                continue;
            }
            self.firing.remove(&position);
            if let Some(record) = self.at(position) {
                let when = alert.ends_at.unwrap_or(at);
                record.recovered_at = Some(when.clamp(record.opened_at, at.max(record.opened_at)));
            }
        }
    }
}
