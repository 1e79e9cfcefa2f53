//! Core's error, as a response.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, ResponseError};
use cloakroom_core::ErrorKind;

/// A failed session operation. Handlers get it by `?` from every fallible method of a session, and
/// may return it: it answers with the status that fits its kind, in a sentence that tells visitors nothing of the store.
///
/// Every response to a failure, that of the middleware's own commit too, has it in its extensions: a middleware around
/// [`SessionMiddleware`](crate::SessionMiddleware) can put the application's own words there.
#[derive(Clone, Debug)]
pub struct Error {
    error: cloakroom_core::Error,
    missing_middleware: bool,
}

impl Error {
    pub(crate) fn missing_middleware() -> Self {
        let message = "no SessionMiddleware around this route: add .wrap(SessionMiddleware::new(…)) to its App or scope";
        Self {
            error: cloakroom_core::Error::new(ErrorKind::Misconfigured, message),
            missing_middleware: true,
        }
    }

    /// What a visitor may read of it: a sentence that tells nothing of the store.
    pub fn sentence(&self) -> String {
        // Only a developer sees what is missing: the application does not work at all.
        if self.missing_middleware { self.to_string() } else { cloakroom_http::sentence(self.kind()).into() }
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

impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// The status that fits the kind, a sentence for visitors, and the error itself in the extensions.
    fn error_response(&self) -> HttpResponse {
        let mut response =
            HttpResponse::build(self.status()).content_type(ContentType::plaintext()).body(self.sentence());
        response.extensions_mut().insert(self.clone());
        response
    }
}

impl From<cloakroom_core::Error> for Error {
    fn from(error: cloakroom_core::Error) -> Self {
        Self { error, missing_middleware: false }
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
