//! One place where an application answers for every failure of its sessions, in its own words.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::middleware::map_response;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use cloakroom_conformance::{Fault, Faulty, Operation};
use cloakroom_cookie::Config;
use cloakroom_core::Memory;
use cloakroom_tower::{Error, Session, SessionLayer};
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, SET_COOKIE, VARY};
use http::{HeaderValue, Request, StatusCode};
use tower::ServiceExt;

/// An application's one place, as the documentation has it.
async fn failures(mut response: Response) -> Response {
    if let Some(error) = response.extensions().get::<Error>() {
        let page = format!(r#"{{"error":"{}"}}"#, error.sentence());
        *response.body_mut() = Body::from(page);
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response
}

/// An application's own error, which leaves those of sessions to that place.
enum Refusal {
    SoldOut,
    Session(Error),
}

impl From<cloakroom_core::Error> for Refusal {
    fn from(error: cloakroom_core::Error) -> Self {
        Self::Session(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::SoldOut => (StatusCode::CONFLICT, "sold out").into_response(),
            Self::Session(error) => error.into_response(),
        }
    }
}

async fn change(session: Session) -> Result<&'static str, Error> {
    session.insert("b", 2)?;
    Ok("changed")
}

async fn end_and_change(session: Session) -> Result<(), Error> {
    session.sessions().backend().delete(&session.id().unwrap(), None).await?;
    session.insert("b", 2)?;
    Ok(())
}

async fn save_and_change(session: Session) -> Result<(), Error> {
    session.cycle_key();
    session.save().await?;
    session.insert("b", 2)?;
    Ok(())
}

async fn own_error(session: Session) -> Result<(), Refusal> {
    match session.get::<u64>("a")? {
        Some(0) | None => Err(Refusal::SoldOut),
        Some(_) => Ok(()),
    }
}

/// A site over a store with these faults, and the Cookie header of a visitor whose `a` is a text.
async fn site(faults: &[(Operation, Fault)]) -> (Router, String) {
    let store = Faulty::new(Arc::new(Memory::new()));
    let sessions = SessionLayer::new(store.clone());
    let visitor = sessions.sessions().load(None).await.unwrap();
    visitor.insert("a", "text").unwrap();
    visitor.save().await.unwrap();
    let in_cookies = Config::new("django-insecure-0123456789abcdefghijklmnopqrstuvwxyz").open().unwrap();
    let listed =
        async |session: Session| session.sessions().of_user("alice").await.map(|_| ()).map_err(Error::from);
    let large = async |session: Session| session.insert("b", "x".repeat(2 << 20)).map_err(Error::from);
    let routes = Router::new()
        .route("/change", get(change))
        .route("/end", get(end_and_change))
        .route("/save", get(save_and_change))
        .route("/own", get(own_error))
        .route("/large", get(large))
        .layer(sessions)
        .route("/listed", get(listed).layer(SessionLayer::new(in_cookies)))
        .route("/missing", get(change))
        .layer(map_response(failures));
    for (operation, fault) in faults {
        store.fail(*operation, fault.clone());
    }
    (routes, format!("sessionid={}", visitor.key().unwrap().expose()))
}

async fn ask(site: &(Router, String), path: &str) -> (Response<()>, String) {
    let request = Request::get(path).header(COOKIE, &site.1).body(Body::empty()).unwrap();
    let (parts, body) = site.0.clone().oneshot(request).await.unwrap().into_parts();
    let body = axum::body::to_bytes(body, 10_000).await.unwrap();
    (Response::from_parts(parts, ()), String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn every_failure_of_a_session_is_answered_in_the_applications_own_words() {
    let refuse = Fault::Refuse;
    for (path, faults, status, words) in [
        ("/change", vec![(Operation::Load, refuse.clone())], 503, "can not be reached"),
        ("/change", vec![(Operation::Save, refuse.clone())], 503, "can not be reached"),
        ("/end", vec![(Operation::Delete, refuse)], 503, "can not be reached"),
        ("/end", vec![], 400, "was ended by another request"),
        ("/large", vec![], 413, "too large"),
        ("/own", vec![], 500, "could not be used"),
        ("/listed", vec![], 501, "can not do that"),
        ("/missing", vec![], 500, "no SessionLayer around this route"),
    ] {
        let (answer, body) = ask(&site(&faults).await, path).await;
        assert_eq!(answer.status(), status, "{path}");
        assert!(body.starts_with(r#"{"error":""#) && body.contains(words), "{path}: {body}");
        assert_eq!(answer.headers()[CONTENT_TYPE], "application/json", "{path}");
        assert_eq!(answer.headers()[CONTENT_LENGTH], body.len().to_string(), "{path}");
        assert!(!answer.headers().contains_key(SET_COOKIE), "{path}");
    }
}

#[tokio::test]
async fn what_was_stored_before_a_failure_is_told_with_the_applications_words() {
    let (answer, body) = ask(&site(&[(Operation::Save, Fault::Refuse)]).await, "/save").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("can not be reached"));
    assert!(answer.headers()[SET_COOKIE].to_str().unwrap().starts_with("sessionid="));
    assert_eq!(
        (&answer.headers()[VARY], &answer.headers()[CACHE_CONTROL]),
        (&HeaderValue::from_static("Cookie"), &HeaderValue::from_static("no-store"),)
    );
}

#[tokio::test]
async fn what_did_not_fail_is_left_alone() {
    let (answer, body) = ask(&site(&[]).await, "/change").await;
    assert_eq!((answer.status(), body.as_str()), (StatusCode::OK, "changed"));
}
