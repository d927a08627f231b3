//! Names, parameters, class and base risk of each action.

use super::{collect, resources, restart, roll_back};
use crate::domain::diagnosis::{Diagnosis, words};
use crate::domain::evidence::{Gathered, Progress};
use crate::domain::operation::Operation;
use crate::domain::resource::ObjectRef;
use crate::domain::time::Timestamp;
use crate::domain::workflow::plan::{ActionClass, Risk};
use serde_json::Value;
use std::collections::BTreeMap;

words!(
    /// Every action that there is.
    Action {
        /// Change requests and limits of one container of a workload.
        SetResources = "set_resources",
        /// Bring the pod template of an earlier revision back.
        RollBack = "roll_back",
        /// Restart all pods of a workload, as its strategy says.
        RestartWorkload = "restart_workload",
        /// Read and keep what a person needs to see later.
        CollectDiagnostics = "collect_diagnostics",
    }
);

/// Type of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// Any text.
    Text,
    /// A Kubernetes quantity (`768Mi`, `500m`), or a number of bytes.
    Quantity,
    /// A whole number.
    Number,
}

/// One parameter of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Name.
    pub name: &'static str,
    /// Type.
    pub kind: ParamKind,
    /// Whether it must be given.
    pub required: bool,
    /// In words.
    pub describe: &'static str,
}

/// What an action is compiled from.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// What it acts on.
    pub target: &'a ObjectRef,
    /// Its parameters; names and types were checked.
    pub params: &'a BTreeMap<String, Value>,
    /// What was read so far.
    pub gathered: &'a Gathered,
    /// What is wrong.
    pub diagnosis: &'a Diagnosis,
    /// When.
    pub now: Timestamp,
}

/// One operation, and what takes it back.
#[derive(Debug, Clone, PartialEq)]
pub struct Effect {
    /// The operation.
    pub operation: Operation,
    /// `None`: nothing needs to, or nothing can.
    pub undo: Option<Operation>,
}

/// What an action comes down to.
#[derive(Debug, Clone, PartialEq)]
pub struct Compiled {
    /// Its operations, in order.
    pub effects: Vec<Effect>,
    /// In a few words: `raise memory limit of app 512Mi → 768Mi`.
    pub title: String,
    /// How it is undone, in words.
    pub undo: String,
    /// What else a person should know.
    pub notes: Vec<String>,
    /// Whether the pods of the target are replaced.
    pub rolls_pods: bool,
}

impl Action {
    /// Permission that it needs.
    #[must_use]
    pub fn class(self) -> ActionClass {
        match self {
            Self::SetResources => ActionClass::Limits,
            Self::RollBack | Self::RestartWorkload => ActionClass::Restart,
            Self::CollectDiagnostics => ActionClass::Collect,
        }
    }

    /// Risk before template and policy raise it.
    #[must_use]
    pub fn risk(self) -> Risk {
        match self {
            Self::SetResources | Self::RollBack | Self::RestartWorkload => Risk::Medium,
            Self::CollectDiagnostics => Risk::Low,
        }
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::SetResources => resources::PARAMETERS,
            Self::RollBack => roll_back::PARAMETERS,
            Self::RestartWorkload | Self::CollectDiagnostics => &[],
        }
    }

    /// What it comes down to, or what still has to be read.
    ///
    /// # Errors
    /// Why it can't be done safely, in a sentence.
    pub fn compile(self, context: &Context<'_>) -> Result<Progress<Compiled>, String> {
        match self {
            Self::SetResources => resources::compile(context),
            Self::RollBack => roll_back::compile(context),
            Self::RestartWorkload => restart::compile(context),
            Self::CollectDiagnostics => Ok(collect::compile(context)),
        }
    }
}
