//! What SQLite's errors mean for the caller: was anything written, and what should a person do.

use crate::ports::store::StoreError;
use sqlx::error::DatabaseError;
use std::path::Path;

const BUSY: i32 = 5;
const LOCKED: i32 = 6;
const READONLY: i32 = 8;
const IOERR: i32 = 10;
const CORRUPT: i32 = 11;
const FULL: i32 = 13;
const CANTOPEN: i32 = 14;
const CONSTRAINT: i32 = 19;
const NOTADB: i32 = 26;
/// An extended code: a write was refused, other than for want of room (a quota, a limit on file sizes).
const IOERR_WRITE: i32 = 0x30A;

/// SQLite's extended result code, if the error came from there.
fn extended_code(error: &sqlx::Error) -> Option<i32> {
    error.as_database_error().and_then(DatabaseError::code)?.parse().ok()
}

/// SQLite's primary result code, if the error came from there.
fn code(error: &sqlx::Error) -> Option<i32> {
    extended_code(error).map(|extended| extended & 0xff)
}

/// Whether another connection's lock was in the way.
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    matches!(code(error), Some(BUSY | LOCKED))
}

/// An error before anything was committed, or while reading.
pub(super) fn before_commit(path: &Path, error: &sqlx::Error) -> StoreError {
    let at = path.display();
    match code(error) {
        Some(BUSY | LOCKED) => StoreError::Unavailable(format!(
            "another process keeps {at} locked; nothing was written. \
             `fuser {at}` says which, if it does not end by itself ({error})"
        )),
        Some(READONLY) => StoreError::Unavailable(format!(
            "{at} can't be written; nothing was written. Check the owner and mode of the file and its directory, \
             and how its file system is mounted ({error})"
        )),
        Some(FULL) => StoreError::Unavailable(format!(
            "there is no room for {at}: the disk or a quota is full; nothing was written. Free some space ({error})"
        )),
        Some(CANTOPEN) => StoreError::Unavailable(format!(
            "{at} or the files -wal and -shm beside it can't be opened. \
             Check the owner and mode of the file and its directory ({error})"
        )),
        Some(IOERR) => StoreError::Unavailable(format!(
            "reading or writing {at} failed; nothing was written. \
             Look at the disk, at quotas and limits on file sizes, and at the kernel's log ({error})"
        )),
        Some(CORRUPT) => StoreError::Corrupt(format!(
            "{at} is damaged ({error}). Keep a copy of it and of its -wal file, then restore a backup"
        )),
        Some(NOTADB) => StoreError::Corrupt(format!("{at} is no SQLite file ({error})")),
        Some(CONSTRAINT) => {
            StoreError::Refused(format!("it breaks a rule of the store in {at} ({error})"))
        }
        Some(_) | None => match error {
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
                StoreError::Corrupt(format!("{at}: {error}"))
            }
            _ => StoreError::Unavailable(format!("{at}: {error}; nothing was written")),
        },
    }
}

/// An error at COMMIT.
///
/// A lock in the way leaves the transaction open; a refused write leaves it without its last frame, whose checksum
/// makes it count. Neither can come back to life. After anything else (above all a failed sync) the bytes may be on
/// the disk or not.
pub(super) fn at_commit(path: &Path, error: &sqlx::Error) -> StoreError {
    match (code(error), extended_code(error)) {
        (Some(BUSY | LOCKED | FULL | READONLY), _) | (_, Some(IOERR_WRITE)) => {
            before_commit(path, error)
        }
        _ => StoreError::Unknown(format!(
            "committing to {} failed, and it may be written or not: read the head before going on ({error})",
            path.display()
        )),
    }
}
