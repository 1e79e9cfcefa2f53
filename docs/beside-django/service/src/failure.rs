//! What could not be done.

use std::error::Error;
use std::io::{self, Write as _};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// Why a page is not shown.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The session's own, which knows how to be answered.
    Session(cloakroom::axum::Error),
    /// Django's table of users.
    Users(sqlx::Error),
    /// The visitor's mistake.
    Refused(StatusCode, &'static str),
}

impl From<cloakroom::core::Error> for Failure {
    fn from(error: cloakroom::core::Error) -> Self {
        Self::Session(error.into())
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Users(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        match self {
            Self::Session(error) => {
                tell_the_operator(&error);
                error.into_response()
            }
            Self::Users(error) => {
                tell_the_operator(&error);
                (StatusCode::SERVICE_UNAVAILABLE, "The users can not be asked for.").into_response()
            }
            Self::Refused(status, why) => (status, why).into_response(),
        }
    }
}

fn tell_the_operator(error: &dyn Error) {
    // Standard error may be closed: that is no reason to fail the request in another way.
    writeln!(io::stderr(), "beside-django-demo: {error}").ok();
}
