//! The contract's table: values, counters, and what holds for every row.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::seconds;
use crate::{Playground, Visitor};

const ROUTES: [(&str, &str); 17] = [
    ("GET", "/"),
    ("GET", "/ping"),
    ("GET", "/visits"),
    ("GET", "/api/session"),
    ("PUT", "/api/session/a"),
    ("GET", "/api/session/a"),
    ("DELETE", "/api/session/a"),
    ("POST", "/api/counter/a"),
    ("POST", "/api/login"),
    ("POST", "/api/logout"),
    ("POST", "/api/flush"),
    ("POST", "/api/cycle-key"),
    ("POST", "/api/expiry"),
    ("POST", "/api/test-cookie"),
    ("GET", "/api/test-cookie"),
    ("GET", "/api/devices"),
    ("POST", "/api/logout-everywhere"),
];

#[tokio::test]
async fn ping_never_touches_the_session() {
    // With these two every request that bears a cookie is looked at, unless it never touches the session.
    let site =
        Playground::with(&[("SESSION_SAVE_EVERY_REQUEST", "true"), ("SESSION_IDLE_TIMEOUT", "100")]).await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    let pong = visitor.get("/ping").await;
    assert_eq!((pong.status, pong.body.as_str()), (200, "pong"));
    assert_eq!((pong.set_cookie(), pong.header("vary")), (None, None));
    assert!(visitor.get("/api/session").await.set_cookie().is_some(), "other requests are looked at");
}

#[tokio::test]
async fn visits_are_counted_and_told() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    for n in 1..=3 {
        let reply = visitor.get("/visits").await;
        assert_eq!(reply.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(reply.body, format!("You have visited this page {n} times."));
    }
}

#[tokio::test]
async fn a_visitor_with_nothing_to_remember_is_told_so() {
    let site = Playground::start().await;
    assert_eq!(
        site.visitor().session().await,
        json!({"engine": "db", "data": {}, "user": null, "created_at": null, "expires_at": null,
               "expires_at_browser_close": false})
    );
}

#[tokio::test]
async fn a_session_is_told_with_its_data_in_order_and_its_times() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    for (name, value) in [("zebra", "1"), ("apple", r#"{"b": 1, "a": [null]}"#), ("mango", "\"x\"")] {
        visitor.put(&format!("/api/session/{name}"), value).await;
    }
    visitor.login("alice").await;
    let reply = visitor.get("/api/session").await;
    assert!(
        reply.body.contains(r#""data":{"zebra":1,"apple":{"b": 1, "a": [null]},"mango":"x"}"#),
        "{}",
        reply.body
    );
    let session = reply.json();
    assert_eq!(session["user"], "alice");
    let days = seconds(&session["expires_at"]) - seconds(&session["created_at"]);
    assert!((1_209_600..1_209_630).contains(&days), "{session}");
}

#[tokio::test]
async fn any_json_value_comes_back_exactly_as_it_was_put() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    for value in [
        "null",
        "true",
        "-0.10e+2",
        "123456789012345678901234567890",
        "\"\\u0000 ü \\ud83d\\ude00 \"",
        r#"{"b" : 1,"a":1, "a" : 2}"#,
        "[]",
        &deep,
    ] {
        assert_eq!(visitor.put("/api/session/a", value).await.status, 204, "{value}");
        let reply = visitor.get("/api/session/a").await;
        assert_eq!(reply.header("content-type"), Some("application/json"));
        assert_eq!((reply.status, reply.body.as_str()), (200, value));
    }
}

#[tokio::test]
async fn a_name_may_be_any_text() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    for (path, name) in [("a%2Fb", "a/b"), ("%C3%BC%20x", "ü x"), ("%00", "\0"), ("..a", "..a"), ("%25", "%")]
    {
        assert_eq!(visitor.put(&format!("/api/session/{path}"), "1").await.status, 204, "{path}");
        assert_eq!(visitor.session().await["data"][name], 1, "{path}");
        assert_eq!(visitor.delete(&format!("/api/session/{path}")).await.status, 204, "{path}");
    }
    assert_eq!(visitor.put("/api/session/%FF", "1").await.status, 400);
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_and_stores_nothing() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    for body in ["", "a", "{", "1 2", "{'a': 1}", "NaN", "[1,]"] {
        let reply = visitor.put("/api/session/a", body).await;
        assert_eq!((reply.status, reply.set_cookie()), (400, None), "{body}");
        assert!(reply.error().contains("JSON"));
    }
    assert_eq!(site.rows().await, 0);
}

#[tokio::test]
async fn the_frameworks_own_names_are_refused() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    for name in ["_auth_user_id", "_auth_user", "_auth_user_backend", "_session_expiry"] {
        for (method, path) in [("PUT", "session"), ("POST", "counter")] {
            let reply = visitor.send(method, &format!("/api/{path}/{name}"), "1").await;
            assert_eq!(reply.status, 400, "{method} {name}");
            assert!(reply.error().contains("reserved"));
        }
    }
    assert_eq!(site.rows().await, 0);
}

#[tokio::test]
async fn what_is_not_there_can_be_neither_read_nor_deleted() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    for method in ["GET", "DELETE"] {
        let reply = visitor.send(method, "/api/session/a", "").await;
        assert_eq!(reply.status, 404);
        assert!(reply.error().contains("\"a\""));
    }
    visitor.put("/api/session/a", "1").await;
    assert_eq!(visitor.delete("/api/session/a").await.status, 204);
    assert_eq!(visitor.get("/api/session/a").await.status, 404);
}

#[tokio::test]
async fn what_is_too_large_is_refused_by_the_session_and_far_above_that_by_the_site() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    for (size, sentence) in
        [((1 << 20) + 1, "session can hold"), (3 << 20, "session can hold"), ((4 << 20) + 1, "4 MiB")]
    {
        let reply = visitor.put("/api/session/b", &"1".repeat(size)).await;
        assert_eq!((reply.status, reply.set_cookie()), (413, None), "{size}");
        assert!(reply.error().contains(sentence), "{size}");
    }
    assert_eq!(visitor.session().await["data"], json!({"a": 1}));
}

#[tokio::test]
async fn a_counter_adds_one_and_stops_at_the_largest_number() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    for n in 1..=3 {
        let reply = visitor.post("/api/counter/n", "").await;
        assert_eq!((reply.status, reply.json()), (200, json!({ "value": n })));
    }
    visitor.put("/api/session/n", &i64::MAX.to_string()).await;
    assert_eq!(visitor.post("/api/counter/n", "").await.json(), json!({ "value": i64::MAX }));
}

#[tokio::test]
async fn a_value_that_is_no_whole_number_is_not_counted_and_stays() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    for value in ["\"1\"", "null", "[1]", "1.5", "true", "99999999999999999999999999"] {
        visitor.put("/api/session/n", value).await;
        let reply = visitor.post("/api/counter/n", "").await;
        assert_eq!(reply.status, 400, "{value}");
        assert!(reply.error().contains("number"));
        assert_eq!(visitor.get("/api/session/n").await.body, value);
    }
    assert_eq!(visitor.put("/api/session/visits", "\"many\"").await.status, 204);
    assert_eq!(visitor.get("/visits").await.status, 400);
}

#[tokio::test]
async fn the_test_cookie_works_for_a_browser_that_brings_it_back() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    assert_eq!(visitor.get("/api/test-cookie").await.json(), json!({"worked": false}));
    assert_eq!(visitor.post("/api/test-cookie", "").await.status, 204);
    assert_eq!(visitor.get("/api/test-cookie").await.json(), json!({"worked": true}));
    assert_eq!(site.visitor().get("/api/test-cookie").await.json(), json!({"worked": false}));
}

#[tokio::test]
async fn every_route_waits_when_it_is_asked_to() {
    let site = Playground::start().await;
    for (method, path) in ROUTES {
        let started = Instant::now();
        site.visitor().send(method, &format!("{path}?delay_ms=120"), "1").await;
        assert!(started.elapsed() >= Duration::from_millis(120), "{method} {path}");
    }
}

#[tokio::test]
async fn every_route_refuses_a_pause_that_is_none() {
    let site = Playground::start().await;
    for (method, path) in ROUTES {
        for pause in ["2001", "-1", "soon", "", "18446744073709551616"] {
            let reply = site.visitor().send(method, &format!("{path}?delay_ms={pause}"), "1").await;
            assert_eq!(reply.status, 400, "{method} {path} {pause}");
            reply.error();
        }
    }
    assert_eq!(site.rows().await, 0);
}

#[tokio::test]
async fn an_unknown_address_and_a_wrong_method_are_told_in_json() {
    let site = Playground::start().await;
    let mut visitor: Visitor = site.visitor();
    for path in ["/api", "/api/", "/api/nothing", "/api/session/", "/api/session/a/b", "/nothing"] {
        let reply = visitor.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        reply.error();
    }
    for (method, path) in [("GET", "/api/login"), ("POST", "/api/session"), ("PATCH", "/api/session/a")] {
        let reply = visitor.send(method, path, "").await;
        assert_eq!(reply.status, 405, "{method} {path}");
        assert!(reply.header("allow").is_some());
        reply.error();
    }
}
