//! What an action is, apart from how it compiles: what policy, cards, lint and the README's table need to know of it.

use super::parameter::ActionParameter;
use super::request::{ActionError, ActionRequest, Compiled};
use crate::domain::evidence::Progress;
use crate::domain::workflow::plan::{ActionClass, Risk};

/// Turns a request into operations, or says what has to be read first.
pub type Compile = fn(&ActionRequest<'_>) -> Result<Progress<Compiled>, ActionError>;

/// See the module. One constant `SPEC` in each action's file.
#[derive(Debug)]
pub struct ActionSpec {
    /// Permission that it needs.
    pub class: ActionClass,
    /// How much harm it can do, at least.
    pub risk: Risk,
    /// Whether it changes the cluster.
    pub mutates: bool,
    /// Whether what it did can be taken back.
    pub undoable: bool,
    /// Seconds that one try may take.
    pub timeout_s: u64,
    /// What it does, in a sentence.
    pub describe: &'static str,
    /// How it is undone, for the catalogue's table.
    pub undone_by: &'static str,
    /// What it needs on the cluster beyond the core API, and what it says when that is missing; empty: nothing.
    pub needs: &'static str,
    /// Its parameters.
    pub parameters: &'static [ActionParameter],
    /// What it comes down to.
    pub compile: Compile,
}
