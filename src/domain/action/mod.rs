//! The catalogue: the only operations on a cluster that a template can ask for.
//!
//! Promises: an action is only the knowledge of *which* operations on *which* objects; it compiles to them from what
//! was read, with the prior value of everything it touches, or says in a sentence why it can't. Nothing here sends.
//! To add one: an arm of [`Action`], a file with its [`ActionSpec`] and `compile`, a golden test.
//! Absent: free commands, actions that only look as if they did something.
//!
//! Reading order: `catalogue`, `spec`, `request`, `parameter`, `workload`, `leaving`, then one file per action.

mod allowed;
mod audit_logs;
mod budget;
mod catalogue;
mod claim;
mod collect;
mod debug_mode;
mod failed_pods;
mod finalizer;
mod heap_dump;
pub mod leaving;
mod migrate;
mod network_components;
mod network_policy;
mod node;
mod optimise;
mod ordered;
mod parameter;
mod pod;
mod probe;
mod quarantine;
mod request;
mod restart;
mod roll_back;
mod rollout;
mod rotate_secret;
mod run_job;
mod scale;
mod service;
mod set_resources;
mod silence;
mod site;
mod spec;
mod suspend_sync;
mod workload;

pub use catalogue::{Action, compile, ends_with_case};
pub use node::CORDON_ANNOTATION;
pub use parameter::{ActionParameter, ActionParameterKind};
pub use quarantine::QUARANTINE_LABEL;
pub use request::{ActionError, ActionRequest, Compiled};
pub use spec::ActionSpec;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
