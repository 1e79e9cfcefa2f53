//! The contract's table: who a visitor is, their key, and their devices.

use serde_json::{Value, json};

use crate::Playground;
use crate::client::seconds;

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
async fn a_device_that_logs_out_leaves_the_list() {
    let site = Playground::start().await;
    let (mut phone, mut desk) = (site.visitor(), site.visitor());
    phone.login("alice").await;
    desk.login("alice").await;
    let phones = current(&phone.get("/api/devices").await.json());
    phone.post("/api/logout", "").await;
    let left = desk.get("/api/devices").await.json();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    assert_ne!(current(&left), phones);
}

/// The id of the device that asked.
fn current(devices: &Value) -> String {
    let current = devices.as_array().expect("an array").iter().find(|device| device["current"] == true);
    current.and_then(|device| device["id"].as_str()).expect("this one").to_owned()
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
    for (method, path) in [
        ("GET", "/api/devices"),
        ("DELETE", "/api/devices/x"),
        ("POST", "/api/logout-others"),
        ("POST", "/api/logout-everywhere"),
    ] {
        let reply = site.visitor().send(method, path, "").await;
        assert_eq!(reply.status, 401);
        reply.error();
    }
}

#[tokio::test]
async fn a_user_ends_one_of_their_sessions_or_all_others_and_nobody_elses() {
    let site = Playground::start().await;
    let [mut desk, mut phone, mut tablet, mut other] = std::array::from_fn(|_| site.visitor());
    for visitor in [&mut desk, &mut phone, &mut tablet] {
        visitor.login("alice").await;
    }
    other.login("bob").await;
    let listed = other.get("/api/devices").await.json();
    let bobs = format!("/api/devices/{}", listed[0]["id"].as_str().unwrap());
    for path in [&*bobs, "/api/devices/nothing", "/api/devices/%00"] {
        assert_eq!(desk.delete(path).await.status, 404, "{path}");
    }
    let listed = phone.get("/api/devices").await.json();
    let own = listed.as_array().unwrap().iter().find(|device| device["current"] == json!(true)).unwrap();
    let phones = format!("/api/devices/{}", own["id"].as_str().unwrap());
    assert_eq!(desk.delete(&phones).await.status, 204);
    assert_eq!(phone.session().await["user"], Value::Null);
    let reply = desk.post("/api/logout-others", "").await;
    assert_eq!(reply.json(), json!({"revoked": 1}));
    assert_eq!(tablet.session().await["user"], Value::Null);
    assert_eq!(
        (&desk.session().await["user"], &other.session().await["user"]),
        (&json!("alice"), &json!("bob"))
    );
}

#[tokio::test]
async fn a_login_beyond_the_limit_is_told_what_to_do() {
    let site = Playground::with(&[("SESSION_LOGIN_LIMIT", "1"), ("SESSION_LOGIN_POLICY", "refuse")]).await;
    site.visitor().login("alice").await;
    let mut visitor = site.visitor();
    visitor.put("/api/session/cart", "[1]").await;
    let reply = visitor.post("/api/login", r#"{"user": "alice"}"#).await;
    assert_eq!((reply.status, reply.set_cookie()), (409, None));
    reply.error();
    assert_eq!(visitor.session().await["data"], json!({"cart": [1]}));
}
