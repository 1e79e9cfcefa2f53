//! Core's error, as a response.

use std::fmt;

use cloakroom_core::ErrorKind;
use http::StatusCode;

/// A failed session operation. Handlers get it by `?` from every fallible method of a session, and
/// may return it, where core's own error would not be a response ("`Handler<_, _>` is not satisfied"): it
/// answers with the status that fits its kind, in a sentence that tells visitors nothing of the store.
///
/// Every response to a failure, that of the layer's own commit too, has it in its extensions: a layer around
/// the [`SessionLayer`](crate::SessionLayer) can put the application's own words there.
#[derive(Clone, Debug)]
pub struct Error {
    error: cloakroom_core::Error,
    missing_layer: bool,
}

impl Error {
    pub(crate) fn missing_layer() -> Self {
        let message = "no SessionLayer around this route: add .layer(SessionLayer::new(…)) to its router";
        Self { error: cloakroom_core::Error::new(ErrorKind::Misconfigured, message), missing_layer: true }
    }

    /// What a visitor may read of it: a sentence that tells nothing of the store.
    pub fn sentence(&self) -> String {
        // Only a developer sees what is missing: the application does not work at all.
        if self.missing_layer { self.to_string() } else { cloakroom_http::sentence(self.kind()).into() }
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.error.kind()
    }

    /// The status that answers it.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(cloakroom_http::status(self.kind())).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<cloakroom_core::Error> for Error {
    fn from(error: cloakroom_core::Error) -> Self {
        Self { error, missing_layer: false }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}
