//! From a template, a diagnosis and live objects to a plan: a pure function over
//! [`Gathered`](crate::domain::evidence::Gathered).
//!
//! Promises: the same input gives the same plan with the same digest; everything that a step would do is known before
//! it starts, or the plan is not made; a limit that does not hold, an action that can't be done and a value that can't
//! be told are errors that name the place. Diffs are *computed* here; the engine's planner replaces them by the
//! server's previews.
//! Absent: choosing a template (see `Library::choose`), asking the server.
//!
//! Reading order: `request`, `variables`, `parameters`, `project`, `at`, `steps`, `blocks`, `for_each`, `kept`, `blast`, `pods`,
//! `room`, `plan`.

mod at;
mod blast;
mod blocks;
mod claims;
mod for_each;
mod kept;
mod parameters;
mod plan;
mod pods;
mod project;
mod request;
pub(crate) mod room;
mod steps;
mod variables;

pub use for_each::{ItemsRequest, items_now};
pub use parameters::{Open, open_parameters, values_with};
pub use plan::compile;
pub use request::{CompileError, PlanRequest};

pub(crate) use variables::{diagnosis_variable, target_variable};

#[cfg(test)]
mod tests;
