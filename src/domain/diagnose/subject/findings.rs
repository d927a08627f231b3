//! What an examiner found: facts, values, opinions, and whether it is a fault at all.

use super::case::Case;
use crate::domain::alert::AlertStatus;
use crate::domain::diagnose::fields::{items, text};
use crate::domain::diagnose::keepers::{last_writer, managers};
use crate::domain::diagnose::reader::Reader;
use crate::domain::diagnose::rule::Scale;
use crate::domain::diagnosis::{Cause, Diagnosis, Pattern, Weighed};
use crate::domain::evidence::{Bearing, Fact};
use crate::domain::text::{redact, shorten};
use crate::domain::time::{Timestamp, seconds_between, spoken};
use serde_json::Value;
use std::collections::BTreeMap;

/// What became of an examination.
#[derive(Debug)]
pub(crate) enum Examined {
    /// Something has to be read first.
    Pending,
    /// This object was looked at.
    Here(Box<Findings>),
    /// Another object is the culprit; its diagnosis.
    Elsewhere(Box<Diagnosis>),
}

/// A cause that was weighed, and the conclusion in words if it is chosen.
#[derive(Debug)]
pub(crate) struct Opinion {
    pub(crate) weighed: Weighed,
    /// Stands behind the object's name: `pays/pvc/data: no StorageClass …`.
    pub(crate) say: String,
}

/// See the module. Facts first, then what could not be read ([`Findings::sealed`]), then opinions about them.
#[derive(Debug)]
pub(crate) struct Findings {
    /// The pattern where no cause is chosen.
    pub(crate) pattern: Pattern,
    /// Of the object; empty: it has none.
    pub(crate) namespace: String,
    pub(crate) facts: Vec<Fact>,
    pub(crate) values: BTreeMap<String, Value>,
    pub(crate) opinions: Vec<Opinion>,
    /// Why what shows is on purpose. Only where nothing else is wrong.
    pub(crate) on_purpose: Option<String>,
    /// What is well, where nothing that can be seen is wrong.
    pub(crate) well: Option<Well>,
    /// What can be said when no cause is chosen.
    pub(crate) otherwise: String,
}

/// Nothing is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Well {
    /// In words: `its kubelet says that it is ready`.
    pub(crate) why: String,
    /// Since when, if that is known.
    pub(crate) since: Option<Timestamp>,
}

impl Findings {
    /// Begins with what is the same for all kinds: the alerts, who wrote the object last, who manages it.
    pub(crate) fn new(case: &Case<'_>, pattern: Pattern) -> Self {
        let mut it = Self {
            pattern,
            namespace: case.namespace().into(),
            facts: Vec::new(),
            values: BTreeMap::new(),
            opinions: Vec::new(),
            on_purpose: None,
            well: None,
            otherwise: String::new(),
        };
        for (index, alert) in case.alerts.iter().take(5).enumerate() {
            let id = if index == 0 { "alert".into() } else { format!("alert-{}", index + 1) };
            let state = match alert.status {
                AlertStatus::Firing => "fires since",
                AlertStatus::Resolved => "resolved; it fired since",
            };
            let words = format!("alert {} {state} {}", alert.name(), clock(alert.starts_at));
            let source = format!("alert {}", alert.fingerprint.as_str());
            it.add_at(&id, words, source, Some(alert.starts_at));
        }
        it.keepers(case);
        it
    }

    fn keepers(&mut self, case: &Case<'_>) {
        let path = case.path();
        if let Some(writer) = last_writer(case.object) {
            let words = format!("last written by {}, {}", writer.manager, ago(writer.at, case.now));
            self.add_at("last-writer", words, format!("{path}: {}", writer.source), writer.at);
        }
        for manager in managers(case.object) {
            let reverts = if manager.reverts { ", which reverts changes" } else { "" };
            let id = format!("manager-{}", manager.kind.to_ascii_lowercase().replace(' ', "-"));
            let words = format!("managed by {} {}{reverts}", manager.kind, manager.name);
            self.add(&id, words, format!("{path}: {}", manager.source));
        }
    }

    /// Notes a fact. Of several with one id, the texts are joined.
    pub(crate) fn add(&mut self, id: &str, text: String, source: String) {
        self.add_at(id, text, source, None);
    }

    pub(crate) fn add_at(&mut self, id: &str, text: String, source: String, at: Option<Timestamp>) {
        match self.facts.iter_mut().find(|fact| fact.id == id) {
            Some(known) => {
                known.text = format!("{}; {text}", known.text);
            }
            None => {
                self.facts.push(Fact {
                    id: id.into(),
                    text,
                    source,
                    bearing: Bearing::Context,
                    at,
                });
            }
        }
    }

    /// Notes a value for templates.
    pub(crate) fn put(&mut self, name: &str, value: impl Into<Value>) {
        self.values.insert(name.into(), value.into());
    }

    /// Whether there is such a fact.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.facts.iter().any(|fact| fact.id == id && fact.bearing != Bearing::Missing)
    }

    /// Whether any of them is there.
    pub(crate) fn any(&self, ids: &[&str]) -> bool {
        ids.iter().any(|id| self.has(id))
    }

    /// The first two of these facts that are there, in their own words.
    pub(crate) fn quote(&self, ids: &[&str]) -> String {
        let found = ids.iter().filter_map(|id| self.facts.iter().find(|fact| fact.id == **id));
        let words = found.filter(|fact| fact.bearing != Bearing::Missing).take(2);
        words.map(|fact| fact.text.as_str()).collect::<Vec<_>>().join("; ")
    }

    /// Adds what could not be read; opinions come after this.
    pub(crate) fn sealed(mut self, reader: &Reader<'_>) -> Self {
        self.facts.extend(reader.missing().iter().cloned());
        self
    }

    /// Begins to weigh a cause.
    pub(crate) fn weigh(&self, pattern: Pattern, cause: Cause) -> Scale<'_> {
        Scale::new(&self.facts, pattern, cause)
    }

    /// Keeps an opinion; one without anything that speaks for it is none.
    pub(crate) fn judge(&mut self, weighed: Weighed, say: String) {
        if !weighed.speaks_for.is_empty() {
            self.opinions.push(Opinion { weighed, say });
        }
    }

    pub(crate) fn done(self) -> Examined {
        Examined::Here(Box::new(self))
    }
}

/// `12m ago`.
pub(crate) fn ago(at: Option<Timestamp>, now: Timestamp) -> String {
    at.map_or_else(
        || "unknown time ago".into(),
        |at| format!("{} ago", spoken(seconds_between(at, now))),
    )
}

/// `03:09:12Z`.
pub(crate) fn clock(at: Timestamp) -> String {
    at.format("%H:%M:%SZ").to_string()
}

/// Text from outside as a fact may quote it: one line, short, without secrets.
pub(crate) fn quoted(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&redact(&line), most)
}

/// A condition of an object's status, by type.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    items(object, &["status", "conditions"]).iter().find(|one| text(one, &["type"]) == kind)
}
