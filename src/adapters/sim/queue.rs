//! What will happen: a queue ordered by (virtual time, sequence), so that ties never depend on anything else.

use crate::domain::resource::ObjectKey;
use crate::domain::time::Timestamp;
use std::collections::BTreeMap;

/// One thing that will happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Happening {
    /// A controller looks at an object.
    Reconcile(ObjectKey),
    /// The scheduler looks at all pods without a node.
    Schedule,
    /// The kubelet takes the next step with a container; stale when the container's `turn` moved on.
    Container {
        /// uid of the pod.
        pod: String,
        /// Name of the container.
        container: String,
        /// The turn that it was planned in.
        turn: u64,
    },
    /// The kubelet looks at a pod (start, readiness, deletion).
    Pod(String),
    /// The node controller looks at a node.
    Node(String),
    /// A node's kubelet reports.
    Heartbeat,
    /// Old Events and finished runs are thrown away.
    Sweep,
    /// Alert rules are evaluated.
    Rules,
    /// The scenario's timeline moves on.
    Timeline(usize),
}

/// The queue.
#[derive(Debug, Clone, Default)]
pub(super) struct Queue {
    entries: BTreeMap<(Timestamp, u64), Happening>,
    places: BTreeMap<Happening, (Timestamp, u64)>,
    sequence: u64,
}

impl Queue {
    /// Puts something in. What waits already, exactly so, and comes no later is not put in twice.
    pub(super) fn put(&mut self, at: Timestamp, what: Happening) {
        if let Some(place) = self.places.get(&what) {
            if place.0 <= at {
                return;
            }
            self.entries.remove(place);
        }
        self.sequence += 1;
        self.places.insert(what.clone(), (at, self.sequence));
        self.entries.insert((at, self.sequence), what);
    }

    /// When the next thing happens.
    pub(super) fn next_at(&self) -> Option<Timestamp> {
        self.entries.first_key_value().map(|((at, _), _)| *at)
    }

    /// Takes the next thing that happens at or before `until`.
    pub(super) fn take(&mut self, until: Timestamp) -> Option<(Timestamp, Happening)> {
        let entry = self.entries.first_entry()?;
        let at = entry.key().0;
        if at > until {
            return None;
        }
        let what = entry.remove();
        self.places.remove(&what);
        Some((at, what))
    }

    /// All that waits, in words, for the serialised world.
    pub(super) fn describe(&self) -> Vec<String> {
        self.entries
            .iter()
            .map(|((at, _), what)| format!("{} {what:?}", crate::domain::time::rfc3339(*at)))
            .collect()
    }
}
