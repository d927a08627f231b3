//! All actions: the closed list, and where each is described.

use super::request::{ActionError, ActionRequest, Compiled};
use super::spec::ActionSpec;
use super::{collect, restart, roll_back, set_resources};
use crate::domain::diagnosis::words;
use crate::domain::evidence::Progress;
use std::ops::Deref;

words!(
    /// An action of the catalogue. What it is stands in its [`ActionSpec`], in its own file; an action dereferences
    /// to it.
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
    /// What it is.
    #[must_use]
    pub fn spec(self) -> &'static ActionSpec {
        match self {
            Self::SetResources => &set_resources::SPEC,
            Self::RollBack => &roll_back::SPEC,
            Self::RestartWorkload => &restart::SPEC,
            Self::CollectDiagnostics => &collect::SPEC,
        }
    }
}

impl Deref for Action {
    type Target = ActionSpec;

    fn deref(&self) -> &ActionSpec {
        self.spec()
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
        if !action.parameters.iter().any(|known| known.name == given) {
            return Err(ActionError(format!("{action} has no parameter `{given}`")));
        }
    }
    for known in action.parameters {
        match request.params.get(known.name).filter(|value| !value.is_null()) {
            Some(value) => known.accepts(value).map_err(ActionError)?,
            None if known.required => {
                return Err(ActionError(format!("{action} needs `{}`", known.name)));
            }
            None => {}
        }
    }
    (action.compile)(request)
}
