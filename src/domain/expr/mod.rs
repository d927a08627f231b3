//! Conditions: CEL with sorted maps and size limits.

use serde_json::Value;
use std::collections::BTreeMap;

/// Why an expression can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExprError {
    /// Line within the expression, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

/// Evaluates an expression to a value.
pub fn eval(_source: &str, _variables: &BTreeMap<String, Value>) -> Result<Value, ExprError> {
    Err(ExprError { line: 1, column: 1, message: String::new() })
}

/// Evaluates an expression that must be true or false.
pub fn holds(_source: &str, _variables: &BTreeMap<String, Value>) -> Result<bool, ExprError> {
    Err(ExprError { line: 1, column: 1, message: String::new() })
}
