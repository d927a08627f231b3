//! Templates as people write them: YAML and CEL, checked as a whole before any of it is used.
//!
//! Promises: a template loads completely or not at all, every problem with file, line, column and, where there is one,
//! what to write instead; one that does not load is reported and the rest still work. What a template may do is
//! bounded by the catalogue of actions.
//! Absent: a free graph of steps, code, anything that reads while loading.
//!
//! Reading order: `yaml`, `problem`, `excerpt`, `model`, `reading`, `scope`, `typing`, `parameters`, `steps`, `does`, `blocks`,
//! `for_each`, `hints`, `timing`, `parse`, `subflows`, `definition`, `definition_steps`, `examples`, `shipped`, `library`.

mod blocks;
mod definition;
mod definition_steps;
mod does;
mod examples;
mod excerpt;
mod for_each;
mod hints;
mod library;
mod model;
mod parameters;
mod parse;
mod problem;
mod reading;
mod scope;
mod shipped;
mod steps;
mod subflows;
mod timing;
mod typing;
mod yaml;

pub use definition::{Definition, is_definition};
pub use examples::EXAMPLES;
pub use library::Library;
pub use model::{
    Argument, Arm, Bound, Call, Does, Exclusion, ForEach, Given, Items, Matching, MeasureSpec,
    Parameter, ParameterKind, Step, Template, Verify, Wait, WaitObject,
};
pub use problem::Problem;
pub use yaml::{MAX_BYTES, Place};

pub(crate) use definition::parse_definition;
pub(crate) use parse::parse;
pub(crate) use steps::in_conditions;
pub(crate) use subflows::{MAX_DEPTH, problems_of};
pub(crate) use timing::timing_of;

#[cfg(test)]
mod definition_tests;
#[cfg(test)]
mod tests;
