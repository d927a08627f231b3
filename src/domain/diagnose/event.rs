//! Kubernetes events as they were written by their controllers.

use super::fields::{int, moment, text};
use crate::domain::time::Timestamp;
use serde_json::Value;

/// One event, of either of the two forms that the API has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Event<'a>(pub(crate) &'a Value);

impl<'a> Event<'a> {
    pub(crate) fn reason(self) -> &'a str {
        text(self.0, &["reason"])
    }

    pub(crate) fn message(self) -> &'a str {
        text(self.0, &["message"])
    }

    /// uid of the object that it is about.
    pub(crate) fn about(self) -> &'a str {
        text(self.0, &["involvedObject", "uid"])
    }

    /// `spec.containers{app}`, or empty.
    pub(crate) fn field(self) -> &'a str {
        text(self.0, &["involvedObject", "fieldPath"])
    }

    pub(crate) fn count(self) -> i64 {
        int(self.0, &["count"]).or_else(|| int(self.0, &["series", "count"])).unwrap_or(1)
    }

    pub(crate) fn first(self) -> Option<Timestamp> {
        moment(self.0, &["firstTimestamp"])
            .or_else(|| moment(self.0, &["eventTime"]))
            .or_else(|| moment(self.0, &["metadata", "creationTimestamp"]))
    }

    pub(crate) fn last(self) -> Option<Timestamp> {
        moment(self.0, &["lastTimestamp"])
            .or_else(|| moment(self.0, &["series", "lastObservedTime"]))
            .or_else(|| self.first())
    }

    /// `event ledger-api-x.18eacf10` as a source.
    pub(crate) fn source(self) -> String {
        format!("event {}", super::fields::name(self.0))
    }
}
