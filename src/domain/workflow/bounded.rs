//! Items that are only found when their step begins: a rule, and the bound that was approved with it.
//!
//! Promises: what was approved is the rule, how many items at most, which ones never, and what is done to each; never
//! which items there were. Items outside of that are an error, and nothing is done to any.

use super::plan::{ActionClass, OnFailure, Risk};
use super::template::{Exclusion, Step, Template};
use crate::domain::evidence::Read;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How items are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// The pods of a node that have to move: not those of DaemonSets, of the kubelet's own files, those that ended and
    /// those that are going already.
    PodsOfNode {
        /// Its name.
        node: String,
    },
    /// Objects by their labels.
    Objects {
        /// `v1`, `apps/v1`, ….
        api_version: String,
        /// `Pod`, ….
        kind: String,
        /// Empty for cluster-scoped ones.
        namespace: String,
        /// Label selector, never empty.
        labels: String,
    },
}

impl Rule {
    /// What is read to find them.
    #[must_use]
    pub fn read(&self) -> Read {
        match self {
            Self::PodsOfNode { node } => Read::PodsOn { node: node.clone() },
            Self::Objects { api_version, kind, namespace, labels } => Read::List {
                api_version: api_version.clone(),
                kind: kind.clone(),
                namespace: namespace.clone(),
                labels: labels.clone(),
            },
        }
    }

    /// In words: `pods of node wk-03`.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::PodsOfNode { node } => format!("pods of node {node}"),
            Self::Objects { kind, namespace, labels, .. } if namespace.is_empty() => {
                format!("{kind}s with {labels}")
            }
            Self::Objects { kind, namespace, labels, .. } => {
                format!("{kind}s with {labels} in {namespace}")
            }
        }
    }
}

/// A rule with its bound, and what is done to each item. It holds the templates as they were when planning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bounded {
    /// How items are found.
    pub rule: Rule,
    /// More than this many are an error.
    pub at_most: u32,
    /// Items that are left out, each with why.
    pub exclude: Vec<Exclusion>,
    /// The item's name in expressions.
    pub name: String,
    /// What is done to each, as written.
    pub steps: Vec<Step>,
    /// The template that says so.
    pub template: Template,
    /// The templates that it may call.
    pub called: BTreeMap<String, Template>,
    /// What its expressions can use beside `diagnosis` and `target`.
    pub variables: BTreeMap<String, Value>,
    /// What a step does when it fails and does not say.
    pub on_failure: OnFailure,
    /// Its risk at least.
    pub risk: Risk,
    /// Whether any of it changes the cluster.
    pub mutates: bool,
    /// Permission classes that it needs.
    pub classes: Vec<ActionClass>,
}

impl Bounded {
    /// What it adds to a plan's digest.
    #[must_use]
    pub fn effect(&self) -> Value {
        let called = self.called.values().map(|called| &called.reference.digest);
        json!({
            "rule": self.rule,
            "at_most": self.at_most,
            "exclude": self.exclude,
            "steps": self.steps.iter().map(|step| &step.id).collect::<Vec<_>>(),
            "template": self.template.reference.digest,
            "called": called.collect::<Vec<_>>(),
            "variables": self.variables,
        })
    }
}
