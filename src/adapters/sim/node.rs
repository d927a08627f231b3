//! What is known of a node besides its object.

use crate::domain::time::Timestamp;
use std::collections::BTreeSet;

/// A node of the simulated cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeRun {
    /// Its number, for addresses.
    pub(super) number: i64,
    /// When it was away: from, and until if it came back.
    pub(super) absences: Vec<(Timestamp, Option<Timestamp>)>,
    /// Whether it starts anew when it comes back.
    pub(super) reboots: bool,
    /// Images that it has.
    pub(super) images: BTreeSet<String>,
    /// Pod addresses given so far.
    pub(super) addresses: i64,
}

impl NodeRun {
    /// Since when it is away, if it is.
    pub(super) fn down_since(&self) -> Option<Timestamp> {
        self.absences.last().filter(|(_, until)| until.is_none()).map(|(from, _)| *from)
    }

    /// Whether it was away at a moment.
    pub(super) fn was_down(&self, at: Timestamp) -> bool {
        self.absences
            .iter()
            .any(|(from, until)| *from <= at && until.is_none_or(|until| at < until))
    }
}
