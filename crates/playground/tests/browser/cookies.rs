//! The cookie as the browser keeps it.

use serde_json::{Value, json};

use crate::client::seconds;
use crate::driver::text;
use crate::{Browser, Playground, at};

/// How many seconds the browser keeps a cookie, from the creation of the session that it shows.
fn age(cookie: &Value, session: &Value) -> i64 {
    cookie["expiry"].as_i64().expect("an expiry") - seconds(&session["created_at"])
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn the_cookie_is_kept_with_the_flags_and_the_age_of_the_settings() {
    let site = Playground::start().await;
    let browser = Browser::open().await;
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    assert_eq!(browser.cookies().await, [Value::Null; 0], "a look is nothing to remember");
    browser.press("Visit").await;
    browser.shows("1 visit").await;
    let cookie = browser.cookie().await;
    for (field, value) in [
        ("name", json!("sessionid")),
        ("httpOnly", json!(true)),
        ("sameSite", json!("Lax")),
        ("path", json!("/")),
        ("domain", json!("cloakroom.test")),
        ("secure", json!(false)),
    ] {
        assert_eq!(cookie[field], value, "{field}");
    }
    browser.visit(at(site.address, "cloakroom.test", "/api/session")).await;
    let age = age(&cookie, &browser.json().await);
    assert!((1_209_600..1_209_660).contains(&age), "{age}");
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn other_settings_are_kept_as_they_are_set() {
    let settings = [
        ("SESSION_COOKIE_NAME", "ticket"),
        ("SESSION_COOKIE_AGE", "3600"),
        ("SESSION_COOKIE_DOMAIN", "cloakroom.test"),
        ("SESSION_COOKIE_PATH", "/api"),
        ("SESSION_COOKIE_HTTPONLY", "false"),
        ("SESSION_COOKIE_SAMESITE", "Strict"),
    ];
    let site = Playground::with(&settings).await;
    let browser = Browser::open().await;
    browser.visit(at(site.address, "shop.cloakroom.test", "/")).await;
    browser.press("Visit").await;
    assert_eq!(browser.cookies().await, [Value::Null; 0], "it is not for this path");
    browser.visit(at(site.address, "www.cloakroom.test", "/api/session")).await;
    let session = browser.json().await;
    assert_eq!(session["data"], json!({"visits": 1}), "it goes to the whole domain");
    let cookie = browser.cookie().await;
    for (field, value) in [
        ("name", json!("ticket")),
        ("httpOnly", json!(false)),
        ("sameSite", json!("Strict")),
        ("path", json!("/api")),
        ("domain", json!(".cloakroom.test")),
    ] {
        assert_eq!(cookie[field], value, "{field}");
    }
    let age = age(&cookie, &session);
    assert!((3_600..3_660).contains(&age), "{age}");
    browser.visit(at(site.address, "other.test", "/api/session")).await;
    assert_eq!(browser.json().await["data"], json!({}), "and to no other");
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_secure_cookie_is_kept_where_the_connection_can_be_trusted_and_nowhere_else() {
    let site = Playground::with(&[("SESSION_COOKIE_SECURE", "true")]).await;
    let browser = Browser::open().await;
    browser.visit(at(site.address, "cloakroom.localhost", "/visits")).await;
    assert_eq!(browser.cookie().await["secure"], true);
    browser.visit(at(site.address, "cloakroom.test", "/visits")).await;
    assert_eq!(browser.cookies().await, [Value::Null; 0]);
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_cookie_whose_name_promises_its_host_is_kept_and_brought_back() {
    let settings = [("SESSION_COOKIE_NAME", "__Host-sessionid"), ("SESSION_COOKIE_SECURE", "true")];
    let site = Playground::with(&settings).await;
    let browser = Browser::open().await;
    for n in 1..=2 {
        browser.visit(at(site.address, "cloakroom.localhost", "/visits")).await;
        browser.shows(&format!("this page {n} times")).await;
    }
    assert_eq!(browser.cookie().await["name"], "__Host-sessionid");
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn the_largest_session_that_a_signed_cookie_takes_is_kept() {
    let secret = "a secret key of the tests that is long enough for any engine";
    let site = Playground::with(&[("SESSION_ENGINE", "signed_cookies"), ("SECRET_KEY", secret)]).await;
    let browser = Browser::open().await;
    let hand_in = async |name: &str, length: usize| {
        browser.visit(at(site.address, "cloakroom.test", "/")).await;
        browser.fill("Name", name).await;
        browser.fill("Value", &letters(length)).await;
        browser.press("Hand in").await;
        browser.status().await
    };
    for name in ["a", "b"] {
        assert_eq!(hand_in(name, 1_000).await, 200);
    }
    let (mut kept, mut refused) = (0, 1_000);
    while refused - kept > 1 {
        let length = usize::midpoint(kept, refused);
        let status = hand_in("c", length).await;
        let bound = if status == 413 { &mut refused } else { &mut kept };
        *bound = length;
    }
    let cookie = browser.cookie().await;
    let length = "sessionid".len() + text(&cookie["value"]).len();
    assert!((4_090..=4_096).contains(&length), "{length}");
    browser.visit(at(site.address, "cloakroom.test", "/api/session")).await;
    assert_eq!(browser.json().await["data"]["c"], letters(kept));
}

/// A text that no compression makes shorter by much.
fn letters(length: usize) -> String {
    let mut seed = 1_u64;
    let mut letter = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from(seed >> 59).unwrap_or_default() % 26)
    };
    (0..length).map(|_| letter()).collect()
}
