//! The one answer to everything that Django would not have written.

use cloakroom_core::{Error, ErrorKind};

/// `what` ends the sentence, and never quotes what it is about.
pub(crate) fn corrupt(what: &'static str) -> Error {
    Error::new(ErrorKind::Corrupt, format!("a stored session is none of Django's: {what}"))
}
