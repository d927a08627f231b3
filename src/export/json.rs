//! JSON, `"schema": "pilothouse/v1"`.

use crate::domain::report::Report;
use crate::domain::report::form::REPORT_SCHEMA;
use serde::Serialize;

/// A list: `{"schema", "items": []}`.
#[derive(Debug, Serialize)]
pub struct List<'a, T: Serialize> {
    /// Version of the form.
    pub schema: &'static str,
    /// The items.
    pub items: &'a [T],
}

/// One report, indented, with a line end.
///
/// # Errors
/// When a value in it has no JSON form.
pub fn report(report: &Report) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}

/// Any items as a list, indented, with a line end.
///
/// # Errors
/// When a value in them has no JSON form.
pub fn list<T: Serialize>(items: &[T]) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(&List { schema: REPORT_SCHEMA, items })? + "\n")
}
