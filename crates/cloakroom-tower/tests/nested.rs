//! Layers within layers: of one cookie they are one, of two they stand side by side.

#![cfg(feature = "axum")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use cloakroom_conformance::{Fault, Faulty, Operation};
use cloakroom_core::{Memory, SessionBackend, Sessions};
use cloakroom_http::{CookieOptions, CookiePolicy};
use cloakroom_tower::{Error, Session, SessionLayer};
use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, VARY};
use http::{HeaderValue, StatusCode};
use tower::ServiceExt;

/// A layer with a cookie of this name, over a store of its own.
fn layer(name: &str) -> (Arc<Memory>, SessionLayer) {
    let memory = Arc::new(Memory::new());
    let layer = layer_over(name, Arc::clone(&memory));
    (memory, layer)
}

fn layer_over(name: &str, backend: impl SessionBackend) -> SessionLayer {
    let mut options = CookieOptions::default();
    options.name = name.into();
    SessionLayer::with(Sessions::new(backend), CookiePolicy::new(options).unwrap())
}

async fn records(memory: &Memory) -> usize {
    memory.walk().unwrap().page(None, 10).await.unwrap().found.len()
}

/// Leaves its name in the session that it sees, on the way to the handler.
async fn mark(name: &'static str, session: Session, request: Request, next: Next) -> Response {
    session.insert(name, 1).unwrap();
    next.run(request).await
}

async fn handler(session: Session) -> Result<String, Error> {
    session.insert("handler", 1)?;
    Ok(session.names().join(" "))
}

async fn answer(site: &Router, cookies: &[HeaderValue]) -> (StatusCode, Vec<HeaderValue>, String) {
    let mut request = Request::new(Body::empty());
    for cookie in cookies {
        let pair = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        request.headers_mut().append(COOKIE, pair.try_into().unwrap());
    }
    let (parts, body) = site.clone().oneshot(request).await.unwrap().into_parts();
    assert_eq!(parts.headers.get_all(VARY).iter().collect::<Vec<_>>(), ["Cookie"]);
    let cookies: Vec<_> = parts.headers.get_all(SET_COOKIE).iter().cloned().collect();
    assert_eq!(parts.headers.contains_key(CACHE_CONTROL), !cookies.is_empty());
    let body = axum::body::to_bytes(body, 1_000).await.unwrap();
    (parts.status, cookies, String::from_utf8(body.to_vec()).unwrap())
}

/// The names of the cookies that are set.
fn names(cookies: &[HeaderValue]) -> Vec<&str> {
    cookies.iter().map(|cookie| cookie.to_str().unwrap().split('=').next().unwrap()).collect()
}

#[tokio::test]
async fn layers_of_one_cookie_are_one_session_that_the_outermost_commits() {
    let ((outer_store, outer), (inner_store, inner)) = (layer("sessionid"), layer("sessionid"));
    let site = Router::new().route("/", get(handler)).layer(inner);
    let site =
        site.layer(from_fn(async |session, request, next| mark("between", session, request, next).await));
    let site = site.layer(outer);
    let (_, cookies, seen) = answer(&site, &[]).await;
    assert_eq!(names(&cookies), ["sessionid"]);
    assert_eq!(seen, "between handler");
    assert_eq!((records(&outer_store).await, records(&inner_store).await), (1, 0));
}

#[tokio::test]
async fn layers_of_two_cookies_are_two_sessions_and_the_handler_has_the_inner_one() {
    let ((shop_store, shop), (admin_store, admin)) = (layer("shop"), layer("admin"));
    let site = Router::new().route("/", get(handler)).layer(admin);
    let site =
        site.layer(from_fn(async |session, request, next| mark("between", session, request, next).await));
    let site = site.layer(shop);
    let (_, cookies, seen) = answer(&site, &[]).await;
    assert_eq!(names(&cookies), ["admin", "shop"]);
    assert_eq!(seen, "handler");
    assert_eq!((records(&shop_store).await, records(&admin_store).await), (1, 1));
    let (_, again, _) = answer(&site, &cookies).await;
    assert_eq!(names(&again), [""; 0], "both were found");
}

#[tokio::test]
async fn a_layer_within_another_within_one_of_its_own_cookie_shares_its_session() {
    let ((shop_store, shop), (admin_store, admin)) = (layer("shop"), layer("admin"));
    let site = Router::new().route("/", get(handler)).layer(admin.clone()).layer(shop.clone());
    let site =
        site.layer(from_fn(async |session, request, next| mark("admin", session, request, next).await));
    let site = site.layer(admin);
    let site = site.layer(from_fn(async |session, request, next| mark("shop", session, request, next).await));
    let (_, cookies, seen) = answer(&site.layer(shop), &[]).await;
    assert_eq!(names(&cookies), ["admin", "shop"]);
    assert_eq!(seen, "admin handler");
    assert_eq!((records(&shop_store).await, records(&admin_store).await), (1, 1));
}

#[tokio::test]
async fn what_an_inner_layer_has_stored_is_told_although_the_outer_ones_commit_fails() {
    let (admin_store, admin) = layer("admin");
    let failing = Faulty::new(Memory::new());
    failing.fail(Operation::Create, Fault::Refuse);
    let site = Router::new().route("/", get(handler)).layer(admin);
    let site =
        site.layer(from_fn(async |session, request, next| mark("between", session, request, next).await));
    let (status, cookies, body) = answer(&site.layer(layer_over("shop", failing)), &[]).await;
    assert_eq!((status, body.as_str()), (StatusCode::SERVICE_UNAVAILABLE, ""));
    assert_eq!(names(&cookies), ["admin"]);
    assert_eq!(records(&admin_store).await, 1);
}
