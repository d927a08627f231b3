//! What a plan is made of, and why none could be made.

use crate::domain::diagnosis::Diagnosis;
use crate::domain::id::ClusterId;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
use crate::domain::workflow::template::{Library, Template};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a plan is made of.
#[derive(Debug)]
pub struct PlanRequest<'a> {
    /// On which cluster.
    pub cluster: &'a ClusterId,
    /// What is wrong.
    pub diagnosis: &'a Diagnosis,
    /// All templates, for subflows.
    pub library: &'a Library,
    /// The chosen one.
    pub template: &'a Template,
    /// Parameters that a person set.
    pub overrides: &'a BTreeMap<String, Value>,
    /// Rules for risk and times.
    pub policy: &'a Policy,
    /// When.
    pub now: Timestamp,
}

/// Why no plan could be made: which step or parameter, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("template {template}, {place}: {why}")]
pub struct CompileError {
    /// Name of the template.
    pub template: String,
    /// Step path, parameter or section.
    pub place: String,
    /// Why.
    pub why: String,
}
