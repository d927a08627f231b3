//! Conditions: CEL over JSON, with sorted maps and limits.
//!
//! Promises: the same source and variables always give the same value (maps are walked in key order, though the
//! crate's maps are unordered); source, nesting and input sizes are bounded, and comprehensions don't nest, so that
//! evaluation ends in time linear in the input; every error says where in the source it is. Only this module names
//! the `cel` crate.
//! Absent: a clock, randomness, anything that looks outside the variables handed in.
//!
//! Reading order: `error`, `limits`, `room`, `program`, `value`, `functions`, `evaluate`, `references`, `kinds`, `interpolate`.

mod error;
mod evaluate;
mod functions;
mod interpolate;
mod kinds;
mod limits;
mod program;
mod references;
mod room;
mod syntax;
mod value;

pub use error::ExprError;
pub use evaluate::{check, eval, holds};
pub use interpolate::{Piece, escape_promql, interpolate, pieces};
pub use kinds::{Finding, Kinds, Severity, Type, kinds};
pub use limits::{MAX_DEPTH, MAX_INPUT_BYTES, MAX_INPUT_NODES, MAX_SOURCE};
pub use references::{Reference, references};
pub use room::in_one_room;

#[cfg(test)]
mod tests;
