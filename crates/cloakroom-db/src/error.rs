//! sqlx's errors as core's, once: what is surely not done, and what may be.

use cloakroom_core::{Error, ErrorKind};

const FOREIGN: &str = "a row of the session table was not written by this library";

/// The row is none of ours.
pub(crate) fn foreign() -> Error {
    Error::new(ErrorKind::Corrupt, FOREIGN)
}

/// A read changes nothing: whatever went wrong, asking again is safe.
pub(crate) fn while_reading(source: sqlx::Error) -> Error {
    match source {
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnIndexOutOfBounds { .. } => {
            Error::caused(ErrorKind::Corrupt, FOREIGN, source)
        }
        _ => missing_table(source).unwrap_or_else(unavailable),
    }
}

/// A write that the database has refused is surely not done; of one whose answer never came, nobody knows.
pub(crate) fn while_writing(source: sqlx::Error) -> Error {
    let refused = match &source {
        sqlx::Error::Database(refusal) => !is_broken_disk(refusal.code().as_deref()),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => true,
        _ => false,
    };
    if refused {
        missing_table(source).unwrap_or_else(unavailable)
    } else {
        Error::caused(
            ErrorKind::Unknown,
            "the session database did not say whether it stored the session",
            source,
        )
    }
}

/// At the start, when nothing is served yet.
pub(crate) fn while_opening(url: &str, source: sqlx::Error) -> Error {
    match &source {
        sqlx::Error::Database(refusal) if is_locked(refusal.code().as_deref()) => {
            let message = format!("the session database {url:?} is locked by another process");
            Error::caused(ErrorKind::Unavailable, message, source)
        }
        sqlx::Error::PoolTimedOut => {
            let message = format!("the session database {url:?} does not answer");
            Error::caused(ErrorKind::Unavailable, message, source)
        }
        _ => {
            let message = format!("the session database {url:?} can't be opened");
            Error::caused(ErrorKind::Misconfigured, message, source)
        }
    }
}

fn unavailable(source: sqlx::Error) -> Error {
    Error::caused(ErrorKind::Unavailable, "the session database is not available", source)
}

fn missing_table(source: sqlx::Error) -> Result<Error, sqlx::Error> {
    match &source {
        sqlx::Error::Database(refusal) if refusal.message().starts_with("no such table") => {
            let message = "the session table is missing: run migrate";
            Ok(Error::caused(ErrorKind::Misconfigured, message, source))
        }
        _ => Err(source),
    }
}

/// SQLite's primary result code: the low byte of the extended one.
fn primary(code: Option<&str>) -> Option<u32> {
    code?.parse::<u32>().ok().map(|code| code & 0xff)
}

/// `SQLITE_BUSY`, `SQLITE_LOCKED`
fn is_locked(code: Option<&str>) -> bool {
    matches!(primary(code), Some(5 | 6))
}

/// `SQLITE_IOERR`: it may have failed after the write had reached the log.
fn is_broken_disk(code: Option<&str>) -> bool {
    primary(code) == Some(10)
}
