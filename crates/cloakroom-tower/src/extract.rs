//! The session as an argument of axum's handlers.

use axum_core::extract::FromRequestParts;
use axum_core::response::{IntoResponse, Response};
use cloakroom_core::ErrorKind;
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
        let sentence = match self.kind() {
            ErrorKind::Unavailable | ErrorKind::Unknown => "The session store can not be reached.".into(),
            ErrorKind::Interrupted => "This session was ended by another request.".into(),
            ErrorKind::TooLarge => "The session would become too large.".into(),
            ErrorKind::Unsupported => "This session engine can not do that.".into(),
            // Only a developer sees this one: the application does not work at all.
            ErrorKind::Misconfigured => self.to_string(),
            _ => "The session could not be used.".into(),
        };
        let mut response = (self.status(), sentence).into_response();
        response.extensions_mut().insert(self);
        response
    }
}
