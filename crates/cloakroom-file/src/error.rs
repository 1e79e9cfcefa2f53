//! The operating system's refusals as core's errors, once: what is surely not done, and what may be.

use std::io;

use cloakroom_core::{Error, ErrorKind};
use rustix::io::Errno;

/// The file is none of ours, or not whole.
pub(crate) fn foreign() -> Error {
    Error::new(ErrorKind::Corrupt, "a session's file was not written by this library, or not to its end")
}

/// Somebody else holds a lock, and went on holding it.
pub(crate) fn busy() -> Error {
    Error::new(ErrorKind::Unavailable, "other writers kept the session's folder locked for too long")
}

/// The work was not finished in time. What was done by then stays done.
pub(crate) fn unfinished(what: &'static str) -> Error {
    Error::new(ErrorKind::Unavailable, what)
}

/// A read changes nothing: whatever went wrong, asking again is safe.
pub(crate) fn while_reading(source: io::Error) -> Error {
    match Errno::from_io_error(&source) {
        // A link or a folder in the place of a session.
        Some(Errno::LOOP | Errno::ISDIR) => {
            Error::caused(ErrorKind::Corrupt, "a session's file is no file", source)
        }
        _ => Error::caused(ErrorKind::Unavailable, "the session's file can't be read", source),
    }
}

/// Before the step that makes a write count: it is surely not done.
pub(crate) fn while_preparing(source: io::Error) -> Error {
    Error::caused(ErrorKind::Unavailable, "the session's folder can't be written to", source)
}

/// In the step that makes it count: what the system has refused is not done. Of anything else, a broken
/// disk say, nobody knows.
pub(crate) fn while_committing(source: io::Error) -> Error {
    match Errno::from_io_error(&source) {
        Some(
            Errno::ACCESS
            | Errno::PERM
            | Errno::ROFS
            | Errno::NOSPC
            | Errno::DQUOT
            | Errno::NOENT
            | Errno::NOTDIR,
        ) => while_preparing(source),
        _ => Error::caused(ErrorKind::Unknown, "the disk did not say whether it stored the session", source),
    }
}

/// After it: it is done, but it may not last.
pub(crate) fn while_flushing(source: io::Error) -> Error {
    Error::caused(ErrorKind::Unknown, "the disk did not confirm what was stored", source)
}
