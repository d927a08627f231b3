//! All actions, and what each is.

use super::parameter::{ActionParameter, ActionParameterKind};
use super::request::{ActionError, ActionRequest, Compiled};
use super::{collect, restart, roll_back, set_resources};
use crate::domain::diagnosis::words;
use crate::domain::evidence::Progress;
use crate::domain::workflow::plan::{ActionClass, Risk};

words!(
    /// An action of the catalogue.
    Action {
        /// Change requests and limits of one container.
        SetResources = "set_resources",
        /// Go back to an earlier revision.
        RollBack = "roll_back",
        /// Replace all pods, as the workload's strategy has it.
        RestartWorkload = "restart_workload",
        /// Read and keep what tells how things stood.
        CollectDiagnostics = "collect_diagnostics",
    }
);

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

    /// How much harm it can do.
    #[must_use]
    pub fn risk(self) -> Risk {
        match self {
            Self::SetResources | Self::RollBack | Self::RestartWorkload => Risk::Medium,
            Self::CollectDiagnostics => Risk::Low,
        }
    }

    /// Whether it changes the cluster.
    #[must_use]
    pub fn mutates(self) -> bool {
        match self {
            Self::SetResources | Self::RollBack | Self::RestartWorkload => true,
            Self::CollectDiagnostics => false,
        }
    }

    /// Whether what it did can be taken back.
    #[must_use]
    pub fn undoable(self) -> bool {
        match self {
            Self::SetResources | Self::RollBack => true,
            Self::RestartWorkload | Self::CollectDiagnostics => false,
        }
    }

    /// Seconds that one try may take.
    #[must_use]
    pub fn timeout_s(self) -> u64 {
        match self {
            Self::SetResources
            | Self::RollBack
            | Self::RestartWorkload
            | Self::CollectDiagnostics => 60,
        }
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::SetResources => {
                "Sets requests and limits of one container of a Deployment, StatefulSet or DaemonSet; its pods roll."
            }
            Self::RollBack => {
                "Puts the pod template of an earlier revision back; the pods of the workload roll."
            }
            Self::RestartWorkload => "Replaces all pods, a few at a time as the strategy has it.",
            Self::CollectDiagnostics => {
                "Reads objects, events and logs and keeps them; changes nothing."
            }
        }
    }

    /// How it is undone, for the catalogue's table.
    #[must_use]
    pub fn undone_by(self) -> &'static str {
        match self {
            Self::SetResources => "the prior values, while the fields still hold ours",
            Self::RollBack => "the pod template from before, while it still is the one put back",
            Self::RestartWorkload => "can't be undone: the pods that ran are gone",
            Self::CollectDiagnostics => "nothing to undo",
        }
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(self) -> &'static [ActionParameter] {
        use ActionParameterKind::{Cpu, Memory, Revision, Text};
        const fn one(
            name: &'static str,
            kind: ActionParameterKind,
            required: bool,
            describe: &'static str,
        ) -> ActionParameter {
            ActionParameter { name, kind, required, describe }
        }
        match self {
            Self::SetResources => {
                &const {
                    [
                        one("container", Text, true, "name of the container"),
                        one("memory_limit", Memory, false, "new memory limit"),
                        one("memory_request", Memory, false, "new memory request"),
                        one("cpu_limit", Cpu, false, "new CPU limit"),
                        one("cpu_request", Cpu, false, "new CPU request"),
                    ]
                }
            }
            Self::RollBack => {
                &const {
                    [one(
                        "revision",
                        Revision,
                        true,
                        "{kind, name, uid} of the ReplicaSet or ControllerRevision",
                    )]
                }
            }
            Self::RestartWorkload | Self::CollectDiagnostics => &[],
        }
    }
}

/// What the action comes down to, or what has to be read first.
///
/// # Errors
/// Why it can't be done to this target with these parameters.
pub fn compile(
    action: Action,
    request: &ActionRequest<'_>,
) -> Result<Progress<Compiled>, ActionError> {
    for given in request.params.keys() {
        if !action.parameters().iter().any(|known| known.name == given) {
            return Err(ActionError(format!("{action} has no parameter `{given}`")));
        }
    }
    for known in action.parameters() {
        match request.params.get(known.name).filter(|value| !value.is_null()) {
            Some(value) => known.accepts(value).map_err(ActionError)?,
            None if known.required => {
                return Err(ActionError(format!("{action} needs `{}`", known.name)));
            }
            None => {}
        }
    }
    match action {
        Action::SetResources => set_resources::compile(request),
        Action::RollBack => roll_back::compile(request),
        Action::RestartWorkload => restart::compile(request),
        Action::CollectDiagnostics => collect::compile(request),
    }
}
