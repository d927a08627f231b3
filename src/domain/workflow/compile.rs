//! From a template, a diagnosis and live objects to a plan: a pure function over [`Gathered`].

use super::plan::Plan;
use super::template::Template;
use crate::domain::diagnosis::Diagnosis;
use crate::domain::evidence::{Gathered, Progress};
use crate::domain::id::ClusterId;
use crate::domain::policy::Policy;
use crate::domain::time::Timestamp;
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
    pub library: &'a super::template::Library,
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

/// Makes the plan, or says what still has to be read. Diffs are *computed* here; the engine's planner replaces them by
/// the server's previews and seals the digest.
pub fn compile(
    _request: &PlanRequest<'_>,
    _gathered: &Gathered,
) -> Result<Progress<Plan>, CompileError> {
    Ok(Progress::Need(Vec::new()))
}
