//! What PostgreSQL's errors mean for the caller: was anything written, and what should a person do.

use crate::ports::store::StoreError;
use sqlx::error::DatabaseError;

/// The five letters of an error that the server itself reported.
pub(super) fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(DatabaseError::code).map(std::borrow::Cow::into_owned)
}

/// An error of a read, or before anything was sent.
pub(super) fn before_commit(at: &str, error: &sqlx::Error) -> StoreError {
    let code = code(error).unwrap_or_default();
    match code.as_str() {
        "28000" | "28P01" => StoreError::Unavailable(format!(
            "{at}: the database refuses this role ({error}). Check store.url and store.password_file"
        )),
        "3D000" => StoreError::Unavailable(format!(
            "{at}: there is no such database ({error}). Make it, or correct store.url"
        )),
        "42501" => StoreError::Refused(format!(
            "{at}: this role may not do that ({error}). The README says which rights an engine's role and a person's have"
        )),
        "3F000" | "42P01" | "42883" => StoreError::Unavailable(format!(
            "{at} holds no store yet, or one of another release ({error}): start the engine once"
        )),
        "25006" => StoreError::Unavailable(format!(
            "{at} is read-only now, as a standby is ({error}); nothing was written. Point store.url at the primary"
        )),
        "53100" => StoreError::Unavailable(format!(
            "{at}: the server's disk is full; nothing was written ({error})"
        )),
        "53300" => {
            StoreError::Unavailable(format!("{at}: the server takes no more connections ({error})"))
        }
        "XX001" | "XX002" => StoreError::Corrupt(format!("{at} is damaged ({error})")),
        _ if code.starts_with("22") || code.starts_with("23") => {
            StoreError::Refused(format!("it breaks a rule of the store at {at} ({error})"))
        }
        // What a trigger of the site raises.
        "P0001" => StoreError::Refused(format!("the store at {at} refuses it ({error})")),
        _ => match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                StoreError::Corrupt(format!("{at}: {error}"))
            }
            sqlx::Error::Tls(_) => StoreError::Unavailable(format!(
                "{at}: the server could not be verified ({error}). See store.tls and store.ca_file"
            )),
            _ => StoreError::Unavailable(format!("{at}: {error}; nothing was written")),
        },
    }
}

/// An error of a statement that is a transaction by itself. What the server reports undid it; when the connection died,
/// or the server was told to end it, the statement may be committed or not.
pub(super) fn at_commit(at: &str, error: &sqlx::Error) -> StoreError {
    match code(error) {
        Some(code) if !code.starts_with("57P") && !code.starts_with("08") => {
            before_commit(at, error)
        }
        Some(_) | None => match error {
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Encode(_) => {
                before_commit(at, error)
            }
            _ => StoreError::Unknown(format!(
                "the connection to {at} ended within a write, and it may be written or not: read the head before \
                 going on ({error})"
            )),
        },
    }
}
