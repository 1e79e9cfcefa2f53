//! Answers and failures as responses.

use axum::extract::Request;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::{Answer, Body, Failure, page};

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let status = status(self.status);
        match self.body {
            Body::Empty => status.into_response(),
            Body::Json(json) => (status, [(CONTENT_TYPE, "application/json")], json).into_response(),
            Body::Text(text) => (status, text).into_response(),
            // It shows what is the visitor's own.
            Body::Page(html) => {
                let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CACHE_CONTROL, "no-store")];
                (status, headers, html).into_response()
            }
            Body::Elsewhere(place) => (status, [(LOCATION, place)]).into_response(),
        }
    }
}

impl IntoResponse for Failure {
    /// The status alone; `failures` writes the sentence when all that may still fail has been done.
    fn into_response(self) -> Response {
        let mut response = status(self.status).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes the failure that a response carries, whether a handler refused or the session's commit
/// failed after it: as a page for a browser that asked for one, as JSON for everybody else. Status and
/// headers stay.
pub(super) async fn failures(request: Request, next: Next) -> Response {
    let for_a_person = !request.uri().path().starts_with("/api") && takes_pages(request.headers());
    let mut response = next.run(request).await;
    let extensions = response.extensions_mut();
    let failure = match extensions.remove::<cloakroom::axum::Error>() {
        Some(error) => Some(Failure::from(&error)),
        None => extensions.remove::<Failure>(),
    };
    let Some(failure) = failure else { return response };
    let body = if for_a_person {
        Answer::page(failure.status, page::failure(&failure))
    } else {
        Answer { status: failure.status, body: Body::Json(failure.json()) }
    };
    let mut rendered = body.into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    for (name, value) in rendered.headers_mut().drain() {
        if let Some(name) = name {
            headers.insert(name, value);
        }
    }
    *response.status_mut() = rendered.status();
    *response.body_mut() = rendered.into_body();
    response
}

fn takes_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| accepted.contains("text/html"))
}

/// What browsers must not do with this site.
pub(super) async fn guard(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(page::POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn status(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
