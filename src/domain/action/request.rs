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

impl<'a> ActionRequest<'a> {
    /// A parameter that was given.
    pub(super) fn param(&self, name: &str) -> Option<&'a Value> {
        self.params.get(name).filter(|value| !value.is_null())
    }

    /// A text that was given.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.param(name).and_then(Value::as_str)
    }

    /// A whole number that was given.
    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        self.param(name).and_then(Value::as_i64)
    }

    /// Whether a flag was given as true.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.param(name).and_then(Value::as_bool).unwrap_or(false)
    }
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
    /// Seconds after the change before its failure would show; 0: at once.
    pub shows_after_s: u64,
}

impl Compiled {
    /// Operations with their words, and nothing to say about them yet.
    pub(super) fn new(title: String, operations: Vec<Operation>, undo: String) -> Self {
        Self {
            operations,
            title,
            undo,
            notes: Vec::new(),
            unknown: Vec::new(),
            blockers: Vec::new(),
            shows_after_s: 0,
        }
    }
}

/// Why an action can't be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ActionError(pub String);
