//! Lint: everything that is wrong or odd about a template, each at its line and column.
//!
//! Promises: says at least all that keeps the template from loading (YAML, unknown keys, types, CEL with unknown
//! variables and functions, unknown actions and parameters, limits that can't hold, duplicate ids, missing `verify`,
//! subflows that don't exist or call each other in a circle, types in expressions that can't be), and beside that what is
//! odd: steps and arms never reached, conditions that are always or never true, unused parameters, values that no rule
//! gives, nothing said about undo, times that can't hold.
//! Absent: types of what only the cluster knows; they show when the template is planned.

mod check;

pub use check::lint;

#[cfg(test)]
mod tests;
