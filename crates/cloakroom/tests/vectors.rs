//! What a real Django did to sessions at logins and through its middleware, done here: each case of `django_vectors.json` that needs more
//! than a codec, by its id, in `django_session` in SQLite.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{COOKIE, SET_COOKIE, VARY};
use axum::http::{Request, Response, StatusCode};
use bytes::Bytes;
use cloakroom::core::{
    Addressing, ManualClock, Portable, Read, Record, Session, SessionBackend, SessionFormat, SessionKey,
    Stamp,
};
use cloakroom::db::{Backend, Config};
use cloakroom::django::{Pickled, Secrets, Signed, Site};
use cloakroom::tower::SessionLayer;
use cloakroom::{CookiePolicy, ErrorKind, SessionOptions, Sessions, Settings, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::{Layer, ServiceExt, service_fn};

/// What answers otherwise than Django, on purpose: the cookies that are set, the `Vary`, and why.
const OTHERWISE: [(&str, &[&str], Option<&str>, &str); 4] = [
    (
        "cookie-delete",
        &["sessionid=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; Max-Age=0; Path=/; SameSite=Lax"],
        Some("Cookie"),
        "a cookie is taken away with the attributes that it was set with, and what is empty needs no quotes",
    ),
    (
        "cookie-clear",
        &[],
        Some("Cookie"),
        "an unchanged key is sent again only when the browser's end must move by more than a tenth",
    ),
    (
        "cookie-short",
        &[],
        None,
        "a cookie is deleted only by the request that ended its session, and who did not ask for the session costs no header",
    ),
    (
        "cookie-samesite-false",
        &[],
        None,
        "SameSite can't be left out: browsers then do what they like, so the setting is refused",
    ),
];

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../cloakroom-django/tests/django_vectors.json")).unwrap()
}

fn cases(kind: &str) -> Vec<Value> {
    let all = vectors()["cases"].as_array().unwrap().clone();
    let cases: Vec<Value> = all.into_iter().filter(|case| case["kind"] == kind).collect();
    assert!(!cases.is_empty());
    cases
}

/// A table of Django's at the moment when the vectors were made, and the sessions in it.
struct Table {
    backend: Arc<Backend>,
    sessions: Sessions,
    format: Arc<Signed>,
    _folder: TempDir,
}

impl Table {
    async fn of(settings: &Value) -> Self {
        let all = vectors();
        let now = Timestamp::from_millis(all["frozen_unix_time"].as_u64().unwrap() * 1_000);
        let clock = Arc::new(ManualClock::at(now));
        let secrets = Secrets::new(all["settings"]["SECRET_KEY"].as_str().unwrap()).unwrap();
        let format = Arc::new(Signed::new(Site::new(secrets)));
        let folder = tempfile::tempdir().unwrap();
        let config = Config::new(format!("sqlite:{}/site.sqlite3", folder.path().display()));
        let backend = config.django(format.clone()).clock(clock.clone()).open().await.unwrap();
        backend.migrate().await.unwrap();
        let backend = Arc::new(backend);
        let mut options = SessionOptions::default();
        options.clock = clock;
        options.lifetime.at_browser_close = settings["SESSION_EXPIRE_AT_BROWSER_CLOSE"] == true;
        let sessions = Sessions::with(Arc::clone(&backend), options);
        Self { backend, sessions, format, _folder: folder }
    }

    /// Puts a session there as Django would have.
    async fn insert(&self, key: &SessionKey, session: &Value) {
        let now = self.sessions.options().clock.now();
        let payload = self.format.encode(&portable(session), now, 1 << 20).unwrap();
        let until = now.plus(Duration::from_hours(14 * 24));
        let record = Record::new(payload, until, None, Stamp { sequence: 1, nonce: 1 });
        self.backend.create(&key.id(), &record).await.unwrap();
    }

    async fn payload(&self, key: &SessionKey) -> Option<Bytes> {
        let stored = self.backend.load(&key.id(), Read::Latest).await.unwrap();
        stored.map(|stored| stored.record.payload)
    }

    /// All that Django would find under this key.
    async fn row(&self, key: &SessionKey) -> Option<Value> {
        let payload = self.payload(key).await?;
        Some(serde_json::from_str(&self.format.json(&payload).unwrap()).unwrap())
    }

    async fn session(&self, key: &SessionKey) -> Session {
        self.sessions.load(Some(key.clone())).await.unwrap()
    }
}

/// Any session, Django's own names among its entries: what a cache holds is not signed.
fn portable(session: &Value) -> Portable {
    let any = Pickled::new(Site::new(Secrets::new("any").unwrap()));
    any.decode(&Bytes::from(session.to_string())).unwrap()
}

fn key(text: &str) -> SessionKey {
    SessionKey::parse(text, Addressing::Verbatim).unwrap()
}

fn before() -> SessionKey {
    key("abcdefghijklmnopqrstuvwxyz012345")
}

#[tokio::test]
async fn a_login_makes_of_a_session_what_djangos_makes() {
    for case in cases("auth_login") {
        let (table, id, expected) = (Table::of(&case["settings"]).await, &case["id"], &case["expected"]);
        table.insert(&before(), &case["input"]["session_before"]).await;
        let session = table.session(&before()).await;
        let user = case["input"]["login_user_pk"].to_string();
        session.login_with_proof(&user, case["input"]["user_password_field"].as_str().unwrap()).unwrap();
        session.save().await.unwrap();
        let after = session.key().unwrap();
        assert_eq!(table.row(&after).await.as_ref(), Some(&expected["session_after"]), "{id}");
        assert_eq!(expected["key_changed"], after != before(), "{id}");
        assert_eq!(expected["old_row_exists"], table.row(&before()).await.is_some(), "{id}");
    }
}

/// The site has one user, whose number is 7.
#[tokio::test]
async fn who_is_logged_in_is_who_django_says() {
    let login = cases("auth_login").remove(0);
    let column = login["input"]["user_password_field"].as_str().unwrap();
    for case in cases("auth_get_user") {
        let (table, id, expected) = (Table::of(&case["settings"]).await, &case["id"], &case["expected"]);
        table.insert(&before(), &case["input"]["session_before"]).await;
        let row = table.payload(&before()).await;
        let session = table.session(&before()).await;
        let known = session.user().filter(|user| user == "7");
        let user = known.filter(|_| session.verify_login(column));
        assert_eq!(
            user.map(|user| json!(user.parse::<u8>().unwrap())).unwrap_or_default(),
            expected["user"],
            "{id}"
        );
        session.save().await.unwrap();
        assert_eq!(session.key().map_or("none", |_| "same"), expected["key"], "{id}");
        assert_eq!(expected["old_row_exists"], table.row(&before()).await.is_some(), "{id}");
        if expected["old_row_exists"] == true {
            assert_eq!(table.row(&before()).await.as_ref(), Some(&expected["session_after"]), "{id}");
            // The text is the same, its time and signature included: nothing was written.
            assert_eq!(table.payload(&before()).await, row, "{id}");
        }
    }
}

/// What a view of Django's did when the vectors were made.
async fn viewed(
    view: String,
    status: StatusCode,
    request: Request<Body>,
) -> Result<Response<Body>, cloakroom::tower::Error> {
    let asked = cloakroom::tower::Session::of(request.extensions());
    if let Some(rest) = view.strip_prefix("set") {
        let session = asked.await?;
        session.insert("a", 1)?;
        if rest.starts_with("_expiry(60)") {
            session.set_expiry(Duration::from_mins(1));
        }
    } else if view.starts_with("flush") {
        asked.await?.flush();
    } else if view.starts_with("clear") {
        asked.await?.clear();
    } else if view.starts_with("read") {
        assert_eq!(asked.await?.get("a")?, Some(1));
    } else {
        assert!(view.contains("untouched"), "{view}");
    }
    Ok(Response::builder().status(status).body(Body::empty()).unwrap())
}

/// A request with this cookie through the layer, to a view of that name: the cookies that are set, and `Vary`.
async fn answer(table: &Table, case: &Value) -> (Vec<String>, Option<String>) {
    let mut cookie = Settings::default().cookie;
    // Django's default. It is on here.
    cookie.secure = false;
    let layer = SessionLayer::with(table.sessions.clone(), CookiePolicy::new(cookie).unwrap());
    let layer = layer.save_every_request(case["settings"]["SESSION_SAVE_EVERY_REQUEST"] == true);
    let view = case["input"]["view"].as_str().unwrap().to_owned();
    let status =
        StatusCode::from_u16(u16::try_from(case["input"]["status"].as_u64().unwrap()).unwrap()).unwrap();
    let service = layer.layer(service_fn(move |request| viewed(view.clone(), status, request)));
    let mut request = Request::get("/");
    if let Some(cookie) = case["input"]["request_cookie"].as_str() {
        request = request.header(COOKIE, format!("sessionid={cookie}"));
    }
    let response = service.oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), status, "{}", case["id"]);
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap().to_owned();
    let cookies = response.headers().get_all(SET_COOKIE).iter().map(text).collect();
    (cookies, response.headers().get(VARY).map(text))
}

/// The name and value, and the attributes in no order: browsers read their names in any case.
fn parts(cookie: &str) -> (String, BTreeSet<String>) {
    let mut parts = cookie.split("; ");
    let pair = parts.next().unwrap().to_owned();
    let attribute = |part: &str| match part.split_once('=') {
        Some((name, value)) => format!("{}={value}", name.to_lowercase()),
        None => part.to_lowercase(),
    };
    (pair, parts.map(attribute).collect())
}

#[tokio::test]
async fn a_browser_is_told_what_djangos_middleware_tells_it() {
    for case in cases("set_cookie") {
        let (id, expected) = (case["id"].as_str().unwrap(), &case["expected"]);
        if case["settings"]["SESSION_COOKIE_SAMESITE"] == false {
            let refused = Settings::default().set("SESSION_COOKIE_SAMESITE", "False").unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Misconfigured, "{id}");
            continue;
        }
        let table = Table::of(&case["settings"]).await;
        if case["input"]["stored_before"].is_object() {
            table.insert(&before(), &case["input"]["stored_before"]).await;
        }
        let (cookies, vary) = answer(&table, &case).await;
        let theirs = expected["set_cookie"].as_array().unwrap().iter().map(|cookie| cookie.as_str().unwrap());
        let theirs: (Vec<&str>, Option<&str>) = (theirs.collect(), expected["vary"].as_str());
        let otherwise = OTHERWISE.iter().find(|(other, ..)| *other == id);
        let (wanted, wanted_vary) =
            otherwise.map_or_else(|| theirs.clone(), |(_, cookies, vary, _)| (cookies.to_vec(), *vary));
        // A key that is drawn here is another one than the vectors' own.
        let drawn = cookies.first().and_then(|cookie| cookie.split(['=', ';']).nth(1).map(str::to_owned));
        let key = drawn.filter(|key| !key.is_empty()).map_or_else(before, |drawn| key(&drawn));
        let wanted = wanted.iter().map(|cookie| parts(&cookie.replace(before().expose(), key.expose())));
        let seen: Vec<_> = cookies.iter().map(|cookie| parts(cookie)).collect();
        assert_eq!(seen, wanted.collect::<Vec<_>>(), "{id}");
        assert_eq!(vary.as_deref(), wanted_vary, "{id}");
        assert_eq!(expected["row_exists_after"], table.row(&key).await.is_some(), "{id}");
        // What is listed as different is different.
        let same = (seen, vary)
            == (theirs.0.iter().map(|cookie| parts(cookie)).collect(), theirs.1.map(str::to_owned));
        assert!(otherwise.is_none() || !same, "{id}");
    }
}

#[test]
fn what_is_answered_otherwise_is_a_case_and_has_a_reason() {
    let cases = cases("set_cookie");
    for (id, _, _, why) in OTHERWISE {
        assert!(cases.iter().any(|case| case["id"] == id) && !why.is_empty(), "{id}");
    }
}
