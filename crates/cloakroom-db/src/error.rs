//! sqlx's errors as core's, once: what is surely not done, and what may be.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use cloakroom_core::{Error, ErrorKind};

use crate::dialect::Dialect;

const FOREIGN: &str = "a row of the session table was not written by this library";
pub(crate) const NO_TABLE: &str = "the session table is missing: run migrate";
pub(crate) const OTHER_TABLE: &str =
    "the session table has other columns than this library's: choose another name for it";
pub(crate) const NO_RIGHT: &str = "the database's user has no right to do this to the session table";
pub(crate) const STALE: &str = "the session table was changed since: this connection begins anew";

/// What a database's error means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// The id has a row already. Nothing was done.
    Taken,
    /// A setting is wrong, of the database's or the application's. Nothing was done.
    Misconfigured(&'static str),
    /// A value is longer than the database takes. Nothing was done.
    TooLarge(&'static str),
    /// Nothing was done; it may work later.
    Refused,
    /// Nothing was done, and this connection will never do it: its statements are gone.
    Stale(&'static str),
    /// It may have been done, and the connection is at its end.
    Unsure,
}

impl Verdict {
    /// Nothing more can be asked on the connection that it came on.
    pub(crate) fn ends_connection(self) -> bool {
        matches!(self, Self::Unsure | Self::Stale(_))
    }
}

impl Dialect {
    pub(crate) fn judge(&self, error: &sqlx::Error) -> Verdict {
        error.as_database_error().map_or(Verdict::Unsure, self.verdict)
    }
}

/// The row is none of ours.
pub(crate) fn foreign() -> Error {
    Error::new(ErrorKind::Corrupt, FOREIGN)
}

/// A column holds something else.
pub(crate) fn while_decoding(source: sqlx::Error) -> Error {
    Error::caused(ErrorKind::Corrupt, FOREIGN, source)
}

/// A read changes nothing: whatever went wrong, asking again is safe.
pub(crate) fn while_reading(verdict: Verdict, source: sqlx::Error) -> Error {
    answer(verdict, source).unwrap_or_else(unavailable)
}

/// A write that the database has refused is surely not done; of one whose answer never came, nobody knows.
pub(crate) fn while_writing(verdict: Verdict, source: sqlx::Error) -> Error {
    answer(verdict, source).unwrap_or_else(|source| unanswered(told(source)))
}

/// Nobody knows what came of a write.
pub(crate) fn unanswered(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
    let message = "the session database did not say whether it stored the session";
    Error::caused(ErrorKind::Unknown, message, source)
}

/// Before its turn came nothing was sent.
pub(crate) fn too_busy() -> Error {
    Error::new(ErrorKind::Unavailable, "the session database has more to do than it can in time")
}

/// While nothing has been sent yet.
pub(crate) fn while_connecting(url: &str, source: sqlx::Error) -> Error {
    let message = match &source {
        sqlx::Error::PoolClosed => format!("the session database {url:?} has been closed"),
        sqlx::Error::PoolTimedOut => format!("no connection to the session database {url:?} in time"),
        _ => format!("no connection to the session database {url:?}"),
    };
    Error::caused(ErrorKind::Unavailable, message, told(source))
}

/// At the start, when nothing is served yet, and a wrong setting is likelier than an outage.
pub(crate) fn while_opening(url: &str, verdict: Verdict, source: sqlx::Error) -> Error {
    let message = match (&source, verdict) {
        (_, Verdict::Misconfigured(why)) => format!("the session database {url:?}: {why}"),
        (sqlx::Error::Io(trouble), _) if trouble.kind() == io::ErrorKind::InvalidData => {
            format!("the session database {url:?}: its certificate is not accepted")
        }
        (sqlx::Error::Database(_) | sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut, _) => {
            return while_connecting(url, source);
        }
        _ => format!("the session database {url:?} can't be opened"),
    };
    Error::caused(ErrorKind::Misconfigured, message, told(source))
}

/// The error, if it is sure that nothing was done.
fn answer(verdict: Verdict, source: sqlx::Error) -> Result<Error, sqlx::Error> {
    Ok(match verdict {
        Verdict::Unsure => return Err(source),
        Verdict::Misconfigured(why) => Error::caused(ErrorKind::Misconfigured, why, told(source)),
        Verdict::TooLarge(why) => Error::caused(ErrorKind::TooLarge, why, told(source)),
        Verdict::Stale(why) => Error::caused(ErrorKind::Unavailable, why, told(source)),
        Verdict::Taken | Verdict::Refused => unavailable(source),
    })
}

fn unavailable(source: sqlx::Error) -> Error {
    Error::caused(ErrorKind::Unavailable, "the session database is not available", told(source))
}

/// What a database said, as far as it may be shown: a constraint's detail, say, holds the whole row.
pub(crate) fn told(error: sqlx::Error) -> Box<dyn StdError + Send + Sync> {
    match error.as_database_error() {
        None => error.into(),
        Some(refusal) => {
            let code = refusal.code().unwrap_or_default();
            // MySQL ends some of its messages with the value that it could not take.
            let message = refusal.message().split(": '").next().unwrap_or_default();
            Box::new(Told(format!("{message} ({code})")))
        }
    }
}

#[derive(Debug)]
struct Told(String);

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Told {}
