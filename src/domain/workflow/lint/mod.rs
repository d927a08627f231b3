//! Lint: everything that is wrong or odd about a template, each at its line and column.
//!
//! Promises: says at least all that keeps the template from loading (YAML, unknown keys, types, CEL with unknown
//! variables and functions, unknown actions and parameters, limits that can't hold, duplicate ids, missing `verify`,
//! subflows that don't exist or call each other in a circle), and beside that what is odd: steps never reached, unused
//! parameters, values that no rule gives, nothing said about undo.
//! Absent: types inside expressions; they show when the template is planned.

mod check;

pub use check::lint;

#[cfg(test)]
mod tests;
