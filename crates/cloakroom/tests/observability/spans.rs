//! What spans and events say of loads and commits.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use cloakroom::core::{Read, Session, SessionBackend as _, Stamp};
use cloakroom::{ErrorKind, Memory, Sessions};
use cloakroom_conformance::{Fault, Faulty, Operation};
use tracing::Level;

use crate::heard::{Heard, Told, listen};

/// A session that is stored, and the engine that it is in.
async fn stored() -> (Faulty, Session) {
    let engine = Faulty::new(Memory::new());
    let session = Sessions::new(engine.clone()).load(None).await.unwrap();
    session.insert("n", 1).unwrap();
    session.save().await.unwrap();
    (engine, session)
}

/// The same session in another request.
async fn another(session: &Session) -> Session {
    session.sessions().load(session.key()).await.unwrap()
}

/// How a load of the session ends.
async fn loaded(heard: &Heard, session: &Session) -> Told {
    heard.forget();
    let _ = session.sessions().load(session.key()).await;
    heard.one("session.load")
}

#[tokio::test]
async fn a_load_tells_what_it_has_found_and_how_large_that_is() {
    let (heard, _guard) = listen();
    let (engine, session) = stored().await;
    let id = session.id().unwrap();
    let size = engine.load(&id, Read::Any).await.unwrap().unwrap().record.payload.len();

    let found = loaded(&heard, &session).await;
    assert_eq!((found.target, found.level), ("cloakroom", Level::DEBUG));
    assert_eq!((found.field("outcome"), found.field("bytes")), (Some("found"), Some(&*size.to_string())));
    engine.fail(Operation::Load, Fault::Refuse);
    assert_eq!(loaded(&heard, &session).await.field("outcome"), Some("unavailable"));
    engine.delete(&id, None).await.unwrap();
    let absent = loaded(&heard, &session).await;
    assert_eq!((absent.field("outcome"), absent.field("bytes")), (Some("absent"), None));
}

#[tokio::test]
async fn a_visitor_without_a_cookie_is_not_told_of() {
    let (heard, _guard) = listen();
    Sessions::new(Memory::new()).load(None).await.unwrap();
    assert!(heard.named("session.load").is_empty());
}

#[tokio::test]
async fn what_does_not_decode_is_a_warning_within_its_load() {
    let (heard, _guard) = listen();
    let (engine, session) = stored().await;
    let id = session.id().unwrap();
    let there = engine.load(&id, Read::Latest).await.unwrap().unwrap();
    let mut damaged = there.record.clone();
    damaged.payload = "no session".into();
    damaged.stamp = Stamp { sequence: 9, nonce: 9 };
    engine.save(&id, &damaged, &there.revision).await.unwrap();

    assert_eq!(loaded(&heard, &session).await.field("outcome"), Some("corrupt"));
    let warning = heard.one("session.unreadable");
    assert_eq!((warning.target, warning.level), ("cloakroom", Level::WARN));
    assert_eq!(warning.within, Some("session.load"));
    assert!(warning.field("error").is_some());
}

#[tokio::test]
async fn a_commit_tells_its_attempts_its_conflicts_and_its_bytes() {
    let (_, session) = stored().await;
    let other = another(&session).await;
    session.insert("a", 1).unwrap();
    session.save().await.unwrap();
    let (heard, _guard) = listen();
    other.insert("b", 1).unwrap();
    other.save().await.unwrap();

    let commit = heard.one("session.commit");
    assert_eq!((commit.target, commit.level), ("cloakroom", Level::DEBUG));
    let told = ["outcome", "attempts", "conflicts"].map(|name| commit.field(name).unwrap());
    assert_eq!(told, ["done", "2", "1"]);
    let id = other.id().unwrap();
    let there = other.sessions().backend().load(&id, Read::Any).await.unwrap().unwrap();
    assert_eq!(commit.field("bytes").unwrap(), there.record.payload.len().to_string());
    let conflict = heard.one("session.conflict");
    assert_eq!((conflict.level, conflict.within), (Level::DEBUG, Some("session.commit")));
}

#[tokio::test]
async fn an_interruption_is_told_once_however_often_the_request_tries() {
    let (heard, _guard) = listen();
    let (_, session) = stored().await;
    let other = another(&session).await;
    session.flush();
    session.save().await.unwrap();
    heard.forget();
    other.insert("b", 1).unwrap();
    for _ in 0..3 {
        assert_eq!(other.save().await.unwrap_err().kind(), ErrorKind::Interrupted);
    }
    assert_eq!(heard.one("session.interrupted").within, Some("session.commit"));
    let commits = heard.named("session.commit");
    assert!(commits.iter().all(|commit| commit.field("outcome") == Some("interrupted")), "{commits:?}");
}

#[tokio::test]
async fn a_reload_that_finds_nothing_is_an_interruption() {
    let (heard, _guard) = listen();
    let (_, session) = stored().await;
    let other = another(&session).await;
    session.flush();
    session.save().await.unwrap();
    for _ in 0..2 {
        assert_eq!(other.reload().await.unwrap_err().kind(), ErrorKind::Interrupted);
    }
    assert_eq!(heard.one("session.interrupted").within, Some("session.reload"));
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_and_told() {
    let (engine, session) = stored().await;
    let (heard, _guard) = listen();
    engine.fail(Operation::Save, Fault::LoseReply);
    session.insert("n", 2).unwrap();
    session.save().await.unwrap();
    let retry = heard.one("session.retry");
    assert_eq!((retry.level, retry.within), (Level::DEBUG, Some("session.commit")));
    assert!(retry.field("error").is_some());
    assert_eq!(heard.one("session.commit").field("attempts"), Some("2"));
}

#[tokio::test]
async fn a_commit_that_is_dropped_tells_what_it_had_sent_and_no_outcome() {
    let (engine, session) = stored().await;
    let (heard, _guard) = listen();
    engine.fail(Operation::Save, Fault::Hang);
    session.insert("n", 2).unwrap();
    {
        let mut save = pin!(session.save());
        poll_fn(|context| Poll::Ready(save.as_mut().poll(context).is_pending())).await;
    }
    let commit = heard.one("session.commit");
    assert_eq!((commit.field("attempts"), commit.field("outcome")), (Some("1"), None));
}

#[tokio::test]
async fn a_user_who_may_have_logged_in_too_often_is_a_warning() {
    let engine = Faulty::new(Memory::new());
    let mut options = cloakroom::SessionOptions::default();
    let most = std::num::NonZeroU32::MIN;
    options.login_limit = Some(cloakroom::LoginLimit::new(most, cloakroom::LoginPolicy::EndOldest));
    let session = Sessions::with(engine.clone(), options).load(None).await.unwrap();
    let (heard, _guard) = listen();
    engine.fail(Operation::List, Fault::Refuse);
    session.login("somebody").unwrap();
    session.save().await.unwrap();
    assert_eq!(heard.one("session.login_limit_fails").level, Level::WARN);
}

#[tokio::test]
async fn a_cache_that_fails_is_one_warning_while_it_rests() {
    use cloakroom::core::{Cached, SystemClock};
    use cloakroom_conformance::{Shelf, Trouble};

    let shelf = Shelf::new(Arc::new(SystemClock), true);
    let sessions = Sessions::new(Cached::new(Memory::new(), shelf.clone()));
    let session = sessions.load(None).await.unwrap();
    let (heard, _guard) = listen();
    shelf.suffer(Some(Trouble::Down));
    for n in 0..3 {
        session.insert("n", n).unwrap();
        session.save().await.unwrap();
    }
    assert_eq!(heard.one("session.cache_fails").level, Level::WARN);
}

#[tokio::test]
async fn a_store_that_fails_is_told_with_its_reason_for_a_load_and_for_a_commit() {
    let (engine, session) = stored().await;
    let (heard, _guard) = listen();
    engine.fail(Operation::Load, Fault::Refuse);
    session.sessions().load(session.key()).await.unwrap_err();
    let told = heard.one("session.store_fails");
    assert_eq!((told.level, told.within), (Level::WARN, Some("session.load")));
    assert!(told.field("error").is_some());
    heard.forget();
    engine.fail(Operation::Save, Fault::Refuse);
    session.insert("n", 2).unwrap();
    session.save().await.unwrap_err();
    assert_eq!(heard.one("session.store_fails").within, Some("session.commit"));
}

#[cfg(feature = "axum")]
mod of_requests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use axum::routing::get;
    use cloakroom::axum::{Session, SessionLayer};
    use tower::ServiceExt as _;
    use tracing::{Instrument as _, info_span};

    use super::*;

    #[tokio::test]
    async fn a_commit_is_told_within_the_span_of_its_request() {
        let (heard, _guard) = listen();
        let handler = async |session: Session| session.insert("n", 1).unwrap();
        let site = Router::new().route("/", get(handler)).layer(SessionLayer::new(Memory::new()));
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = site.oneshot(request).instrument(info_span!("request")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(heard.one("session.commit").within, Some("request"));
    }
}
