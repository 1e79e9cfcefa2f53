//! The session as an argument of axum's handlers.

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use crate::{Error, Session};

/// Loads the session, once per request, however many handlers and middlewares ask.
impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Self::of(&parts.extensions).await
    }
}

impl IntoResponse for Error {
    /// The status that fits the kind, a sentence for visitors, and the error itself in the extensions.
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.sentence()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}
