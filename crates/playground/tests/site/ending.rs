//! The contract's table: when a session ends.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Playground;

#[tokio::test]
async fn an_expiry_in_seconds_is_told_to_the_browser() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    let reply = visitor.post("/api/expiry", r#"{"seconds": 300}"#).await;
    assert_eq!(reply.status, 204);
    let age = reply.set_cookie().and_then(|cookie| cookie.split("Max-Age=").nth(1)).expect("an age");
    let age: u32 = age.split(';').next().expect("digits").parse().expect("a number");
    assert!((280..=300).contains(&age), "{age}");
}

#[tokio::test]
async fn a_session_ends_when_its_seconds_are_over_and_not_before() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    let started = Instant::now();
    visitor.post("/api/expiry", r#"{"seconds": 2}"#).await;
    while visitor.session().await["data"] == json!({"a": 1}) {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(started.elapsed() >= Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(visitor.session().await["created_at"], Value::Null);
}

#[tokio::test]
async fn an_expiry_of_zero_seconds_is_until_the_browser_closes_and_default_undoes_it() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    let reply = visitor.post("/api/expiry", r#"{"seconds": 0}"#).await;
    assert!(!reply.set_cookie().expect("a cookie").contains("Max-Age"));
    assert_eq!(visitor.session().await["expires_at_browser_close"], true);
    visitor.post("/api/expiry", r#"{"default": true}"#).await;
    assert_eq!(visitor.session().await["expires_at_browser_close"], false);
}

#[tokio::test]
async fn an_expiry_may_be_a_moment_and_a_past_one_ends_the_session() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    visitor.post("/api/expiry", r#"{"at": "2150-01-01T12:00:00+02:00"}"#).await;
    assert_eq!(visitor.session().await["expires_at"], "2150-01-01T10:00:00Z");
    let reply = visitor.post("/api/expiry", r#"{"at": "2001-01-01T00:00:00Z"}"#).await;
    assert_eq!(reply.status, 204);
    assert!(reply.set_cookie().is_some_and(|cookie| cookie.contains("Max-Age=0")), "{reply:?}");
    assert_eq!(site.rows().await, 0);
}

#[tokio::test]
async fn an_expiry_however_far_is_accepted() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    for body in [r#"{"seconds": 18446744073709551615}"#, r#"{"seconds": 9999999999999999999999999}"#] {
        assert_eq!(visitor.post("/api/expiry", body).await.status, 204);
        assert_eq!(visitor.session().await["expires_at"], "9999-12-31T23:59:59.999Z");
    }
}

#[tokio::test]
async fn an_expiry_that_is_none_is_refused() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    for body in
        ["", "{}", r#"{"seconds": -1}"#, r#"{"seconds": 1.5}"#, r#"{"at": "soon"}"#, r#"{"default": 0}"#]
    {
        let reply = visitor.post("/api/expiry", body).await;
        assert_eq!(reply.status, 400, "{body}");
        reply.error();
    }
}
