//! Every row of the contract's table, one by one.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

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

/// An RFC 3339 moment in UTC, in seconds since 1970.
fn seconds(moment: &Value) -> i64 {
    use time::format_description::well_known::Rfc3339;

    let text = moment.as_str().expect("a moment");
    assert!(text.ends_with('Z'), "{text}");
    time::OffsetDateTime::parse(text, &Rfc3339).expect("RFC 3339").unix_timestamp()
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
async fn login_changes_the_key_and_keeps_an_anonymous_visitors_data() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/cart", "[1]").await;
    let mut before = visitor.clone();
    visitor.login("alice").await;
    assert_ne!(visitor.cookie, before.cookie);
    let session = visitor.session().await;
    assert_eq!((&session["user"], &session["data"]), (&json!("alice"), &json!({"cart": [1]})));
    assert_eq!(before.session().await["data"], json!({}), "the old key is dead");
    assert_eq!(site.rows().await, 1);
}

#[tokio::test]
async fn login_drops_another_users_data_and_keeps_ones_own() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.login("alice").await;
    visitor.put("/api/session/a", "1").await;
    visitor.login("alice").await;
    assert_eq!(visitor.session().await["data"], json!({"a": 1}));
    visitor.login("bob").await;
    let session = visitor.session().await;
    assert_eq!((&session["user"], &session["data"]), (&json!("bob"), &json!({})));
    assert_eq!(site.rows().await, 1);
}

#[tokio::test]
async fn a_login_without_a_proper_user_is_refused() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    let long = format!(r#"{{"user": "{}"}}"#, "x".repeat(256));
    for body in ["", "{}", "alice", r#"{"user": ""}"#, r#"{"user": 5}"#, r#"{"user": "a\nb"}"#, &long] {
        let reply = visitor.post("/api/login", body).await;
        assert_eq!((reply.status, reply.set_cookie()), (400, None), "{body}");
        reply.error();
    }
}

#[tokio::test]
async fn logout_and_flush_delete_the_session_and_take_the_cookie_away() {
    let site = Playground::start().await;
    for path in ["/api/logout", "/api/flush"] {
        let mut visitor = site.visitor();
        visitor.put("/api/session/a", "1").await;
        visitor.login("alice").await;
        let mut before = visitor.clone();
        let reply = visitor.post(path, "").await;
        assert_eq!(reply.status, 204);
        assert!(reply.set_cookie().is_some_and(|cookie| cookie.starts_with("sessionid=;")), "{reply:?}");
        assert_eq!(before.session().await["user"], Value::Null);
        assert_eq!(site.rows().await, 0, "{path}");
    }
}

#[tokio::test]
async fn logout_and_flush_of_a_stranger_do_nothing() {
    let site = Playground::start().await;
    for path in ["/api/logout", "/api/flush", "/api/cycle-key"] {
        let reply = site.visitor().post(path, "").await;
        assert_eq!((reply.status, reply.set_cookie()), (204, None), "{path}");
    }
}

#[tokio::test]
async fn cycle_key_changes_the_key_and_nothing_else() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    let mut before = visitor.clone();
    assert_eq!(visitor.post("/api/cycle-key", "").await.status, 204);
    assert_ne!(visitor.cookie, before.cookie);
    assert_eq!(visitor.session().await["data"], json!({"a": 1}));
    assert_eq!(before.session().await["data"], json!({}));
}

#[tokio::test]
async fn an_expiry_in_seconds_ends_the_session_and_is_told_to_the_browser() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/a", "1").await;
    let reply = visitor.post("/api/expiry", r#"{"seconds": 300}"#).await;
    assert_eq!(reply.status, 204);
    let age = reply.set_cookie().and_then(|cookie| cookie.split("Max-Age=").nth(1)).expect("an age");
    assert!(age.starts_with("300") || age.starts_with("299"), "{age}");

    visitor.post("/api/expiry", r#"{"seconds": 1}"#).await;
    assert_eq!(visitor.session().await["data"], json!({"a": 1}));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(visitor.session().await["data"], json!({}));
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
async fn devices_are_ones_own_sessions_and_this_one_is_marked() {
    let site = Playground::start().await;
    let (mut phone, mut desk, mut other) = (site.visitor(), site.visitor(), site.visitor());
    phone.login("alice").await;
    desk.login("alice").await;
    other.login("bob").await;

    let devices = phone.get("/api/devices").await.json();
    let devices = devices.as_array().expect("an array");
    assert_eq!(devices.len(), 2);
    assert_eq!(devices.iter().filter(|device| device["current"] == true).count(), 1);
    for device in devices {
        let mut fields: Vec<_> = device.as_object().expect("an object").keys().collect();
        fields.sort();
        assert_eq!(fields, ["created_at", "current", "id", "last_seen", "user_agent"]);
        assert_eq!(device["user_agent"], "test/1");
        assert!(seconds(&device["last_seen"]) >= seconds(&device["created_at"]));
    }
}

#[tokio::test]
async fn a_device_list_tells_no_key() {
    let site = Playground::start().await;
    let mut visitor = site.visitor();
    visitor.login("alice").await;
    let key = visitor.cookie.clone().expect("a cookie").replace("sessionid=", "");
    for path in ["/api/devices", "/api/session", "/"] {
        assert!(!visitor.get(path).await.body.contains(&key[3..]), "{path}");
    }
}

#[tokio::test]
async fn logout_everywhere_ends_all_of_ones_sessions_and_no_others() {
    let site = Playground::start().await;
    let (mut phone, mut desk, mut other) = (site.visitor(), site.visitor(), site.visitor());
    phone.login("alice").await;
    desk.login("alice").await;
    other.login("bob").await;

    let reply = phone.post("/api/logout-everywhere", "").await;
    assert_eq!((reply.status, reply.json()), (200, json!({"revoked": 2})));
    assert!(reply.set_cookie().is_some_and(|cookie| cookie.contains("Max-Age=0")), "{reply:?}");
    assert_eq!(desk.session().await["user"], Value::Null);
    assert_eq!(other.session().await["user"], "bob");
}

#[tokio::test]
async fn a_stranger_has_no_devices() {
    let site = Playground::start().await;
    for (method, path) in [("GET", "/api/devices"), ("POST", "/api/logout-everywhere")] {
        let reply = site.visitor().send(method, path, "").await;
        assert_eq!(reply.status, 401);
        reply.error();
    }
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
