//! Middlewares within middlewares: of one cookie they are one, of two they stand side by side.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use actix_http::Request;
use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue, SET_COOKIE, VARY};
use actix_web::middleware::{Next, from_fn};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, web};
use cloakroom_actix::{Error, Session, SessionMiddleware};
use cloakroom_conformance::{Fault, Faulty, Operation};
use cloakroom_core::{Memory, SessionBackend, Sessions};
use cloakroom_http::{CookieOptions, CookiePolicy};

/// A middleware with a cookie of this name, over a store of its own.
fn named(name: &str) -> (Arc<Memory>, SessionMiddleware) {
    let memory = Arc::new(Memory::new());
    let middleware = named_over(name, Arc::clone(&memory));
    (memory, middleware)
}

fn named_over(name: &str, backend: impl SessionBackend) -> SessionMiddleware {
    let mut options = CookieOptions::default();
    options.name = name.into();
    SessionMiddleware::with(Sessions::new(backend), CookiePolicy::new(options).unwrap())
}

async fn records(memory: &Memory) -> usize {
    memory.walk().unwrap().page(None, 10).await.unwrap().found.len()
}

/// Leaves its name in the session that it sees, on the way to the handler.
async fn mark(
    name: &'static str,
    session: Session,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    session.insert(name, 1).map_err(Error::from)?;
    Ok(next.call(request).await?.map_into_boxed_body())
}

async fn between(
    session: Session,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    mark("between", session, request, next).await
}

async fn in_admin(
    session: Session,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    mark("admin", session, request, next).await
}

async fn in_shop(
    session: Session,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    mark("shop", session, request, next).await
}

async fn handler(session: Session) -> Result<String, Error> {
    session.insert("handler", 1)?;
    Ok(session.names().join(" "))
}

async fn answer<B: MessageBody>(
    site: &impl Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    cookies: &[HeaderValue],
) -> (StatusCode, Vec<HeaderValue>, String) {
    let mut request = TestRequest::get();
    for cookie in cookies {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        request = request.append_header(("cookie", pair));
    }
    let response = site.call(request.to_request()).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    assert_eq!(headers.get_all(VARY).collect::<Vec<_>>(), ["Cookie"]);
    let cookies: Vec<_> = headers.get_all(SET_COOKIE).cloned().collect();
    assert_eq!(headers.contains_key(CACHE_CONTROL), !cookies.is_empty());
    let body = to_bytes(response.into_body()).await.ok().unwrap();
    (status, cookies, String::from_utf8(body.to_vec()).unwrap())
}

/// The names of the cookies that are set.
fn names(cookies: &[HeaderValue]) -> Vec<&str> {
    cookies.iter().map(|cookie| cookie.to_str().unwrap().split('=').next().unwrap()).collect()
}

#[tokio::test]
async fn middlewares_of_one_cookie_are_one_session_that_the_outermost_commits() {
    let ((outer_store, outer), (inner_store, inner)) = (named("sessionid"), named("sessionid"));
    let app = App::new().route("/", web::get().to(handler)).wrap(inner).wrap(from_fn(between)).wrap(outer);
    let (_, cookies, seen) = answer(&init_service(app).await, &[]).await;
    assert_eq!(names(&cookies), ["sessionid"]);
    assert_eq!(seen, "between handler");
    assert_eq!((records(&outer_store).await, records(&inner_store).await), (1, 0));
}

#[tokio::test]
async fn middlewares_of_two_cookies_are_two_sessions_and_the_handler_has_the_inner_one() {
    let ((shop_store, shop), (admin_store, admin)) = (named("shop"), named("admin"));
    let app = App::new().route("/", web::get().to(handler)).wrap(admin).wrap(from_fn(between)).wrap(shop);
    let site = init_service(app).await;
    let (_, cookies, seen) = answer(&site, &[]).await;
    assert_eq!(names(&cookies), ["admin", "shop"]);
    assert_eq!(seen, "handler");
    assert_eq!((records(&shop_store).await, records(&admin_store).await), (1, 1));
    let (_, again, _) = answer(&site, &cookies).await;
    assert_eq!(names(&again), [""; 0], "both were found");
}

#[tokio::test]
async fn a_middleware_within_another_within_one_of_its_own_cookie_shares_its_session() {
    let ((shop_store, shop), (admin_store, admin)) = (named("shop"), named("admin"));
    let app = App::new()
        .route("/", web::get().to(handler))
        .wrap(admin.clone())
        .wrap(shop.clone())
        .wrap(from_fn(in_admin))
        .wrap(admin)
        .wrap(from_fn(in_shop))
        .wrap(shop);
    let (_, cookies, seen) = answer(&init_service(app).await, &[]).await;
    assert_eq!(names(&cookies), ["admin", "shop"]);
    assert_eq!(seen, "admin handler");
    assert_eq!((records(&shop_store).await, records(&admin_store).await), (1, 1));
}

#[tokio::test]
async fn what_an_inner_middleware_has_stored_is_told_although_the_outer_ones_commit_fails() {
    let (admin_store, admin) = named("admin");
    let failing = Faulty::new(Memory::new());
    failing.fail(Operation::Create, Fault::Refuse);
    let shop = named_over("shop", failing);
    let app = App::new().route("/", web::get().to(handler)).wrap(admin).wrap(from_fn(between)).wrap(shop);
    let (status, cookies, body) = answer(&init_service(app).await, &[]).await;
    assert_eq!((status, body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert_eq!(names(&cookies), ["admin"]);
    assert_eq!(records(&admin_store).await, 1);
}
