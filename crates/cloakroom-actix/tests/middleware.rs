//! What only this adapter can show: dropped futures, late tasks, its errors, its patience, its workers, its allocations.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix_http::Request;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, fn_service};
use actix_web::http::StatusCode;
use actix_web::http::header::{COOKIE, SET_COOKIE};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, Handler, HttpMessage, HttpRequest, HttpResponse, HttpServer, Responder, web};
use cloakroom_actix::{Error, Session, SessionMiddleware};
use cloakroom_conformance::{Fault, Faulty, Gate, Operation};
use cloakroom_core::{Addressing, ErrorKind, Memory, SessionBackend, SessionKey, Sessions};
use futures_util::FutureExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// A store, a middleware over it, and the key of a session that is stored there.
async fn stored() -> (Arc<Memory>, SessionMiddleware, SessionKey) {
    let memory = Arc::new(Memory::new());
    let middleware = SessionMiddleware::new(Arc::clone(&memory));
    let session = middleware.sessions().load(None).await.unwrap();
    session.insert("a", 1).unwrap();
    session.save().await.unwrap();
    (memory, middleware, session.key().unwrap())
}

/// A site of one page.
async fn site<F, Args>(
    middleware: SessionMiddleware,
    handler: F,
) -> impl Service<Request, Response = ServiceResponse<impl MessageBody>, Error = actix_web::Error>
where
    F: Handler<Args>,
    Args: actix_web::FromRequest + 'static,
    F::Output: Responder + 'static,
{
    init_service(App::new().wrap(middleware).route("/", web::get().to(handler))).await
}

fn asked_by(key: &SessionKey) -> TestRequest {
    TestRequest::get().append_header((COOKIE, format!("sessionid={}", key.expose())))
}

fn request(key: &SessionKey) -> Request {
    asked_by(key).to_request()
}

fn newcomer() -> Request {
    TestRequest::get().to_request()
}

/// Asks, and leaves when that has happened.
async fn leave(asked: impl Future, reached: impl Future) {
    tokio::select! {
        _ = asked => panic!("it has answered"),
        _ = reached => {}
    }
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
    let (memory, middleware, key) = stored().await;
    let reached = Arc::new(Notify::new());
    let handler = {
        let reached = Arc::clone(&reached);
        move |session: Session| {
            let reached = Arc::clone(&reached);
            async move {
                session.logout();
                reached.notify_one();
                std::future::pending::<&'static str>().await
            }
        }
    };
    let site = site(middleware, handler).await;
    leave(site.call(request(&key)), reached.notified()).await;
    until_records(&memory, 0).await;
}

/// Also one that panics in a closure of the session's, or while it holds another handle.
#[tokio::test]
async fn a_logout_survives_a_handler_that_panics() {
    for within in [false, true] {
        let (memory, middleware, key) = stored().await;
        let handler = move |session: Session| async move {
            session.logout();
            let _other = session.clone();
            if within {
                session.update("n", |_: &mut i64| panic!("as planned")).await.unwrap();
            }
            assert!(within, "as planned");
            ""
        };
        let site = site(middleware, handler).await;
        let answer = AssertUnwindSafe(site.call(request(&key))).catch_unwind().await;
        assert!(answer.is_err());
        until_records(&memory, 0).await;
    }
}

#[tokio::test]
async fn a_commit_that_has_begun_survives_a_visitor_who_leaves() {
    let (memory, _, key) = stored().await;
    let slow = Faulty::new(Arc::clone(&memory));
    let gate = Gate::default();
    slow.fail(Operation::Rotate, Fault::Hold(gate.clone()));
    let handler = async |session: Session| {
        session.cycle_key();
        ""
    };
    let site = site(SessionMiddleware::new(slow), handler).await;
    leave(site.call(request(&key)), gate.reached()).await;
    gate.open();
    let sessions = Sessions::new(Arc::clone(&memory));
    let dead = async {
        while sessions.load(Some(key.clone())).await.unwrap().key().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), dead).await.unwrap();
    assert_eq!(records(&memory).await, 1);
}

/// The visitor has left, so that nothing holds the worker back.
#[tokio::test]
async fn a_commit_that_has_begun_survives_its_worker() {
    let (memory, _, key) = stored().await;
    let slow = Faulty::new(Arc::clone(&memory));
    let gate = Gate::default();
    slow.fail(Operation::Delete, Fault::Hold(gate.clone()));
    let middleware = SessionMiddleware::new(slow);
    let handler = async |session: Session| {
        session.logout();
        ""
    };
    let app = move || App::new().wrap(middleware.clone()).route("/", web::get().to(handler));
    let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    let serving = tokio::spawn(server);
    let mut visitor = TcpStream::connect(address).await.unwrap();
    let asked = format!("GET / HTTP/1.1\r\nHost: localhost\r\nCookie: sessionid={}\r\n\r\n", key.expose());
    visitor.write_all(asked.as_bytes()).await.unwrap();
    gate.reached().await;
    assert_eq!(records(&memory).await, 1);
    handle.stop(false).await;
    serving.await.unwrap().unwrap();
    let ended = async {
        while records(&memory).await > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap();
}

#[tokio::test]
async fn a_route_without_the_middleware_tells_the_developer_what_is_missing() {
    let app = App::new().route("/", web::get().to(async |_: Session| "never"));
    let response = init_service(app).await.call(newcomer()).await.unwrap();
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let kind = response.response().extensions().get::<Error>().unwrap().kind();
    assert_eq!(kind, ErrorKind::Misconfigured);
    let body = to_bytes(response.into_body()).await.ok().unwrap();
    assert!(body.starts_with(b"no SessionMiddleware around this route"), "{body:?}");
}

#[tokio::test]
async fn handlers_of_one_request_share_one_session_and_one_load() {
    let (memory, _, key) = stored().await;
    let faulty = Faulty::new(memory);
    let handler = async |first: Session, second: Session| {
        first.insert("b", 2).unwrap();
        assert_eq!(second.names(), ["a", "b"]);
        ""
    };
    let site = site(SessionMiddleware::new(faulty.clone()), handler).await;
    site.call(request(&key)).await.unwrap();
    assert_eq!(faulty.calls(), [Operation::Load, Operation::Save]);
}

#[tokio::test]
async fn a_failed_commit_leaves_its_error_for_the_application_to_render() {
    let (memory, _, key) = stored().await;
    let faulty = Faulty::new(memory);
    faulty.fail(Operation::Save, Fault::Refuse);
    let handler = async |session: Session| session.insert("b", 2).map(|()| "done").map_err(Error::from);
    let site = site(SessionMiddleware::new(faulty), handler).await;
    let response = site.call(request(&key)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let kind = response.response().extensions().get::<Error>().unwrap().kind();
    assert_eq!(kind, ErrorKind::Unavailable);
    assert_eq!(response.response().error().unwrap().as_error::<Error>().unwrap().kind(), kind);
}

#[tokio::test]
async fn a_rotation_whose_answer_a_failing_handler_did_not_wait_for_is_still_announced() {
    let (memory, _, key) = stored().await;
    let faulty = Faulty::new(Arc::clone(&memory));
    faulty.fail(Operation::Rotate, Fault::LoseReply);
    faulty.fail(Operation::Rotate, Fault::Hang);
    let handler = async |session: Session| {
        session.login("alice").unwrap();
        let patience = Duration::from_millis(20);
        assert!(tokio::time::timeout(patience, session.save()).await.is_err());
        HttpResponse::ServiceUnavailable().finish()
    };
    let site = site(SessionMiddleware::new(faulty), handler).await;
    let response = site.call(request(&key)).await.unwrap();
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let cookie = response.headers().get(SET_COOKIE).unwrap().to_str().unwrap();
    let new = cookie.strip_prefix("sessionid=").and_then(|rest| rest.split(';').next()).unwrap();
    let sessions = Sessions::new(memory);
    let again = sessions.load(sessions.parse_key(new)).await.unwrap();
    assert_eq!(again.user().as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_task_that_outlives_the_answer_can_save_a_session_whose_key_is_known() {
    let (memory, middleware, key) = stored().await;
    let (send, mut kept) = tokio::sync::mpsc::channel(2);
    let handler = move |session: Session| {
        send.try_send(session).unwrap();
        async { "" }
    };
    let site = site(middleware, handler).await;
    site.call(request(&key)).await.unwrap();
    site.call(newcomer()).await.unwrap();
    let (known, newcomer) = (kept.recv().await.unwrap(), kept.recv().await.unwrap());
    known.update("late", |n: &mut i64| *n += 1).await.unwrap();
    newcomer.insert("late", 1).unwrap();
    assert_eq!(newcomer.save().await.unwrap_err().kind(), ErrorKind::TooLate);
    assert_eq!(records(&memory).await, 1);
}

#[tokio::test]
async fn a_session_that_is_first_asked_for_after_the_answer_gets_no_new_key() {
    let (memory, middleware, key) = stored().await;
    let (send, mut kept) = tokio::sync::mpsc::channel(2);
    let handler = move |request: HttpRequest| {
        send.try_send(request).unwrap();
        async { "" }
    };
    let site = site(middleware, handler).await;
    site.call(request(&key)).await.unwrap();
    site.call(newcomer()).await.unwrap();
    for may_be_changed in [true, false] {
        let session = Session::of(&kept.recv().await.unwrap()).await.unwrap();
        assert_eq!(session.update("late", |n: &mut i64| *n += 1).await.is_ok(), may_be_changed);
        session.login("alice").unwrap();
        assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::TooLate);
    }
    assert_eq!(records(&memory).await, 1);
}

#[tokio::test]
async fn a_task_whose_visitor_has_left_can_not_take_the_key_from_the_browser() {
    let (_, middleware, key) = stored().await;
    let (send, mut kept) = tokio::sync::mpsc::channel(1);
    let handler = move |session: Session| {
        send.try_send(session).unwrap();
        std::future::pending::<&'static str>()
    };
    let site = site(middleware.clone(), handler).await;
    let mut session = None;
    leave(site.call(request(&key)), async { session = kept.recv().await }).await;
    let session = session.unwrap();
    session.cycle_key();
    assert_eq!(session.save().await.unwrap_err().kind(), ErrorKind::TooLate);
    assert!(middleware.sessions().load(Some(key)).await.unwrap().key().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_failed_answer_waits_a_second_for_a_silent_store_where_its_logout_goes_on() {
    let (memory, _, key) = stored().await;
    let slow = Faulty::new(Arc::clone(&memory));
    let gate = Gate::default();
    slow.fail(Operation::Delete, Fault::Hold(gate.clone()));
    let handler = async |session: Session| {
        session.logout();
        HttpResponse::BadGateway().finish()
    };
    let site = site(SessionMiddleware::new(slow), handler).await;
    let begun = tokio::time::Instant::now();
    let response = site.call(request(&key)).await.unwrap();
    assert_eq!(begun.elapsed().as_secs(), 1);
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert!(!response.headers().contains_key(SET_COOKIE), "nothing has ended yet");
    gate.open();
    until_records(&memory, 0).await;
}

#[test]
fn a_session_that_nobody_asks_for_costs_two_allocations() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let bare = || fn_service(async |request: ServiceRequest| Ok(request.into_response(HttpResponse::Ok())));
    let middleware = SessionMiddleware::new(Memory::new());
    let wrapped = runtime.block_on(middleware.new_transform(bare())).unwrap();
    let bare = bare();
    let key = SessionKey::generate(Addressing::Hashed).unwrap();
    // Extensions are a map that the first entry makes. A worker keeps the map for its next requests.
    let with_extensions = || {
        let request = asked_by(&key).to_srv_request();
        request.extensions_mut().insert(());
        request
    };
    // The first answers of a thread fill its pools.
    drop(runtime.block_on(bare.call(with_extensions())).unwrap());
    drop(runtime.block_on(wrapped.call(with_extensions())).unwrap());
    let count = |run: &mut dyn FnMut()| allocation_counter::measure(run).count_total;
    let (mut one, mut other) = (Some(with_extensions()), Some(with_extensions()));
    let without = count(&mut || drop(runtime.block_on(bare.call(one.take().unwrap())).unwrap()));
    let with = count(&mut || drop(runtime.block_on(wrapped.call(other.take().unwrap())).unwrap()));
    assert_eq!(with - without, 2);
}
