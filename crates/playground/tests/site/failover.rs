//! Servers that die under the site: it says so, loses nobody's session, and goes on when they are back.

use std::time::{Duration, Instant};

use cloakroom_servers::{Cluster, MariaDb, Postgres, RedisConfig, Sentinel};
use serde_json::{Value, json};

use crate::program::Settings;
use crate::{Playground, Visitor};

/// Longer than a fail-over takes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);
/// A session's limit of 5 seconds, and what a busy machine adds.
const LIMIT: Duration = Duration::from_secs(7);

/// Servers are waited for on a thread of their own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it is done")
}

/// Somebody who is logged in, has a counter at 1, and is known to the site that uses these settings.
async fn logged_in(settings: Settings<'_>) -> (Playground, Visitor) {
    let site = Playground::with(settings).await;
    let mut visitor = site.visitor();
    visitor.login("alice").await;
    assert_eq!(visitor.post("/api/counter/n", "").await.json(), json!({"value": 1}));
    (site, visitor)
}

/// While its server is away the site answers 503 in time, and the cookie stays what it is.
async fn is_told_of_the_outage(visitor: &mut Visitor) {
    let cookie = visitor.cookie.clone();
    for (method, path) in [("GET", "/api/session"), ("POST", "/api/counter/n"), ("POST", "/api/logout")] {
        let started = Instant::now();
        let reply = visitor.send(method, path, "").await;
        assert!(started.elapsed() < LIMIT, "{method} {path}: {:?}", started.elapsed());
        assert_eq!((reply.status, reply.set_cookie()), (503, None), "{method} {path}: {reply:?}");
    }
    assert_eq!(visitor.cookie, cookie);
}

/// Sooner or later the site works again, for the same visitor, with nothing lost that was acknowledged.
async fn goes_on(visitor: &mut Visitor) {
    let started = Instant::now();
    loop {
        let reply = visitor.post("/api/counter/n", "").await;
        if reply.status == 200 {
            let counted = reply.json()["value"].as_i64().expect("a number");
            // What was answered 503 may have been done all the same.
            assert!(counted >= 2, "{counted}: an acknowledged count is lost");
            break;
        }
        assert_eq!((reply.status, reply.set_cookie()), (503, None), "{reply:?}");
        assert!(started.elapsed() < PATIENCE, "it does not recover");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(read(visitor).await["user"], "alice");
}

/// The session, which is read again sooner or later: one connection may hear of another primary after the next.
async fn read(visitor: &mut Visitor) -> Value {
    let started = Instant::now();
    loop {
        let reply = visitor.get("/api/session").await;
        if reply.status == 200 {
            return reply.json();
        }
        assert!(started.elapsed() < PATIENCE, "it does not recover");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Sooner or later the session is read again, with what was acknowledged.
async fn reads_again(visitor: &mut Visitor) {
    let session = read(visitor).await;
    assert_eq!((&session["user"], &session["data"]), (&json!("alice"), &json!({"n": 1})));
}

#[tokio::test]
#[ignore = "starts a server: cargo xtask test sees that it is installed"]
async fn a_killed_postgres_is_told_of_and_used_again_when_it_is_back() {
    let mut server = blocking(|| Postgres::start().expect("a server")).await;
    let (_site, mut visitor) = logged_in(&[("SESSION_DB_URL", &server.url())]).await;
    server.kill().expect("killed");
    is_told_of_the_outage(&mut visitor).await;
    let _server = blocking(move || server.restart().map(|()| server).expect("it starts again")).await;
    goes_on(&mut visitor).await;
}

#[tokio::test]
#[ignore = "starts a server: cargo xtask test sees that it is installed"]
async fn a_killed_mariadb_is_told_of_and_used_again_when_it_is_back() {
    let mut server = blocking(|| MariaDb::start().expect("a server")).await;
    let (_site, mut visitor) = logged_in(&[("SESSION_DB_URL", &server.url())]).await;
    server.kill().expect("killed");
    is_told_of_the_outage(&mut visitor).await;
    let _server = blocking(move || server.restart().map(|()| server).expect("it starts again")).await;
    goes_on(&mut visitor).await;
}

#[tokio::test]
#[ignore = "starts a server: cargo xtask test sees that it is installed"]
async fn a_killed_redis_that_keeps_what_it_has_is_used_again_when_it_is_back() {
    let mut server = blocking(|| RedisConfig::new().append_only().start().expect("a server")).await;
    let url = server.url().to_owned();
    let (_site, mut visitor) = logged_in(&[("SESSION_ENGINE", "cache"), ("SESSION_CACHE_URL", &url)]).await;
    server.kill().expect("killed");
    is_told_of_the_outage(&mut visitor).await;
    let _server = blocking(move || server.restart().map(|()| server).expect("it starts again")).await;
    goes_on(&mut visitor).await;
}

#[tokio::test]
#[ignore = "starts a server: cargo xtask test sees that it is installed"]
async fn a_cache_that_dies_in_front_of_a_database_logs_nobody_out_and_fails_nobody() {
    let mut server = blocking(|| RedisConfig::new().start().expect("a server")).await;
    let url = server.url().to_owned();
    let (_site, mut visitor) =
        logged_in(&[("SESSION_ENGINE", "cached_db"), ("SESSION_CACHE_URL", &url)]).await;
    server.kill().expect("killed");
    for n in 2..12 {
        assert_eq!(visitor.post("/api/counter/n", "").await.json(), json!({ "value": n }));
        assert_eq!(visitor.session().await["data"], json!({ "n": n }));
    }
    assert_eq!(visitor.post("/api/logout", "").await.status, 204);
}

#[tokio::test]
#[ignore = "starts servers: cargo xtask test sees that they are installed"]
async fn a_primary_that_sentinels_replace_takes_nothing_along_that_a_replica_has() {
    let mut servers = blocking(|| Sentinel::start().expect("servers")).await;
    let settings = [
        ("SESSION_ENGINE", "cache"),
        ("SESSION_CACHE_URL", &*servers.url()),
        ("SESSION_CACHE_REPLICAS", "1"),
    ];
    let (_site, mut visitor) = logged_in(&settings).await;
    let _servers = blocking(move || servers.kill_primary().map(|_| servers).expect("killed")).await;
    goes_on(&mut visitor).await;
}

#[tokio::test]
#[ignore = "starts servers: cargo xtask test sees that they are installed"]
async fn a_clusters_primary_that_dies_takes_nothing_along_that_its_replica_has() {
    let mut servers = blocking(|| Cluster::start().expect("servers")).await;
    let settings = [
        ("SESSION_ENGINE", "cache"),
        ("SESSION_CACHE_URL", &*servers.url()),
        ("SESSION_CACHE_REPLICAS", "1"),
    ];
    let (_site, mut visitor) = logged_in(&settings).await;
    let place =
        visitor.cookie.as_deref().and_then(|cookie| cookie.split('=').nth(1)).expect("a key")[..3].to_owned();
    let (mut servers, killed) = blocking(move || {
        let killed = servers.kill_primary_of(&format!("cloakroom:{{{place}}}")).expect("killed");
        (servers, killed)
    })
    .await;
    reads_again(&mut visitor).await;
    // What was its replica has none itself, and what none has is not acknowledged.
    let reply = visitor.post("/api/counter/n", "").await;
    assert_eq!((reply.status, reply.set_cookie()), (503, None), "{reply:?}");
    let _servers =
        blocking(move || servers.restart(killed).map(|()| servers).expect("it starts again")).await;
    goes_on(&mut visitor).await;
}
