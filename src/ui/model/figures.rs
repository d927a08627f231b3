//! The effectiveness screen: what is grouped by, over which time, where the reader is in it.

use crate::domain::effectiveness::{Assessment, By, Figures, Record, assess};
use crate::domain::id::RemediationId;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Weeks that can be looked at; `None`: all records.
const PERIODS: [Option<i64>; 4] = [None, Some(8), Some(4), Some(1)];

/// See the module.
#[derive(Debug, Clone)]
pub struct FiguresView {
    /// What is grouped by.
    pub by: By,
    period: usize,
    /// Which group is selected.
    pub at: usize,
    /// Which of its records is selected; `None`: its figures are shown.
    pub record: Option<usize>,
    assessment: Option<Arc<Assessment>>,
    /// The records that it was computed from.
    from: Option<Arc<Vec<Record>>>,
    /// Where each case's record is among them.
    places: BTreeMap<RemediationId, usize>,
}

impl Default for FiguresView {
    fn default() -> Self {
        Self {
            by: By::Template,
            period: 0,
            at: 0,
            record: None,
            assessment: None,
            from: None,
            places: BTreeMap::new(),
        }
    }
}

impl FiguresView {
    /// What is shown; `None` before it was computed.
    #[must_use]
    pub fn assessment(&self) -> Option<&Assessment> {
        self.assessment.as_deref()
    }

    /// The selected group.
    #[must_use]
    pub fn group(&self) -> Option<&Figures> {
        self.assessment()?.groups.get(self.at)
    }

    /// How many records the selected group has.
    #[must_use]
    pub fn count(&self) -> usize {
        self.group().map_or(0, |group| group.records.len())
    }

    /// The records of the selected group, newest first, from one of them on.
    pub fn records(&self, from: usize) -> impl Iterator<Item = &Record> {
        let ids = self.group().and_then(|group| group.records.get(from..)).unwrap_or_default();
        let all = self.from.as_deref().map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| all.get(*self.places.get(id)?))
    }

    /// Over which time, in words.
    #[must_use]
    pub fn period(&self) -> String {
        PERIODS.get(self.period).copied().flatten().map_or_else(
            || "all records".into(),
            |weeks| if weeks == 1 { "last week".into() } else { format!("last {weeks} weeks") },
        )
    }

    /// The next grouping.
    pub fn next_by(&mut self) {
        let at = By::ALL.iter().position(|by| *by == self.by).unwrap_or(0);
        self.by = By::ALL.get((at + 1) % By::ALL.len()).copied().unwrap_or(By::Template);
        self.changed();
    }

    /// The next length of time.
    pub fn next_period(&mut self) {
        self.period = (self.period + 1) % PERIODS.len();
        self.changed();
    }

    fn changed(&mut self) {
        self.from = None;
        self.at = 0;
        self.record = None;
    }

    /// Computes anew when there are other records than those that it was computed from. The selected group stays
    /// selected.
    pub fn refresh(&mut self, records: &Arc<Vec<Record>>, now: Timestamp) {
        if self.from.as_ref().is_some_and(|from| Arc::ptr_eq(from, records)) {
            return;
        }
        let key = self.group().map(|group| group.key.clone());
        let weeks = PERIODS.get(self.period).copied().flatten();
        let since = weeks.and_then(|weeks| now.checked_sub_signed(chrono::TimeDelta::weeks(weeks)));
        let fresh = assess(records, self.by, since, now, |_| true);
        let same = fresh.groups.iter().position(|group| Some(&group.key) == key.as_ref());
        self.at = same.unwrap_or(0);
        self.record = self.record.filter(|_| same.is_some());
        self.assessment = Some(Arc::new(fresh));
        let ids = records.iter().map(|record| record.id.clone());
        self.places = ids.enumerate().map(|(index, id)| (id, index)).collect();
        self.from = Some(Arc::clone(records));
    }
}
