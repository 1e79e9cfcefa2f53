//! Core's error, as a response.

use std::fmt;

use cloakroom_core::ErrorKind;
use http::StatusCode;

/// A failed session operation. Handlers get it by `?` from every fallible method of a session, and
/// may return it: it answers with the status that fits its kind, in a sentence that tells visitors
/// nothing of the store.
#[derive(Clone, Debug)]
pub struct Error(cloakroom_core::Error);

impl Error {
    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind()
    }

    /// The status that answers it.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(cloakroom_http::status(self.kind())).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<cloakroom_core::Error> for Error {
    fn from(error: cloakroom_core::Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}
