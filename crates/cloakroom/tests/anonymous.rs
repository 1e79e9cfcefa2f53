//! What nobody's requests leave behind: nothing.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(all(feature = "sqlite", feature = "axum"))]

use axum::Router;
use axum::body::Body;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use cloakroom::Settings;
use cloakroom::axum::{Error, Session};
use cloakroom::core::{Addressing, SessionKey};
use tower::ServiceExt as _;

const REQUESTS: usize = 100_000;

/// Looks at everything, and changes nothing that is left.
async fn look(session: Session) -> Result<String, Error> {
    let visits = session.get::<u64>("visits")?;
    session.insert("notice", "hello")?;
    session.remove("notice");
    session.clear();
    session.cycle_key();
    Ok(format!("{visits:?} {:?} {}", session.user(), session.is_empty()))
}

async fn leave(session: Session) {
    session.logout();
}

async fn begin(session: Session) -> Result<(), Error> {
    Ok(session.insert("visits", 1)?)
}

/// Of each ten one bears no cookie, and nine bear a key that somebody made up or something that is none.
fn cookie(n: usize) -> Option<String> {
    let made_up = || SessionKey::generate(Addressing::Hashed).unwrap().expose().to_owned();
    match n % 10 {
        0 => None,
        1 => Some("sessionid=".to_owned()),
        2 => Some(format!("sessionid={n}")),
        3 => Some(format!("sessionid=../../{n}; sessionid=a")),
        4 => Some(format!("sessionid={}", "a".repeat(n % 5_000))),
        5 => Some(format!("sessionid={n:032}")),
        _ => Some(format!("sessionid={}", made_up())),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_requests_of_nobody_leave_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.db_url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
    // The settings that look at and store most.
    settings.save_every_request = true;
    settings.set("SESSION_IDLE_TIMEOUT", "600").unwrap();
    settings.migrate().await.unwrap();
    let layer = settings.layer().await.unwrap();
    let sessions = layer.sessions().clone();
    let routes = Router::new().route("/", get(look)).route("/leave", get(leave));
    let site = routes.route("/begin", get(begin)).route("/asset", get(async || "ok")).layer(layer);
    let rows = async || sessions.backend().walk().unwrap().page(None, 10).await.unwrap().found.len();
    let ask = async |site: &Router, path: &str, cookie: Option<String>| {
        let request = Request::get(path);
        let request = cookie.into_iter().fold(request, |request, cookie| request.header(COOKIE, cookie));
        let response = site.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.headers().contains_key(SET_COOKIE)
    };
    let tasks: Vec<_> = (0..4)
        .map(|task| {
            let site = site.clone();
            tokio::spawn(async move {
                for n in (task..REQUESTS).step_by(4) {
                    let path = ["/", "/", "/leave", "/asset"][n / 10 % 4];
                    assert!(!ask(&site, path, cookie(n)).await, "request {n} got a cookie");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(rows().await, 0);
    // Whoever has something to remember is remembered: else nobody would have been.
    assert!(ask(&site, "/begin", cookie(9)).await);
    assert_eq!(rows().await, 1);
}
