//! A body that is streamed while its handler has long answered.

use cloakroom_actix::Session;
use cloakroom_cookie::Config;
use cloakroom_core::{ErrorKind, ManualClock, SessionOptions, Sessions, Timestamp};
use futures_util::{StreamExt, future::join_all, stream};

use crate::site::{Site, at, body, get_from, serve};

/// The kind of an error, as a line.
fn said<T: ToString>(outcome: Result<T, cloakroom_core::Error>) -> String {
    outcome.map_or_else(|error| format!("{:?}", error.kind()), |done| done.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_that_is_updated_within_bodies_is_exact_and_stored() {
    let lines = async |session: Session| {
        body(stream::iter(0..25).then(move |_| {
            let session = session.clone();
            async move { said(session.update("n", |n: &mut u64| *n += 1).await) }
        }))
    };
    let site = Site::serve(at("/lines", lines)).await;
    let key = site.visitor().await;
    let answers = join_all((0..4).map(|_| async { site.get(&key, "/lines").await.pieces().await })).await;
    let mut counted: Vec<u64> = answers.concat().iter().map(|line| line.parse().unwrap()).collect();
    counted.sort_unstable();
    assert_eq!(counted, (1..=100).collect::<Vec<u64>>());
    assert_eq!(site.text(&key, "/do/add:n").await, "101");
}

#[tokio::test]
async fn what_a_body_changes_and_does_not_save_is_not_stored() {
    let unsaved = async |session: Session| {
        body(stream::once(async move {
            session.insert("a", "2").unwrap();
            session.get::<String>("a").unwrap().unwrap()
        }))
    };
    let site = Site::serve(at("/unsaved", unsaved)).await;
    let key = site.visitor().await;
    assert_eq!(site.get(&key, "/unsaved").await.pieces().await, ["2"]);
    assert_eq!(site.text(&key, "/do/get:a").await, "1");
}

#[tokio::test]
async fn a_login_within_a_body_is_too_late_and_changes_nothing() {
    let login = async |session: Session| {
        body(stream::iter(["login", "discard"]).then(move |step| {
            let session = session.clone();
            async move {
                if step == "login" {
                    session.login("mallory").unwrap();
                    return said(session.save().await.map(|()| "done"));
                }
                // Given up, it is in the way of nothing else.
                session.discard();
                said(session.update("n", |n: &mut u64| *n += 1).await)
            }
        }))
    };
    let site = Site::serve(at("/login", login)).await;
    let key = site.visitor().await;
    let answer = site.get(&key, "/login").await;
    assert_eq!(answer.key, None);
    assert_eq!(answer.pieces().await, ["TooLate", "1"]);
    assert_eq!(site.text(&key, "/do/get:a").await, "1", "by the same key");
    let sessions = Sessions::new(std::sync::Arc::clone(&site.memory));
    assert_eq!(sessions.load(sessions.parse_key(&key)).await.unwrap().user(), None);

    let newcomer = site.get("", "/login").await;
    assert_eq!(newcomer.key, None);
    assert_eq!(newcomer.pieces().await, ["TooLate", "TooLate"], "there is no key to store it under");
    assert_eq!(site.records().await, 1);
}

#[tokio::test]
async fn a_logout_within_a_body_ends_the_session_although_the_browser_is_not_told() {
    let logout = async |session: Session| {
        body(stream::once(async move {
            session.logout();
            said(session.save().await.map(|()| "out"))
        }))
    };
    let site = Site::serve(at("/logout", logout)).await;
    let key = site.visitor().await;
    let answer = site.get(&key, "/logout").await;
    assert_eq!(answer.key, None, "the headers had left");
    assert_eq!(answer.pieces().await, ["out"]);
    assert_eq!(site.records().await, 0);
    assert_eq!(site.text(&key, "/do/get:a").await, "nothing");
}

#[tokio::test]
async fn a_save_before_the_first_byte_is_told_and_what_follows_goes_by_it() {
    let first = async |session: Session| {
        session.login("alice").unwrap();
        session.save().await.unwrap();
        body(stream::once(async move { said(session.update("n", |n: &mut u64| *n += 1).await) }))
    };
    let site = Site::serve(at("/first", first)).await;
    let answer = site.get("", "/first").await;
    let key = answer.key.clone().unwrap();
    assert_eq!(answer.pieces().await, ["1"]);
    assert_eq!(site.text(&key, "/do/add:n").await, "2");
}

#[tokio::test]
async fn the_end_that_a_body_has_moved_is_told_with_a_later_answer() {
    let clock = ManualClock::at(Timestamp::from_millis(1_800_000_000_000));
    let mut options = SessionOptions::default();
    options.clock = std::sync::Arc::new(clock.clone());
    let lines = async |session: Session| {
        body(stream::once(async move { said(session.update("n", |n: &mut u64| *n += 1).await) }))
    };
    let site = Site::serve_by(options, at("/lines", lines)).await;
    let key = site.visitor().await;
    clock.advance(std::time::Duration::from_hours(7 * 24));
    let answer = site.get(&key, "/lines").await;
    assert_eq!(answer.key, None, "its headers had left");
    assert_eq!(answer.pieces().await, ["1"]);
    assert_eq!(site.get(&key, "/do/set:a=2").await.key, Some(key));
}

#[tokio::test]
async fn of_a_session_that_is_in_the_cookie_everything_within_a_body_is_too_late() {
    let late = async |session: Session| {
        body(stream::iter(["update", "logout"]).then(move |step| {
            let session = session.clone();
            async move {
                if step == "update" {
                    return said(session.update("n", |n: &mut u64| *n += 1).await);
                }
                session.logout();
                said(session.save().await.map(|()| "out"))
            }
        }))
    };
    let cookies = Config::new("django-insecure-0123456789abcdefghijklmnopqrstuvwxyz").open().unwrap();
    let address = serve(Sessions::new(cookies), at("/late", late)).await;
    let key = get_from(address, "", "/do/set:a=1").await.key.unwrap();
    let late = ErrorKind::TooLate;
    assert_eq!(
        get_from(address, &key, "/late").await.pieces().await,
        [format!("{late:?}"), format!("{late:?}")]
    );
    assert_eq!(get_from(address, &key, "/do/get:a").await.status, 200);
}
