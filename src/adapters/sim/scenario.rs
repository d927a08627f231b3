//! Scenarios: what is in the world, what goes wrong when, and what people do. Data; see `assets/scenarios/`.

use super::behaviour::{Profile, bytes};
use super::faults::{Fault, Rates};
use super::people::Habit;
use super::rights::Rule;
use crate::domain::time::{Timestamp, parse_duration};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// Scenarios inside the binary: name and text.
const SHIPPED: [(&str, &str); 3] = [
    ("shift", include_str!("../../../assets/scenarios/shift.toml")),
    ("night", include_str!("../../../assets/scenarios/night.toml")),
    ("black-friday", include_str!("../../../assets/scenarios/black-friday.toml")),
];

/// Why a scenario can't be played.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// There is none of that name.
    #[error("there is no scenario `{name}`: there are {known}")]
    Unknown {
        /// Asked for.
        name: String,
        /// Those that exist.
        known: String,
    },
    /// Its text is wrong.
    #[error("the scenario can't be read: {0}")]
    Malformed(String),
}

/// A scenario.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Name of the cluster, as screens show it.
    pub cluster: String,
    /// In a sentence.
    #[serde(default)]
    pub about: String,
    /// When the timeline begins.
    pub start: Timestamp,
    /// Seconds until it is over.
    #[serde(deserialize_with = "seconds")]
    pub lasts: u64,
    /// Seconds after the start at which a screen opens on it: so far it happened unwatched. A play without a screen
    /// is watched from its start.
    #[serde(deserialize_with = "seconds", default)]
    pub opens_after: u64,
    /// Nodes.
    #[serde(default, rename = "node")]
    pub nodes: Vec<NodeSpec>,
    /// Images that can be pulled, with what is in them.
    #[serde(default, rename = "image")]
    pub images: BTreeMap<String, Profile>,
    /// Workloads.
    #[serde(default, rename = "workload")]
    pub workloads: Vec<Workload>,
    /// Secrets and ConfigMaps: `namespace/Kind/name` → keys.
    #[serde(default)]
    pub config: BTreeMap<String, Vec<String>>,
    /// Quotas: namespace → hard limits.
    #[serde(default)]
    pub quota: BTreeMap<String, BTreeMap<String, String>>,
    /// What happens.
    #[serde(default)]
    pub timeline: Vec<Incident>,
    /// How people decide.
    #[serde(default)]
    pub people: Vec<Habit>,
    /// Who may do what on the cluster.
    #[serde(default)]
    pub rights: Vec<Rule>,
    /// Faults by rate.
    #[serde(default)]
    pub faults: Rates,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSpec {
    /// Name.
    pub name: String,
    /// CPU quantity.
    pub cpu: String,
    /// Memory quantity.
    pub memory: String,
    /// Labels more than the usual.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
}

/// A workload with one container `app`, its Service and its budget.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workload {
    /// `Deployment`, `StatefulSet` or `DaemonSet`.
    #[serde(default = "deployment")]
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Image.
    pub image: String,
    /// Pods.
    #[serde(default = "two")]
    pub replicas: i64,
    /// Memory limit.
    #[serde(default)]
    pub limit: Option<String>,
    /// Memory request.
    #[serde(default)]
    pub request: Option<String>,
    /// CPU request.
    #[serde(default)]
    pub cpu: Option<String>,
    /// Plain variables: `NAME=value`.
    #[serde(default)]
    pub env: Vec<String>,
    /// Secrets whose key is put into a variable: `NAME=secret/key`.
    #[serde(default)]
    pub secret_env: Vec<String>,
    /// ConfigMaps put into the environment as a whole.
    #[serde(default)]
    pub config_maps: Vec<String>,
    /// Fewest pods that a budget keeps.
    #[serde(default)]
    pub min_available: Option<i64>,
    /// Images that ran before, oldest first: make earlier revisions.
    #[serde(default)]
    pub history: Vec<String>,
    /// Annotations more than the usual (`argocd.argoproj.io/tracking-id`, `meta.helm.sh/release-name`, …).
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Labels more than the usual (`app.kubernetes.io/managed-by`, …).
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Field manager that wrote it.
    #[serde(default = "applied_by")]
    pub by: String,
    /// Whether there is no Service for it.
    #[serde(default)]
    pub no_service: bool,
}

/// Something that happens at a time.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Incident {
    /// Seconds after the start.
    #[serde(deserialize_with = "seconds")]
    pub at: u64,
    /// In a sentence; empty: not worth a line.
    #[serde(default)]
    pub note: String,
    /// What.
    #[serde(flatten)]
    pub what: Happens,
}

/// Names one container's workload.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Of {
    /// `namespace/Kind/name`.
    pub target: String,
    /// Field manager that is seen for the edit.
    #[serde(default = "edited_by")]
    pub by: String,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub enum Happens {
    /// A new image is rolled out.
    SetImage {
        /// Which workload.
        #[serde(flatten)]
        of: Of,
        /// The image.
        image: String,
    },
    /// The memory limit (and a larger request) is set.
    SetLimit {
        /// Which workload.
        #[serde(flatten)]
        of: Of,
        /// The limit.
        limit: String,
    },
    /// A variable is set; empty value: taken away.
    SetEnv {
        /// Which workload.
        #[serde(flatten)]
        of: Of,
        /// Name.
        name: String,
        /// Value.
        value: String,
    },
    /// The number of pods is set.
    Scale {
        /// Which workload.
        #[serde(flatten)]
        of: Of,
        /// Pods.
        replicas: i64,
    },
    /// An annotation is set on the workload.
    Annotate {
        /// Which workload.
        #[serde(flatten)]
        of: Of,
        /// Key.
        key: String,
        /// Value.
        value: String,
    },
    /// A program needs another amount of memory from now on.
    Needs {
        /// Image.
        image: String,
        /// How much.
        #[serde(deserialize_with = "bytes")]
        needs: i64,
        /// Seconds until it is reached.
        #[serde(deserialize_with = "seconds", default = "minute")]
        over: u64,
    },
    /// A program leaks from now on.
    Leaks {
        /// Image.
        image: String,
        /// How much in an hour; `0` stops it.
        #[serde(deserialize_with = "bytes")]
        per_hour: i64,
    },
    /// An object is deleted.
    Delete {
        /// `namespace/Kind/name`.
        target: String,
    },
    /// A Secret or ConfigMap is made.
    Config {
        /// `namespace/Kind/name`.
        target: String,
        /// Keys.
        keys: Vec<String>,
    },
    /// A node goes away.
    NodeDown {
        /// Which.
        node: String,
        /// Whether it starts anew when it comes back.
        #[serde(default)]
        reboot: bool,
    },
    /// A node comes back.
    NodeUp {
        /// Which.
        node: String,
    },
    /// A node is cordoned, or no longer.
    Cordon {
        /// Which.
        node: String,
        /// Cordoned or not.
        on: bool,
    },
    /// A namespace gets a quota.
    Quota {
        /// Which.
        namespace: String,
        /// Hard limits.
        hard: BTreeMap<String, String>,
    },
    /// A workload is deployed.
    Deploy {
        /// Which.
        workload: Box<Workload>,
    },
    /// Alerts fire for some time, whatever the world is like.
    Storm {
        /// Labels of each; `{n}` becomes its number.
        labels: BTreeMap<String, String>,
        /// Text of the annotation `summary`.
        #[serde(default)]
        summary: String,
        /// How many.
        #[serde(default = "one")]
        count: u32,
        /// Seconds until they are resolved.
        #[serde(deserialize_with = "seconds", rename = "for")]
        lasts: u64,
    },
    /// A fault holds for some time, or hits the next requests.
    Fault {
        /// Which.
        fault: Fault,
        /// Seconds; 0: use `count`.
        #[serde(deserialize_with = "seconds", rename = "for", default)]
        lasts: u64,
        /// How many requests.
        #[serde(default)]
        count: u32,
    },
    /// Somebody sets the stop annotation with kubectl; empty text: takes it away.
    StopAnnotation {
        /// Its text.
        text: String,
    },
}

impl Scenario {
    /// Names of the scenarios inside the binary.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        SHIPPED.iter().map(|(name, _)| *name).collect()
    }

    /// The scenario of a name.
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        let text =
            SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).ok_or_else(
                || ScenarioError::Unknown { name: name.into(), known: Self::names().join(", ") },
            )?;
        Self::parse(text)
    }

    /// Reads a scenario's text.
    pub fn parse(text: &str) -> Result<Self, ScenarioError> {
        let mut scenario: Self =
            toml::from_str(text).map_err(|error| ScenarioError::Malformed(error.to_string()))?;
        scenario.timeline.sort_by_key(|incident| incident.at);
        Ok(scenario)
    }
}

/// Seconds of `90s`, `25m` or `1h40m`.
pub(super) fn seconds<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
    let text = String::deserialize(from)?;
    text.split_inclusive(|c: char| c.is_ascii_alphabetic())
        .map(parse_duration)
        .try_fold(0_u64, |sum, part| part.map(|part| sum.saturating_add(part)))
        .map_err(serde::de::Error::custom)
}

fn deployment() -> String {
    "Deployment".into()
}

fn two() -> i64 {
    2
}

fn one() -> u32 {
    1
}

fn minute() -> u64 {
    60
}

fn applied_by() -> String {
    "kubectl-client-side-apply".into()
}

fn edited_by() -> String {
    "kubectl-edit".into()
}
