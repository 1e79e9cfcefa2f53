//! What only this adapter can show: dropped futures, late tasks, its errors, its patience, its allocations.

#![cfg(feature = "axum")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use cloakroom_conformance::{Fault, Faulty, Gate, Operation};
use cloakroom_core::{Addressing, ErrorKind, Memory, SessionBackend, SessionKey, Sessions};
use cloakroom_tower::{Error, Session, SessionLayer};
use http::header::{COOKIE, SET_COOKIE};
use http::{Request, Response, StatusCode};
use tokio::sync::Notify;
use tower::{Layer, ServiceExt, service_fn};

/// A store, a layer over it, and the Cookie header of a session that is stored there.
async fn stored() -> (Arc<Memory>, SessionLayer, SessionKey) {
    let memory = Arc::new(Memory::new());
    let layer = SessionLayer::new(Arc::clone(&memory));
    let session = layer.sessions().load(None).await.unwrap();
    session.insert("a", 1).unwrap();
    session.save().await.unwrap();
    (memory, layer, session.key().unwrap())
}

fn request(key: &SessionKey) -> Request<Body> {
    let cookie = format!("sessionid={}", key.expose());
    Request::get("/").header(COOKIE, cookie).body(Body::empty()).unwrap()
}

async fn records(memory: &Memory) -> usize {
    memory.walk().unwrap().page(None, 10).await.unwrap().found.len()
}

/// Lets other tasks run until there are that many records: none of them waits for anything but its turn.
async fn until_records(memory: &Memory, expected: usize) {
    for _ in 0..1_000 {
        if records(memory).await == expected {
            return;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(records(memory).await, expected);
}

#[tokio::test]
async fn a_logout_survives_a_visitor_who_leaves_before_the_answer() {
    let (memory, layer, key) = stored().await;
    let reached = Arc::new(Notify::new());
    let service = layer.layer(service_fn({
        let reached = Arc::clone(&reached);
        move |request: Request<Body>| {
            let reached = Arc::clone(&reached);
            async move {
                let session = Session::of(request.extensions()).await.unwrap();
                session.logout();
                reached.notify_one();
                std::future::pending::<()>().await;
                Ok::<_, Infallible>(Response::new(Body::empty()))
            }
        }
    }));
    let answer = tokio::spawn(service.oneshot(request(&key)));
    reached.notified().await;
    answer.abort();
    until_records(&memory, 0).await;
}

/// Also one that panics in a closure of the session's, or while it holds another handle.
#[tokio::test]
async fn a_logout_survives_a_handler_that_panics() {
    for within in [false, true] {
        let (memory, layer, key) = stored().await;
        let handler = async move |session: Session| -> StatusCode {
            session.logout();
            let _other = session.clone();
            if within {
                session.update("n", |_: &mut i64| panic!("as planned")).await.unwrap();
            }
            panic!("as planned")
        };
        let router = Router::new().route("/", get(handler)).layer(layer);
        let answer = tokio::spawn(router.oneshot(request(&key)));
        assert!(answer.await.unwrap_err().is_panic());
        until_records(&memory, 0).await;
    }
}

#[tokio::test]
async fn a_commit_that_has_begun_survives_a_visitor_who_leaves() {
    let (memory, _, key) = stored().await;
    let slow = Faulty::new(Arc::clone(&memory));
    let gate = Gate::default();
    slow.fail(Operation::Rotate, Fault::Hold(gate.clone()));
    let layer = SessionLayer::new(slow);
    let handler = async |session: Session| session.cycle_key();
    let router = Router::new().route("/", get(handler)).layer(layer);
    let answer = tokio::spawn(router.oneshot(request(&key)));
    gate.reached().await;
    answer.abort();
    assert!(answer.await.unwrap_err().is_cancelled());
    gate.open();
    let sessions = Sessions::new(Arc::clone(&memory));
    let dead = async {
        while sessions.load(Some(key.clone())).await.unwrap().key().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(5), dead).await.unwrap();
    assert_eq!(records(&memory).await, 1);
}

#[tokio::test]
async fn a_route_without_the_layer_tells_the_developer_what_is_missing() {
    let router: Router = Router::new().route("/", get(async |_: Session| "never"));
    let response = router.oneshot(Request::new(Body::empty())).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(response.extensions().get::<Error>().unwrap().kind(), ErrorKind::Misconfigured);
    let body = axum::body::to_bytes(response.into_body(), 1_000).await.unwrap();
    assert!(body.starts_with(b"no SessionLayer around this route"), "{body:?}");
}

#[tokio::test]
async fn handlers_of_one_request_share_one_session_and_one_load() {
    let (memory, _, key) = stored().await;
    let faulty = Faulty::new(memory);
    let handler = async |first: Session, second: Session| {
        first.insert("b", 2).unwrap();
        assert_eq!(second.names(), ["a", "b"]);
    };
    let router = Router::new().route("/", get(handler)).layer(SessionLayer::new(faulty.clone()));
    router.oneshot(request(&key)).await.unwrap();
    assert_eq!(faulty.calls(), [Operation::Load, Operation::Save]);
}

#[tokio::test]
async fn a_failed_commit_leaves_its_error_for_the_application_to_render() {
    let (memory, _, key) = stored().await;
    let faulty = Faulty::new(memory);
    faulty.fail(Operation::Save, Fault::Refuse);
    let handler = async |session: Session| session.insert("b", 2).map_err(Error::from);
    let router = Router::new().route("/", get(handler)).layer(SessionLayer::new(faulty));
    let response = router.oneshot(request(&key)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.extensions().get::<Error>().unwrap().kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_rotation_whose_answer_a_failing_handler_did_not_wait_for_is_still_announced() {
    let (memory, _, key) = stored().await;
    let faulty = Faulty::new(Arc::clone(&memory));
    faulty.fail(Operation::Rotate, Fault::LoseReply);
    faulty.fail(Operation::Rotate, Fault::Hang);
    let handler = async |session: Session| {
        session.login("alice").unwrap();
        let patience = std::time::Duration::from_millis(20);
        assert!(tokio::time::timeout(patience, session.save()).await.is_err());
        StatusCode::SERVICE_UNAVAILABLE
    };
    let router = Router::new().route("/", get(handler)).layer(SessionLayer::new(faulty));
    let response = router.oneshot(request(&key)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
    let new = cookie.strip_prefix("sessionid=").and_then(|rest| rest.split(';').next()).unwrap();
    let sessions = Sessions::new(memory);
    let again = sessions.load(sessions.parse_key(new)).await.unwrap();
    assert_eq!(again.user().as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_task_that_outlives_the_answer_can_save_a_session_whose_key_is_known() {
    let (memory, layer, key) = stored().await;
    let (send, mut kept) = tokio::sync::mpsc::channel(2);
    let handler = async move |session: Session| send.send(session).await.unwrap();
    let router = Router::new().route("/", get(handler)).layer(layer);
    router.clone().oneshot(request(&key)).await.unwrap();
    router.oneshot(Request::new(Body::empty())).await.unwrap();
    let (known, newcomer) = (kept.recv().await.unwrap(), kept.recv().await.unwrap());
    known.update("late", |n: &mut i64| *n += 1).await.unwrap();
    newcomer.insert("late", 1).unwrap();
    assert_eq!(newcomer.save().await.unwrap_err().kind(), ErrorKind::TooLate);
    assert_eq!(records(&memory).await, 1);
}

#[tokio::test]
async fn a_session_that_is_first_asked_for_after_the_answer_gets_no_new_key() {
    let (memory, layer, key) = stored().await;
    let (send, mut kept) = tokio::sync::mpsc::channel(2);
    let handler =
        async move |request: axum::extract::Request| send.send(request.into_parts().0).await.unwrap();
    let router = Router::new().route("/", get(handler)).layer(layer);
    router.clone().oneshot(request(&key)).await.unwrap();
    router.oneshot(Request::new(Body::empty())).await.unwrap();
    for may_be_changed in [true, false] {
        let session = Session::of(&kept.recv().await.unwrap().extensions).await.unwrap();
        assert_eq!(session.update("late", |n: &mut i64| *n += 1).await.is_ok(), may_be_changed);
        session.login("alice").unwrap();
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::TooLate);
    }
    assert_eq!(records(&memory).await, 1);
}

#[tokio::test]
async fn a_task_whose_visitor_has_left_can_not_take_the_key_from_the_browser() {
    let (_, layer, key) = stored().await;
    let (send, mut kept) = tokio::sync::mpsc::channel(1);
    let handler = async move |session: Session| {
        send.send(session).await.unwrap();
        std::future::pending::<()>().await;
    };
    let router = Router::new().route("/", get(handler)).layer(layer.clone());
    let answer = tokio::spawn(router.oneshot(request(&key)));
    let session = kept.recv().await.unwrap();
    answer.abort();
    assert!(answer.await.unwrap_err().is_cancelled());
    session.cycle_key();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::TooLate);
    assert!(layer.sessions().load(Some(key)).await.unwrap().key().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_failed_answer_waits_a_second_for_a_silent_store_where_its_logout_goes_on() {
    let (memory, _, key) = stored().await;
    let slow = Faulty::new(Arc::clone(&memory));
    let gate = Gate::default();
    slow.fail(Operation::Delete, Fault::Hold(gate.clone()));
    let handler = async |session: Session| {
        session.logout();
        StatusCode::BAD_GATEWAY
    };
    let router = Router::new().route("/", get(handler)).layer(SessionLayer::new(slow));
    let begun = tokio::time::Instant::now();
    let response = router.oneshot(request(&key)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 1);
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert!(!response.headers().contains_key(SET_COOKIE), "nothing has ended yet");
    gate.open();
    until_records(&memory, 0).await;
}

#[test]
fn a_session_that_nobody_asks_for_costs_two_allocations() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bare = service_fn(async |_: Request<Body>| Ok::<_, Infallible>(Response::new(Body::empty())));
    let layered = SessionLayer::new(Memory::new()).layer(bare);
    let key = SessionKey::generate(Addressing::Hashed).unwrap();
    // Extensions are a map that the first entry makes: axum has made it by then, so it does not count.
    let with_extensions = || {
        let mut request = request(&key);
        request.extensions_mut().insert(());
        request
    };
    let count = |run: &mut dyn FnMut()| allocation_counter::measure(run).count_total;
    let (mut one, mut other) = (Some(with_extensions()), Some(with_extensions()));
    let without = count(&mut || drop(runtime.block_on(bare.oneshot(one.take().unwrap()))));
    let with = count(&mut || drop(runtime.block_on(layered.clone().oneshot(other.take().unwrap()))));
    assert_eq!(with - without, 2);
}
