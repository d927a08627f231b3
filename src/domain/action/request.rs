//! What an action is compiled from, and what it compiles to.

use crate::domain::diagnosis::Diagnosis;
use crate::domain::evidence::Gathered;
use crate::domain::operation::Operation;
use crate::domain::resource::ObjectRef;
use serde_json::Value;
use std::collections::BTreeMap;

/// What an action is compiled from.
#[derive(Debug, Clone, Copy)]
pub struct ActionRequest<'a> {
    /// What it acts on.
    pub target: &'a ObjectRef,
    /// What is wrong.
    pub diagnosis: &'a Diagnosis,
    /// Its parameters, resolved.
    pub params: &'a BTreeMap<String, Value>,
    /// What was read.
    pub gathered: &'a Gathered,
}

/// What an action comes down to.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// Operations, in order.
    pub operations: Vec<Operation>,
    /// In a few words: `raise memory limit of app 512Mi → 1Gi`.
    pub title: String,
    /// How it is undone, or that it can't be, in words.
    pub undo: String,
    /// What an operator should know beforehand, in sentences.
    pub notes: Vec<String>,
    /// What it depends on and could not be found out.
    pub unknown: Vec<String>,
    /// Why it can't work as things are.
    pub blockers: Vec<String>,
}

/// Why an action can't be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ActionError(pub String);
