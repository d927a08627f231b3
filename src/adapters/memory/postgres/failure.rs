//! What PostgreSQL's errors mean for memory: is it away, or there and of no use; and what should a person do.

use crate::ports::memory::MemoryError;
use sqlx::error::DatabaseError;

/// Its words for an error of the client library or the server.
pub(super) fn told(at: &str, error: &sqlx::Error) -> MemoryError {
    let code = error.as_database_error().and_then(DatabaseError::code);
    let code = code.map(std::borrow::Cow::into_owned).unwrap_or_default();
    let unusable = |why: String| MemoryError::Unusable(format!("{at}: {why}"));
    match code.as_str() {
        "28000" | "28P01" => unusable(format!(
            "the database refuses this role ({error}). Check user and password of vector_db.postgresql"
        )),
        "3D000" => unusable(format!("there is no such database ({error}). Make it")),
        "42501" => unusable(format!(
            "this role may not do that ({error}). It needs to own the database, or the schema pilothouse_memory with \
             the extension `vector` installed by an administrator"
        )),
        // No file of the extension, in words of several releases.
        "0A000" | "58P01" => unusable(format!(
            "pgvector is not installed on this server ({error}). Install it, then CREATE EXTENSION vector"
        )),
        "25006" => unusable(format!("it is read-only, as a standby is ({error})")),
        _ if is_gone(&code) => unusable(format!("its schema is not there any more ({error})")),
        _ if code.starts_with("22") || code.starts_with("23") || code.starts_with("42") => {
            unusable(format!("it refuses that ({error})"))
        }
        _ => match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                unusable(format!("it holds something unreadable ({error})"))
            }
            sqlx::Error::Tls(_) => unusable(format!(
                "the server could not be verified ({error}). See vector_db.postgresql.tls and ca_file"
            )),
            _ => MemoryError::Away(format!("{at}: {error}")),
        },
    }
}

/// Whether the tables or the type are missing: somebody dropped them, and they can be made again.
fn is_gone(code: &str) -> bool {
    matches!(code, "3F000" | "42P01" | "42704" | "42883")
}

/// The same of an error.
pub(super) fn schema_is_gone(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).is_some_and(|code| is_gone(&code))
}
