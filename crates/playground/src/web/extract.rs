//! What handlers take of a request. Each refuses in the site's own words.

use axum::body::Bytes;
use axum::extract::{Form, FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::Failure;
use crate::delay::delay;

/// The visitor's session, loaded, and the pause that the request asks for behind it.
#[derive(Debug)]
pub(super) struct Visitor(pub(super) cloakroom::axum::Session);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let pause = delay(parts.uri.query())?;
        let session = cloakroom::axum::Session::from_request_parts(parts, state).await;
        tokio::time::sleep(pause).await;
        session.map(Self).map_err(|error| Failure::from(&error))
    }
}

/// The pause alone.
#[derive(Debug)]
pub(super) struct Paused;

impl<S: Send + Sync> FromRequestParts<S> for Paused {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        tokio::time::sleep(delay(parts.uri.query())?).await;
        Ok(Self)
    }
}

/// The last part of the path.
#[derive(Debug)]
pub(super) struct Name(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        match <Path<String> as FromRequestParts<S>>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(Failure::bad("The name in the path is no UTF-8.")),
        }
    }
}

/// The whole body.
#[derive(Debug)]
pub(super) struct Whole(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for Whole {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        match Bytes::from_request(request, state).await {
            Ok(body) => Ok(Self(body)),
            Err(rejection) => Err(refused(rejection.status().as_u16(), "The body could not be read.")),
        }
    }
}

/// A form that was filled in.
#[derive(Debug)]
pub(super) struct Filled<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Filled<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        match Form::from_request(request, state).await {
            Ok(Form(form)) => Ok(Self(form)),
            Err(rejection) => Err(refused(rejection.status().as_u16(), "This is no form of this page.")),
        }
    }
}

fn refused(status: u16, why: &'static str) -> Failure {
    Failure::new(status, if status == 413 { "The body is larger than 4 MiB." } else { why })
}
