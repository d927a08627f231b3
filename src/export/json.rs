//! JSON, `"schema": "pilothouse/v1"`.

use serde::Serialize;

/// A report, indented, with a line end.
///
/// # Errors
/// When a value in it has no JSON form.
pub fn document<T: Serialize>(report: &T) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(report)? + "\n")
}
