//! The contract on every engine, chosen by the environment alone.

use serde_json::{Value, json};

use crate::program::Settings;
use crate::{Playground, Reply, Visitor};

/// A test of each promise for each engine; one that needs a server is ignored unless asked for.
macro_rules! engines {
    ($($engine:ident $({$ignored:meta})? = $settings:expr;)*) => {
        $(mod $engine {
            engines!(@each {$($ignored)?} $settings;
                every_kind_of_change_is_kept
                a_login_changes_the_key_and_a_logout_ends_the_session
                parallel_changes_and_counts_all_survive
                a_logout_overtakes_a_slow_change
                ones_devices_are_listed_and_logged_out
                an_idle_session_that_is_visited_stays
                what_is_too_large_is_refused_and_the_session_stays
            );
        })*
    };
    (@each $ignored:tt $settings:expr; $($promise:ident)*) => {
        $(engines!(@one $ignored $settings; $promise);)*
    };
    (@one {$($ignored:meta)?} $settings:expr; $promise:ident) => {
        #[tokio::test]
        $(#[$ignored])?
        async fn $promise() {
            let settings: Vec<(&str, String)> = $settings;
            super::$promise(&super::borrowed(&settings)).await;
        }
    };
}

engines! {
    memory = vec![("SESSION_ENGINE", "cache".into())];
    file = vec![("SESSION_ENGINE", "file".into())];
    file_sealed = vec![("SESSION_ENGINE", "file".into()), ("SESSION_SEAL_KEYS", super::SEAL_KEY.into())];
    sqlite_sealed = vec![("SESSION_SEAL_KEYS", super::SEAL_KEY.into())];
    sqlite_cached_in_process = vec![("SESSION_ENGINE", "cached_db".into())];
    signed_cookies = vec![("SESSION_ENGINE", "signed_cookies".into()), ("SECRET_KEY", super::SECRET.into())];
    sealed_cookies = vec![
        ("SESSION_ENGINE", "signed_cookies".into()),
        ("SECRET_KEY", super::SECRET.into()),
        ("SESSION_SEAL_KEYS", super::SEAL_KEY.into()),
    ];
    postgres {ignore = "needs a server: cargo xtask test starts one"} = vec![
        ("SESSION_DB_URL", super::server("POSTGRES_URL")),
    ];
    mariadb {ignore = "needs a server: cargo xtask test starts one"} = vec![
        ("SESSION_DB_URL", super::server("MARIADB_URL")),
    ];
    redis {ignore = "needs a server: cargo xtask test starts one"} = vec![
        ("SESSION_ENGINE", "cache".into()),
        ("SESSION_CACHE_URL", super::server("REDIS_URL")),
    ];
    redis_cluster {ignore = "needs a server: cargo xtask test starts one"} = vec![
        ("SESSION_ENGINE", "cache".into()),
        ("SESSION_CACHE_URL", super::server("REDIS_CLUSTER_URL")),
    ];
    redis_sentinel {ignore = "needs a server: cargo xtask test starts one"} = vec![
        ("SESSION_ENGINE", "cache".into()),
        ("SESSION_CACHE_URL", super::server("REDIS_SENTINEL_URL")),
    ];
    postgres_cached_in_redis {ignore = "needs a server: cargo xtask test starts one"} = vec![
        ("SESSION_ENGINE", "cached_db".into()),
        ("SESSION_DB_URL", super::server("POSTGRES_URL")),
        ("SESSION_CACHE_URL", super::server("REDIS_URL")),
        ("SESSION_SEAL_KEYS", super::SEAL_KEY.into()),
    ];
}

const SECRET: &str = "a secret key of the tests that is long enough for any engine";
const SEAL_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The URL of a server that whoever runs the tests has started.
fn server(name: &str) -> String {
    std::env::var(name).expect("the URL of a server: cargo xtask test starts one")
}

fn borrowed<'s>(settings: &'s [(&'s str, String)]) -> Vec<(&'s str, &'s str)> {
    settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// Whether sessions are kept at the site; if not, each cookie is its session, and nobody can take it back.
fn keeps(settings: Settings<'_>) -> bool {
    !settings.contains(&("SESSION_ENGINE", "signed_cookies"))
}

fn engine(settings: Settings<'_>) -> &str {
    settings.iter().find(|(name, _)| *name == "SESSION_ENGINE").map_or("db", |(_, engine)| engine)
}

/// A name that nobody else has, on servers that tests share.
fn somebody() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    format!("alice {}", folder.path().display())
}

async fn every_kind_of_change_is_kept(settings: Settings<'_>) {
    let site = Playground::with(settings).await;
    let mut visitor = site.visitor();
    assert_eq!(visitor.session().await["engine"], engine(settings));
    assert_eq!(visitor.put("/api/session/a", "[1]").await.status, 204);
    assert_eq!(visitor.put("/api/session/b", "\"ü\"").await.status, 204);
    assert_eq!(visitor.delete("/api/session/a").await.status, 204);
    assert_eq!(visitor.delete("/api/session/a").await.status, 404);
    assert_eq!(visitor.get("/api/session/b").await.body, "\"ü\"");
    for n in 1..=3 {
        assert_eq!(visitor.post("/api/counter/n", "").await.json(), json!({ "value": n }));
        assert_eq!(visitor.get("/visits").await.body, format!("You have visited this page {n} times."));
    }
    assert_eq!(visitor.post("/api/test-cookie", "").await.status, 204);
    assert_eq!(visitor.get("/api/test-cookie").await.json(), json!({"worked": true}));
    assert_eq!(visitor.post("/api/expiry", r#"{"at": "2150-01-01T12:00:00Z"}"#).await.status, 204);
    assert_eq!(visitor.session().await["expires_at"], "2150-01-01T12:00:00Z");
    assert_eq!(visitor.post("/api/expiry", r#"{"seconds": 0}"#).await.status, 204);
    assert_eq!(visitor.session().await["expires_at_browser_close"], true);
    assert_eq!(
        visitor.session().await["data"],
        json!({"b": "ü", "n": 3, "testcookie": "worked", "visits": 3})
    );
    let page = visitor.clone().who_reads().get("/").await;
    assert_eq!(page.status, 200);
    assert_eq!(visitor.get("/ping").await.body, "pong");
    let past = visitor.post("/api/expiry", r#"{"at": "2001-01-01T00:00:00Z"}"#).await;
    assert!(past.set_cookie().is_some_and(|cookie| cookie.contains("Max-Age=0")), "{past:?}");
    assert_eq!(visitor.session().await["created_at"], Value::Null);
}

async fn a_login_changes_the_key_and_a_logout_ends_the_session(settings: Settings<'_>) {
    let site = Playground::with(settings).await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/cart", "[1]").await;
    let mut before = visitor.clone();
    visitor.login("alice").await;
    assert_ne!(visitor.cookie, before.cookie);
    let session = visitor.session().await;
    assert_eq!((&session["user"], &session["data"]), (&json!("alice"), &json!({"cart": [1]})));
    let left = before.session().await;
    // The documented limit shows: a cookie that is its session can't be taken back.
    let left_behind = if keeps(settings) { json!({}) } else { json!({"cart": [1]}) };
    assert_eq!((&left["user"], &left["data"]), (&Value::Null, &left_behind));

    let mut old = visitor.clone();
    assert_eq!(visitor.post("/api/cycle-key", "").await.status, 204);
    assert_eq!(old.session().await["user"], if keeps(settings) { Value::Null } else { json!("alice") });
    visitor.login("bob").await;
    assert_eq!(visitor.session().await["data"], json!({}), "another user's data is dropped");
    let reply = visitor.post("/api/logout", "").await;
    assert_eq!(reply.status, 204);
    assert!(reply.set_cookie().is_some_and(|cookie| cookie.starts_with("sessionid=;")), "{reply:?}");
    assert_eq!(visitor.cookie, None);
}

async fn parallel_changes_and_counts_all_survive(settings: Settings<'_>) {
    let site = Playground::with(settings).await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/first", "1").await;
    let mut tasks = Vec::new();
    for n in 0..16 {
        tasks.push(under_way(&visitor, "PUT", format!("/api/session/n{n}?delay_ms=20")));
        tasks.push(under_way(&visitor, "POST", "/api/counter/n?delay_ms=20".into()));
    }
    for task in tasks {
        let reply = task.await.expect("an answer");
        assert!([200, 204].contains(&reply.status), "{reply:?}");
    }
    let session = visitor.session().await;
    let names = session["data"].as_object().expect("an object").len();
    // The documented limit shows: each answer bears its own session, and this browser has kept none of them.
    let expected = if keeps(settings) { (18, json!(16)) } else { (1, Value::Null) };
    assert_eq!((names, session["data"]["n"].clone()), expected, "{session}");
}

async fn a_logout_overtakes_a_slow_change(settings: Settings<'_>) {
    let site = Playground::with(settings).await;
    let mut visitor = site.visitor();
    visitor.login("alice").await;
    let mut before = visitor.clone();
    let slow = under_way(&visitor, "PUT", "/api/session/late?delay_ms=700".into());
    tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    visitor.post("/api/logout", "").await;
    let reply = slow.await.expect("an answer");
    if keeps(settings) {
        assert_eq!((reply.status, reply.set_cookie()), (400, None), "{reply:?}");
        assert_eq!(before.session().await["user"], Value::Null);
    } else {
        // The documented limit shows: nobody can know that it was ended.
        assert_eq!(reply.status, 204);
        assert_eq!(before.session().await["user"], "alice");
    }
}

async fn ones_devices_are_listed_and_logged_out(settings: Settings<'_>) {
    let site = Playground::with(settings).await;
    let (mut phone, mut desk, user) = (site.visitor(), site.visitor(), somebody());
    phone.login(&user).await;
    desk.login(&user).await;
    let devices = phone.get("/api/devices").await;
    if !keeps(settings) {
        assert_eq!(devices.status, 501, "{devices:?}");
        assert_eq!(phone.post("/api/logout-everywhere", "").await.status, 501);
        return;
    }
    assert_eq!(devices.json().as_array().map(Vec::len), Some(2), "{devices:?}");
    let reply = phone.post("/api/logout-everywhere", "").await;
    assert_eq!((reply.status, reply.json()), (200, json!({"revoked": 2})));
    assert_eq!(desk.session().await["user"], Value::Null);
}

async fn an_idle_session_that_is_visited_stays(settings: Settings<'_>) {
    let with_idle = [settings, &[("SESSION_IDLE_TIMEOUT", "3")]].concat();
    let site = Playground::with(&with_idle).await;
    let (mut busy, mut idle) = (site.visitor(), site.visitor());
    busy.login("alice").await;
    idle.login("alice").await;
    for _ in 0..12 {
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        assert_eq!(busy.session().await["user"], "alice");
    }
    assert_eq!(idle.session().await["user"], Value::Null);
}

async fn what_is_too_large_is_refused_and_the_session_stays(settings: Settings<'_>) {
    let site = Playground::with(settings).await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    let length = if keeps(settings) { (1 << 20) + 1 } else { 5_000 };
    let digits: String = "1234567".chars().cycle().take(length).collect();
    let reply = visitor.put("/api/session/b", &digits).await;
    assert_eq!((reply.status, reply.set_cookie()), (413, None), "{reply:?}");
    assert_eq!(visitor.session().await["data"], json!({"a": 1}));
}

fn under_way(visitor: &Visitor, method: &'static str, path: String) -> tokio::task::JoinHandle<Reply> {
    let visitor = visitor.clone();
    tokio::spawn(async move { visitor.try_send(method, &path, "1").await.expect("an answer") })
}
