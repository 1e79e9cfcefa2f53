//! One place where an application answers for every failure of its sessions, in its own words.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use actix_http::Request;
use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, SET_COOKIE, VARY};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse, ResponseError, error, web};
use cloakroom_actix::{Error, Session, SessionMiddleware};
use cloakroom_conformance::{Fault, Faulty, Operation};
use cloakroom_cookie::Config;
use cloakroom_core::Memory;

/// An application's one place, as the documentation has it.
async fn failures(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let mut response = next.call(request).await?.map_into_boxed_body();
    let error = response.response().extensions().get::<Error>().cloned();
    if let Some(error) = error {
        let page = format!(r#"{{"error":"{}"}}"#, error.sentence());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response = response.map_body(|_, _| BoxBody::new(page));
    }
    Ok(response)
}

/// An application's own error, which leaves those of sessions to that place.
#[derive(Debug)]
enum Refusal {
    SoldOut,
    Session(Error),
}

impl From<cloakroom_core::Error> for Refusal {
    fn from(error: cloakroom_core::Error) -> Self {
        Self::Session(error.into())
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("refused")
    }
}

impl ResponseError for Refusal {
    fn error_response(&self) -> HttpResponse {
        match self {
            Self::SoldOut => HttpResponse::Conflict().body("sold out"),
            Self::Session(error) => error.error_response(),
        }
    }
}

async fn change(session: Session) -> Result<&'static str, Error> {
    session.insert("b", 2)?;
    Ok("changed")
}

async fn end_and_change(session: Session) -> Result<&'static str, Error> {
    session.sessions().backend().delete(&session.id().unwrap(), None).await?;
    session.insert("b", 2)?;
    Ok("")
}

async fn save_and_change(session: Session) -> Result<&'static str, Error> {
    session.cycle_key();
    session.save().await?;
    session.insert("b", 2)?;
    Ok("")
}

async fn own_error(session: Session) -> Result<&'static str, Refusal> {
    match session.get::<u64>("a")? {
        Some(0) | None => Err(Refusal::SoldOut),
        Some(_) => Ok(""),
    }
}

async fn listed(session: Session) -> Result<&'static str, Error> {
    session.sessions().of_user("alice").await?;
    Ok("")
}

async fn large(session: Session) -> Result<&'static str, Error> {
    session.insert("b", "x".repeat(2 << 20))?;
    Ok("")
}

/// A store with these faults, a middleware over it, and the Cookie header of a visitor whose `a` is a text.
async fn stored(faults: &[(Operation, Fault)]) -> (SessionMiddleware, String) {
    let store = Faulty::new(Arc::new(Memory::new()));
    let sessions = SessionMiddleware::new(store.clone());
    let visitor = sessions.sessions().load(None).await.unwrap();
    visitor.insert("a", "text").unwrap();
    visitor.save().await.unwrap();
    for (operation, fault) in faults {
        store.fail(*operation, fault.clone());
    }
    (sessions, format!("sessionid={}", visitor.key().unwrap().expose()))
}

async fn site(
    sessions: SessionMiddleware,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = actix_web::Error> {
    let in_cookies = Config::new("django-insecure-0123456789abcdefghijklmnopqrstuvwxyz").open().unwrap();
    let routes = web::scope("/site")
        .wrap(sessions)
        .route("/change", web::get().to(change))
        .route("/end", web::get().to(end_and_change))
        .route("/save", web::get().to(save_and_change))
        .route("/own", web::get().to(own_error))
        .route("/large", web::get().to(large));
    let app = App::new()
        .service(routes)
        .service(
            web::resource("/listed").wrap(SessionMiddleware::new(in_cookies)).route(web::get().to(listed)),
        )
        .route("/missing", web::get().to(change))
        .wrap(from_fn(failures));
    init_service(app).await
}

async fn ask(faults: &[(Operation, Fault)], path: &str) -> (StatusCode, HeaderMap, String) {
    let (sessions, cookie) = stored(faults).await;
    let request = TestRequest::with_uri(path).append_header(("cookie", cookie)).to_request();
    let response = site(sessions).await.call(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body()).await.ok().unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn every_failure_of_a_session_is_answered_in_the_applications_own_words() {
    let refuse = Fault::Refuse;
    for (path, faults, status, words) in [
        ("/site/change", vec![(Operation::Load, refuse.clone())], 503, "can not be reached"),
        ("/site/change", vec![(Operation::Save, refuse.clone())], 503, "can not be reached"),
        ("/site/end", vec![(Operation::Delete, refuse)], 503, "can not be reached"),
        ("/site/end", vec![], 400, "was ended by another request"),
        ("/site/large", vec![], 413, "too large"),
        ("/site/own", vec![], 500, "could not be used"),
        ("/listed", vec![], 501, "can not do that"),
        ("/missing", vec![], 500, "no SessionMiddleware around this route"),
    ] {
        let (answered, headers, body) = ask(&faults, path).await;
        assert_eq!(answered, status, "{path}");
        assert!(body.starts_with(r#"{"error":""#) && body.contains(words), "{path}: {body}");
        assert_eq!(headers.get(CONTENT_TYPE).unwrap(), "application/json", "{path}");
        assert!(!headers.contains_key(SET_COOKIE), "{path}");
    }
}

#[tokio::test]
async fn what_was_stored_before_a_failure_is_told_with_the_applications_words() {
    let (status, headers, body) = ask(&[(Operation::Save, Fault::Refuse)], "/site/save").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains("can not be reached"));
    assert!(headers.get(SET_COOKIE).unwrap().to_str().unwrap().starts_with("sessionid="));
    let (vary, cache_control) = (headers.get(VARY).unwrap(), headers.get(CACHE_CONTROL).unwrap());
    assert_eq!((vary.as_bytes(), cache_control.as_bytes()), (&b"Cookie"[..], &b"no-store"[..]));
}

#[tokio::test]
async fn what_did_not_fail_is_left_alone() {
    let (status, _, body) = ask(&[], "/site/change").await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, "changed"));
}

/// A middleware of the application's that counts the visit and lets nobody in.
async fn refuse(
    session: Session,
    _: ServiceRequest,
    _: Next<BoxBody>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    session.cycle_key();
    Err(error::ErrorForbidden("not you"))
}

#[tokio::test]
async fn a_middleware_that_refuses_by_an_error_has_answered_and_its_changes_are_committed_and_told() {
    for (faults, status) in [(vec![], 403), (vec![(Operation::Rotate, Fault::Refuse)], 503)] {
        let (sessions, cookie) = stored(&faults).await;
        let app = App::new().route("/", web::get().to(change)).wrap(from_fn(refuse)).wrap(sessions);
        let request = TestRequest::get().append_header(("cookie", cookie)).to_request();
        let error = init_service(app).await.call(request).await.err().unwrap();
        let response = error.error_response();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers().get(VARY).unwrap(), "Cookie");
        assert_eq!(response.headers().contains_key(SET_COOKIE), faults.is_empty());
        assert_eq!(response.extensions().contains::<Error>(), !faults.is_empty());
    }
}

#[tokio::test]
async fn an_error_that_no_session_had_to_do_with_goes_on_as_it_is() {
    let (sessions, cookie) = stored(&[]).await;
    let untouched = from_fn(async |_: ServiceRequest, _: Next<BoxBody>| {
        Err::<ServiceResponse<BoxBody>, _>(Refusal::SoldOut.into())
    });
    let app = App::new().route("/", web::get().to(change)).wrap(untouched).wrap(sessions);
    let request = TestRequest::get().append_header(("cookie", cookie)).to_request();
    let error = init_service(app).await.call(request).await.err().unwrap();
    assert!(matches!(error.as_error::<Refusal>(), Some(Refusal::SoldOut)));
}
