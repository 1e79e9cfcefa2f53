//! Answers and failures as responses.

use std::fmt;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::{DefaultHeaders, Next};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};

use crate::{Answer, Body, Failure, page};

impl Responder for Answer {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.into_response()
    }
}

impl Answer {
    fn into_response(self) -> HttpResponse {
        let mut response = HttpResponse::build(status(self.status));
        match self.body {
            Body::Empty => response.finish(),
            Body::Json(json) => response.insert_header((CONTENT_TYPE, "application/json")).body(json),
            Body::Text(text) => {
                response.insert_header((CONTENT_TYPE, "text/plain; charset=utf-8")).body(text)
            }
            // It shows what is the visitor's own.
            Body::Page(html) => response
                .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
                .insert_header((CACHE_CONTROL, "no-store"))
                .body(html),
            Body::Elsewhere(place) => response.insert_header((LOCATION, place)).finish(),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        status(self.status)
    }

    /// The status alone; `failures` writes the sentence when all that may still fail has been done.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// Writes the failure that a response carries, whether a handler refused or the session's commit
/// failed after it: as a page for a browser that asked for one, as JSON for everybody else. Status and
/// headers stay.
pub(super) async fn failures(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, actix_web::Error> {
    let for_a_person = !request.path().starts_with("/api") && takes_pages(request.headers());
    let mut answered = next.call(request).await?.map_into_boxed_body();
    let Some(failure) = carried(answered.response()) else { return Ok(answered) };
    let body = if for_a_person {
        Answer::page(failure.status, page::failure(&failure))
    } else {
        Answer { status: failure.status, body: Body::Json(failure.json()) }
    };
    let rendered = body.into_response();
    for (name, value) in rendered.headers() {
        answered.headers_mut().insert(name.clone(), value.clone());
    }
    *answered.response_mut().status_mut() = rendered.status();
    Ok(answered.map_body(|_, _| rendered.into_body()))
}

fn carried(response: &HttpResponse) -> Option<Failure> {
    let extensions = response.extensions();
    match extensions.get::<cloakroom::actix::Error>() {
        Some(error) => Some(Failure::from(error)),
        // A resource says this by itself, and which methods it takes.
        None if response.status() == StatusCode::METHOD_NOT_ALLOWED => {
            Some(Failure::new(405, "This address does not take that method."))
        }
        None => extensions.get::<Failure>().cloned(),
    }
}

fn takes_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// What browsers must not do with this site.
pub(super) fn guard() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((CONTENT_SECURITY_POLICY, page::POLICY))
        .add((REFERRER_POLICY, "same-origin"))
        .add((X_CONTENT_TYPE_OPTIONS, "nosniff"))
}

fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
