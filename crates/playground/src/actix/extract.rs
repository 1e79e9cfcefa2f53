//! What handlers take of a request. Each refuses in the site's own words.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::web::{self, Bytes};
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;

use super::LARGEST_BODY;
use crate::Failure;
use crate::delay::delay;

type Taken<T> = Pin<Box<dyn Future<Output = Result<T, Failure>>>>;

/// The visitor's session, loaded, and the pause that the request asks for behind it.
#[derive(Debug)]
pub(super) struct Visitor(pub(super) cloakroom::actix::Session);

impl FromRequest for Visitor {
    type Error = Failure;
    type Future = Taken<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let pause = delay(request.uri().query())?;
            let session = cloakroom::actix::Session::of(&request).await;
            tokio::time::sleep(pause).await;
            session.map(Self).map_err(|error| Failure::from(&error))
        })
    }
}

/// The pause alone.
#[derive(Debug)]
pub(super) struct Paused;

impl FromRequest for Paused {
    type Error = Failure;
    type Future = Taken<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let pause = delay(request.uri().query());
        Box::pin(async move {
            tokio::time::sleep(pause?).await;
            Ok(Self)
        })
    }
}

/// The last part of the path.
#[derive(Debug)]
pub(super) struct Name(pub(super) String);

impl FromRequest for Name {
    type Error = Failure;
    type Future = std::future::Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // As it was sent: actix's own reading of the path puts something else in the place of what is no UTF-8.
        let sent = request.uri().path().rsplit('/').next().unwrap_or_default();
        let name = percent_decode_str(sent).decode_utf8().map(|name| Self(name.into_owned()));
        std::future::ready(name.map_err(|_| Failure::bad("The name in the path is no UTF-8.")))
    }
}

/// The whole body.
#[derive(Debug)]
pub(super) struct Whole(pub(super) Bytes);

impl FromRequest for Whole {
    type Error = Failure;
    type Future = Taken<Self>;

    fn from_request(_: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = payload.take();
        Box::pin(async move {
            match actix_web::body::to_bytes_limited(actix_web::body::BodyStream::new(body), LARGEST_BODY)
                .await
            {
                Ok(Ok(body)) => Ok(Self(body)),
                Ok(Err(_)) => Err(refused(400, "The body could not be read.")),
                Err(_) => Err(refused(413, "")),
            }
        })
    }
}

/// A form that was filled in.
#[derive(Debug)]
pub(super) struct Filled<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Filled<T> {
    type Error = Failure;
    type Future = Taken<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = web::Form::<T>::from_request(request, payload);
        Box::pin(async move {
            match form.await {
                Ok(form) => Ok(Self(form.into_inner())),
                Err(error) => {
                    let status = error.as_response_error().status_code();
                    Err(refused(status.as_u16(), "This is no form of this page."))
                }
            }
        })
    }
}

fn refused(status: u16, why: &'static str) -> Failure {
    Failure::new(status, if status == 413 { "The body is larger than 4 MiB." } else { why })
}
