//! The driver's errors as core's, once: what is surely not done, and what may be.

use std::error::Error as StdError;
use std::sync::Arc;

use cloakroom_core::{Error, ErrorKind};
use redis::{RedisError, ServerErrorKind};

use super::value::foreign;

/// Why a request has no answer.
pub(super) enum Failure {
    /// The server has refused it: surely not done.
    Refused(RedisError),
    /// It was sent, or may have been, and no answer came.
    Lost(Option<RedisError>),
    /// It was not sent.
    Unsent(Error),
    /// It was done, and does not count yet.
    Undecided(Error),
}

impl Failure {
    /// Of something that changes nothing: asking again is safe.
    pub(super) fn while_reading(self) -> Error {
        match self {
            Self::Refused(refusal) => refused(&refusal),
            Self::Lost(source) => caused(ErrorKind::Unavailable, "the session cache did not answer", source),
            Self::Unsent(error) | Self::Undecided(error) => error,
        }
    }

    /// Of something that may have been done.
    pub(super) fn while_writing(self) -> Error {
        match self {
            Self::Refused(refusal) => refused(&refusal),
            Self::Lost(source) => {
                let message = "the session cache did not say whether it stored the session";
                caused(ErrorKind::Unknown, message, source)
            }
            Self::Unsent(error) | Self::Undecided(error) => error,
        }
    }
}

/// Nothing was sent.
pub(super) fn too_busy() -> Error {
    Error::new(ErrorKind::Unavailable, "the session cache has more to do than it can in time")
}

fn caused(kind: ErrorKind, message: &'static str, source: Option<RedisError>) -> Error {
    match source {
        None => Error::new(kind, message),
        Some(source) => Error::caused(kind, message, source),
    }
}

/// A server's refusal, by its code. The rest of its text may quote the command, and so an id.
fn refused(refusal: &RedisError) -> Error {
    let code = refusal.code().unwrap_or("ERR");
    let kind = match code {
        "WRONGTYPE" => return foreign(),
        "NOAUTH" | "NOPERM" | "WRONGPASS" => ErrorKind::Misconfigured,
        _ => ErrorKind::Unavailable,
    };
    Error::new(kind, format!("the session cache refuses: {code}"))
}

/// Whether a driver's error is a refusal of the server's, sorted by the driver of a Cluster. It answers
/// requests that are under way with why it could not learn the slots, too, but none of these comes of that.
pub(super) fn is_refusal(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly, TryAgain};
    matches!(
        error.kind(),
        redis::ErrorKind::Server(Ask | BusyLoading | ClusterDown | MasterDown | Moved | ReadOnly | TryAgain)
    )
}

/// Before anything is connected.
pub(super) fn while_configuring(shown: &str, source: RedisError) -> Error {
    let message = format!("the cache URL {shown:?} or its certificates can't be used");
    Error::caused(ErrorKind::Misconfigured, message, source)
}

/// Of a server that was to be connected to.
pub(super) fn while_connecting(shown: &str, source: RedisError) -> Error {
    let (kind, trouble) = if is_refused_login(&source) {
        (ErrorKind::Misconfigured, "refuses the user, the password or the database")
    } else if is_distrusted(&source) {
        (ErrorKind::Misconfigured, "has a certificate that is not trusted")
    } else if source.kind() == redis::ErrorKind::MasterNameNotFoundBySentinel {
        (ErrorKind::Unavailable, "knows no living primary of this service")
    } else {
        (ErrorKind::Unavailable, "can't be reached")
    };
    Error::caused(kind, format!("the session cache {shown:?} {trouble}"), source)
}

fn is_refused_login(error: &RedisError) -> bool {
    let code = error.code().unwrap_or_default();
    // While it connects the driver expects no refusal other than to log in and to choose a database.
    error.kind() == redis::ErrorKind::AuthenticationFailed
        || error.kind() == redis::ErrorKind::Server(ServerErrorKind::ResponseError)
        || matches!(code, "NOAUTH" | "NOPERM" | "WRONGPASS")
}

fn is_distrusted(error: &RedisError) -> bool {
    // The driver's error shares its cause, which has the I/O error, which has that of TLS.
    let shared = error.source().and_then(|cause| cause.downcast_ref::<Arc<dyn StdError + Send + Sync>>());
    let io = shared.and_then(|cause| cause.downcast_ref::<std::io::Error>());
    let tls = io.and_then(std::io::Error::get_ref).and_then(|cause| cause.downcast_ref());
    matches!(tls, Some(rustls::Error::InvalidCertificate(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> RedisError {
        let answer = redis::parse_redis_value(format!("-{text}\r\n").as_bytes()).unwrap();
        answer.extract_error().unwrap_err()
    }

    #[test]
    fn what_a_server_refuses_is_surely_not_done_and_quotes_no_key() {
        for (text, kind) in [
            ("OOM command not allowed when used memory > 'maxmemory'.", ErrorKind::Unavailable),
            (
                "ERR unknown command 'EVALSHA', with args beginning with: 'cloakroom:{abc}'",
                ErrorKind::Unavailable,
            ),
            ("MOVED 1 127.0.0.1:1", ErrorKind::Unavailable),
            ("NOPERM this user may not 'cloakroom:{abc}'", ErrorKind::Misconfigured),
            ("NOAUTH Authentication required.", ErrorKind::Misconfigured),
            ("WRONGTYPE Operation against a key holding the wrong kind of value", ErrorKind::Corrupt),
        ] {
            for failure in [Failure::while_reading, Failure::while_writing] {
                let error = failure(Failure::Refused(refusal(text)));
                assert_eq!(error.kind(), kind, "{text}");
                assert!(!format!("{error:?}").contains("{abc}"), "{error:?}");
            }
        }
    }

    #[test]
    fn what_was_lost_on_the_way_may_have_been_done() {
        let broken = || Failure::Lost(Some(std::io::Error::from(std::io::ErrorKind::BrokenPipe).into()));
        assert_eq!(broken().while_writing().kind(), ErrorKind::Unknown);
        assert_eq!(broken().while_reading().kind(), ErrorKind::Unavailable);
    }
}
