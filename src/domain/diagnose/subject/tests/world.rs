//! A cluster as a list of objects, and metrics by a part of their query.

use crate::domain::alert::{Alert, AlertStatus};
use crate::domain::diagnose::diagnose;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::evidence::{Answer, Fact, Gathered, Progress, Read, Series};
use crate::domain::id::Fingerprint;
use crate::domain::time::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// See the module.
#[derive(Default)]
pub(super) struct World {
    pub(super) objects: Vec<Value>,
    /// A part of a query, and what it brings.
    pub(super) series: Vec<(&'static str, Vec<Series>)>,
    /// Kinds that may not be read.
    pub(super) denied: Vec<&'static str>,
}

pub(super) fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().expect("a moment")
}

/// A moment as objects write it.
pub(super) fn ago(seconds: i64) -> String {
    (now() - chrono::TimeDelta::seconds(seconds)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An object with a uid of its own.
pub(super) fn object(api_version: &str, kind: &str, place: &str, name: &str, rest: Value) -> Value {
    let mut it = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "uid": format!("{kind}-{place}-{name}"), "creationTimestamp": ago(86_400)}});
    if !place.is_empty() {
        it["metadata"]["namespace"] = json!(place);
    }
    merge(&mut it, rest);
    it
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

pub(super) fn condition(kind: &str, status: &str, since: i64) -> Value {
    json!({"type": kind, "status": status, "reason": "Because", "message": "so it is",
        "lastTransitionTime": ago(since)})
}

pub(super) fn series(labels: &[(&str, &str)], points: &[f64]) -> Series {
    let end = f64::from(i32::try_from(now().timestamp()).expect("before 2038"));
    let count = points.len();
    #[allow(clippy::cast_precision_loss)]
    let at = |index: usize| end - ((count - 1 - index) as f64) * 60.0;
    Series {
        labels: labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        points: points.iter().enumerate().map(|(index, value)| (at(index), *value)).collect(),
    }
}

pub(super) fn alert(labels: &[(&str, &str)], since: i64) -> Alert {
    Alert {
        fingerprint: Fingerprint::new("f"),
        status: AlertStatus::Firing,
        labels: labels.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect(),
        annotations: BTreeMap::new(),
        starts_at: now() - chrono::TimeDelta::seconds(since),
        ends_at: None,
    }
}

impl World {
    pub(super) fn of(objects: &[Value]) -> Self {
        Self { objects: objects.to_vec(), ..Self::default() }
    }

    pub(super) fn with_series(mut self, part: &'static str, found: Vec<Series>) -> Self {
        self.series.push((part, found));
        self
    }

    pub(super) fn without(mut self, kinds: &[&'static str]) -> Self {
        self.denied.extend(kinds);
        self
    }

    /// The diagnosis of an alert that began five minutes ago.
    pub(super) fn diagnosis(&self, labels: &[(&str, &str)]) -> Diagnosis {
        self.diagnosis_of(&[alert(labels, 300)])
    }

    pub(super) fn diagnosis_of(&self, alerts: &[Alert]) -> Diagnosis {
        let mut gathered = Gathered::default();
        for _ in 0..=8 {
            match diagnose(alerts, &gathered, now()) {
                Progress::Ready(found) => return found,
                Progress::Need(reads) => {
                    assert!(!reads.is_empty(), "needs nothing and is not ready");
                    for read in reads {
                        assert!(gathered.get(&read).is_none(), "asks again for {read:?}");
                        let answer = self.answer(&read);
                        gathered.answers.insert(read, answer);
                    }
                }
            }
        }
        panic!("not ready after 8 rounds");
    }

    fn answer(&self, read: &Read) -> Answer {
        let kind = match read {
            Read::Object(key) => key.kind.as_str(),
            Read::List { kind, .. } => kind.as_str(),
            Read::PodsOn { .. } => "Pod",
            Read::Events { .. } => "Event",
            Read::Logs { .. } | Read::Query { .. } | Read::Range { .. } | Read::Alerts { .. } => "",
        };
        if self.denied.contains(&kind) {
            return Answer::NotPermitted("forbidden".into());
        }
        let found = |keep: &dyn Fn(&Value) -> bool| {
            let items = self.objects.iter().filter(|one| keep(one)).cloned().collect();
            Answer::Items { items, complete: true }
        };
        match read {
            Read::Object(key) => {
                let of_it = |one: &&Value| {
                    one["kind"] == key.kind.as_str()
                        && one["metadata"]["name"] == key.name.as_str()
                        && one["metadata"]["namespace"].as_str().unwrap_or("") == key.namespace
                };
                let one = self.objects.iter().find(of_it).cloned();
                one.map_or(Answer::NotFound, Answer::Object)
            }
            Read::List { kind, namespace, labels, .. } => found(&|one| {
                let selected = labels.split(',').filter(|part| !part.is_empty()).all(|part| {
                    let (key, value) = part.split_once('=').expect("plain selectors here");
                    one["metadata"]["labels"][key] == value
                });
                one["kind"] == kind.as_str()
                    && selected
                    && (namespace.is_empty() || one["metadata"]["namespace"] == namespace.as_str())
            }),
            Read::PodsOn { node } => {
                found(&|one| one["kind"] == "Pod" && one["spec"]["nodeName"] == node.as_str())
            }
            Read::Events { kind, name, .. } => found(&|one| {
                one["kind"] == "Event"
                    && one["involvedObject"]["kind"] == kind.as_str()
                    && one["involvedObject"]["name"] == name.as_str()
            }),
            Read::Logs { .. } => Answer::NotFound,
            Read::Query { promql } | Read::Range { promql, .. } => {
                let found = self.series.iter().find(|(part, _)| promql.contains(part));
                Answer::Series(found.map(|(_, series)| series.clone()).unwrap_or_default())
            }
            Read::Alerts { .. } => Answer::Alerts(Vec::new()),
        }
    }
}

/// `cause disposition Kind/name`.
pub(super) fn said(found: &Diagnosis) -> String {
    let target = found.target.as_ref();
    let target =
        target.map_or_else(|| "-".into(), |one| format!("{}/{}", one.key.kind, one.key.name));
    format!("{} {:?} {target}", found.cause, found.disposition)
}

pub(super) fn fact<'a>(found: &'a Diagnosis, id: &str) -> Option<&'a Fact> {
    found.evidence.iter().find(|fact| fact.id == id)
}

#[track_caller]
pub(super) fn is(found: &Diagnosis, wanted: &str) {
    let ids = found.evidence.iter().map(|fact| fact.id.as_str()).collect::<Vec<_>>();
    assert_eq!(said(found), wanted, "{}\n{:#?}\n{ids:?}", found.summary, found.weighed);
    let mut unique = ids.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), ids.len(), "fact ids repeat: {ids:?}");
    for weighed in &found.weighed {
        for id in weighed.speaks_for.iter().chain(&weighed.speaks_against) {
            assert!(
                ids.contains(&id.as_str()),
                "{} weighs {id}, which is not shown",
                weighed.cause
            );
        }
    }
}
