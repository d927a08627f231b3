//! What is read, what came back, and the facts made of it.

use super::resource::ObjectKey;
use super::text::{REDACTED, redact, redact_value};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// One thing to read. Ordered, so that what was gathered is a sorted map and can be recorded and replayed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// One object.
    Object(ObjectKey),
    /// Objects of a kind. At most [`LIST_LIMIT`] come back.
    List {
        /// `v1`, `apps/v1`, …
        api_version: String,
        /// `Pod`, …
        kind: String,
        /// Empty: all namespaces (or a cluster-scoped kind).
        namespace: String,
        /// Label selector in kubectl's syntax; empty: all.
        labels: String,
    },
    /// Pods that are bound to a node. At most [`LIST_LIMIT`] come back.
    PodsOn {
        /// Which.
        node: String,
    },
    /// Events whose `involvedObject` is this one, newest first.
    Events {
        /// Namespace of the object.
        namespace: String,
        /// Kind of the object.
        kind: String,
        /// Name of the object.
        name: String,
    },
    /// The end of a container's log.
    Logs {
        /// Pod's namespace.
        namespace: String,
        /// Pod.
        pod: String,
        /// Container.
        container: String,
        /// Of the run before this one.
        previous: bool,
        /// Lines from the end; at most 64 KiB come back.
        tail_lines: u32,
    },
    /// A PromQL instant query.
    Query {
        /// The query.
        promql: String,
    },
    /// A PromQL range query that ends now.
    Range {
        /// The query.
        promql: String,
        /// Length in seconds.
        window_s: u32,
        /// Resolution in seconds.
        step_s: u32,
    },
    /// Firing alerts whose labels hold all of these.
    Alerts {
        /// Label name → value.
        matching: BTreeMap<String, String>,
    },
}

/// Label that names the Job of a pod.
pub const JOB_LABEL: &str = "batch.kubernetes.io/job-name";
/// Logs that one collecting reads at most: more would be a log system.
const MOST_LOGS: usize = 100;

/// The logs of all containers of the pods that were listed, so many lines of each; of the run before as well where one
/// started again.
#[must_use]
pub fn logs_of_listed(gathered: &Gathered, tail_lines: u32) -> Vec<Read> {
    let mut logs = Vec::new();
    let items = gathered.answers.iter().filter_map(|(read, answer)| match (read, answer) {
        (Read::List { kind, .. }, Answer::Items { items, .. }) if kind == "Pod" => Some(items),
        _ => None,
    });
    for pod in items.flatten() {
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
        let (Some(namespace), Some(name)) = (text("/metadata/namespace"), text("/metadata/name"))
        else {
            continue;
        };
        let list = |pointer: &str| {
            pod.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
        };
        let restarted = list("/status/containerStatuses");
        for container in list("/spec/containers") {
            let Some(container) = container.get("name").and_then(Value::as_str) else { continue };
            let again = restarted.iter().any(|status| {
                status.get("name").and_then(Value::as_str) == Some(container)
                    && status.get("restartCount").and_then(Value::as_i64).unwrap_or(0) > 0
            });
            let runs = if again { &[false, true][..] } else { &[false][..] };
            logs.extend(runs.iter().map(|previous| Read::Logs {
                namespace: namespace.into(),
                pod: name.into(),
                container: container.into(),
                previous: *previous,
                tail_lines,
            }));
        }
    }
    logs.truncate(MOST_LOGS);
    logs
}

/// Words of log lines that count as errors, and those of refused access.
const ERRORS: &[&str] = &["error", "fatal", "panic", "exception", "critical"];
const REFUSED: &[&str] = &["denied", "forbidden", "unauthorized", "permission", "not authorized"];

/// How many lines of the logs that were read speak of errors or of refused access; `None` when none does.
#[must_use]
pub fn logs_said(gathered: &Gathered) -> Option<String> {
    let (mut all, mut errors, mut refused) = (0_usize, 0_usize, 0_usize);
    for (read, answer) in &gathered.answers {
        let (Read::Logs { .. }, Answer::Text(text)) = (read, answer) else { continue };
        for line in text.lines() {
            let line = line.to_ascii_lowercase();
            let speaks = |words: &[&str]| words.iter().any(|word| line.contains(word));
            all += 1;
            errors += usize::from(speaks(ERRORS));
            refused += usize::from(speaks(REFUSED));
        }
    }
    let words = format!("of {all} log lines {errors} speak of errors, {refused} of refused access");
    (errors + refused > 0).then_some(words)
}

/// Most objects that one list brings.
pub const LIST_LIMIT: usize = 500;

/// One time series.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// (unix seconds, value); one point for an instant query. No NaN.
    pub points: Vec<(f64, f64)>,
}

/// What a [`Read`] brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The object.
    Object(Value),
    /// The objects; `complete` is false when more exist than came.
    Items {
        /// What came.
        items: Vec<Value>,
        /// Whether it is all.
        complete: bool,
    },
    /// Log text.
    Text(String),
    /// Series of a query.
    Series(Vec<Series>),
    /// Firing alerts.
    Alerts(Vec<super::alert::Alert>),
    /// The object does not exist.
    NotFound,
    /// The credential may not read it.
    NotPermitted(String),
    /// It could not be read now (not configured, down, timed out): what and why.
    Unavailable(String),
}

/// All that was read for one diagnosis or one plan.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Gathered {
    /// Each read with its answer. Serialised as a list of pairs, since JSON keys are texts.
    #[serde(with = "pairs")]
    pub answers: BTreeMap<Read, Answer>,
}

impl Answer {
    /// The answer as it may be kept and shown.
    #[must_use]
    pub fn without_secrets(self) -> Self {
        match self {
            Self::Object(mut object) => {
                hide(&mut object);
                Self::Object(object)
            }
            Self::Items { mut items, complete } => {
                items.iter_mut().for_each(hide);
                Self::Items { items, complete }
            }
            Self::Text(text) => Self::Text(redact(&text)),
            Self::NotPermitted(why) => Self::NotPermitted(redact(&why)),
            Self::Unavailable(why) => Self::Unavailable(redact(&why)),
            Self::Series(series) => Self::Series(series),
            Self::Alerts(alerts) => Self::Alerts(alerts),
            Self::NotFound => Self::NotFound,
        }
    }
}

/// Hides what looks like a secret, and the values of ConfigMaps, which need no telling name: keys are all that
/// diagnoses look at.
fn hide(object: &mut Value) {
    if object.get("kind").and_then(Value::as_str) == Some("ConfigMap") {
        for key in ["data", "binaryData"] {
            let held = object.get_mut(key).and_then(Value::as_object_mut);
            for value in held.into_iter().flat_map(|data| data.values_mut()) {
                *value = REDACTED.into();
            }
        }
    }
    if let Some(meta) = object.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        meta.remove("kubectl.kubernetes.io/last-applied-configuration");
    }
    redact_value(object);
}

mod pairs {
    use super::{Answer, Read};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use std::collections::BTreeMap;

    pub fn serialize<S: Serializer>(
        map: &BTreeMap<Read, Answer>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        map.iter().collect::<Vec<_>>().serialize(out)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<Read, Answer>, D::Error> {
        Ok(Vec::<(Read, Answer)>::deserialize(from)?.into_iter().collect())
    }
}

impl Gathered {
    /// The same as it may be kept and shown: without what looks like a secret, and without the values of ConfigMaps.
    #[must_use]
    pub fn without_secrets(self) -> Self {
        let answers = self.answers.into_iter();
        Self { answers: answers.map(|(read, answer)| (read, answer.without_secrets())).collect() }
    }

    /// The answer to a read, if it was made.
    #[must_use]
    pub fn get(&self, read: &Read) -> Option<&Answer> {
        self.answers.get(read)
    }
}

/// Either a result, or what still has to be read before there is one.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress<T> {
    /// The result.
    Ready(T),
    /// These first. Never empty, and never something that was read already.
    Need(Vec<Read>),
}

/// Which way a fact points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearing {
    /// Speaks for the cause.
    For,
    /// Speaks against it.
    Against,
    /// Context.
    Context,
    /// Could not be read: *not permitted* or unavailable.
    Missing,
}

/// One quoted fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fact {
    /// Stable name: `oom-killed`, `usage-at-limit`, …
    pub id: String,
    /// One sentence: `4 OOMKilled in 30m; last ledger-api-7d9f-2kx8p 03:09Z, exit 137`.
    pub text: String,
    /// Where it came from: object path and field, query, or alert label.
    pub source: String,
    /// Which way it points.
    pub bearing: Bearing,
    /// When it was true or happened, where that is known.
    pub at: Option<Timestamp>,
}
