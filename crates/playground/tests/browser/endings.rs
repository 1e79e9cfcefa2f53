//! How a session ends: with the browser, by its own age, or by a logout that takes the cookie along.

use serde_json::Value;

use crate::driver::text;
use crate::{Browser, Playground, at};

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_session_outlives_the_browser() {
    let site = Playground::start().await;
    let mut browser = Browser::open().await;
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    browser.login("alice").await;
    browser.closed_and_opened().await;
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    browser.shows("Good evening, alice").await;
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_session_ends_with_the_browser_where_the_settings_say_so() {
    let site = Playground::with(&[("SESSION_EXPIRE_AT_BROWSER_CLOSE", "true")]).await;
    let mut browser = Browser::open().await;
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    browser.login("alice").await;
    assert_eq!(browser.cookie().await["expiry"], Value::Null);
    browser.closed_and_opened().await;
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    browser.shows("Who are you?").await;
    assert_eq!(browser.cookies().await, [Value::Null; 0]);
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_session_ends_as_its_visitor_has_chosen_last() {
    let site = Playground::start().await;
    let mut browser = Browser::open().await;
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    browser.login("alice").await;
    let house = browser.cookie().await["expiry"].as_i64().expect("an expiry");
    browser.press("In 5 minutes").await;
    browser.shows("It ends 5 minutes after its last change.").await;
    let minutes = browser.cookie().await["expiry"].as_i64().expect("an expiry");
    assert!(minutes < house - 1_000_000, "{minutes} {house}");
    browser.press("House rule").await;
    browser.shows("By the house rule").await;
    assert!(browser.cookie().await["expiry"].as_i64() >= Some(house));
    browser.press("With the browser").await;
    browser.shows("It ends when you close the browser").await;
    assert_eq!(browser.cookie().await["expiry"], Value::Null);
    browser.closed_and_opened().await;
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    browser.shows("Who are you?").await;
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn an_end_takes_the_cookie_away_whatever_its_attributes() {
    let browser = Browser::open().await;
    let domain = ("SESSION_COOKIE_DOMAIN", "parted.test");
    let path = ("SESSION_COOKIE_PATH", "/do");
    let secure = ("SESSION_COOKIE_SECURE", "true");
    let (host, none) = (("SESSION_COOKIE_NAME", "__Host-sessionid"), ("SESSION_COOKIE_SAMESITE", "None"));
    // A browser does not tell ports apart, so each site has a name of its own.
    for (name, settings) in [
        ("plain.test", &[][..]),
        ("www.parted.test", &[domain]),
        ("shop.parted.test", &[domain, path]),
        ("host.localhost", &[secure, host]),
        ("open.localhost", &[secure, none]),
    ] {
        let site = Playground::with(settings).await;
        browser.visit(at(site.address, name, "/")).await;
        browser.press("Visit").await;
        browser.visit(at(site.address, name, "/do/look")).await;
        assert_eq!(browser.cookies().await.len(), 1, "{name}");
        browser.visit(at(site.address, name, "/")).await;
        browser.press("End the session").await;
        browser.shows("none yet").await;
        browser.visit(at(site.address, name, "/do/look")).await;
        assert_eq!(browser.cookies().await, [Value::Null; 0], "{name}");
        assert_eq!(site.rows().await, 0, "{name}");
    }
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_login_changes_the_cookie_keeps_what_was_there_and_leaves_the_old_one_nobodys() {
    let site = Playground::start().await;
    let browser = Browser::open().await;
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    browser.press("Visit").await;
    browser.shows("1 visit").await;
    let old = browser.cookie().await;
    browser.login("alice").await;
    browser.shows("1 visit").await;
    assert_ne!(browser.cookie().await["value"], old["value"]);
    browser.plant("sessionid", text(&old["value"])).await;
    assert_eq!(browser.cookie().await["value"], old["value"]);
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    browser.shows("Who are you?").await;
    browser.shows("0 visits").await;
    browser.press("Visit").await;
    browser.shows("1 visit").await;
    let new = browser.cookie().await;
    assert_ne!(new["value"], old["value"], "it is not given out again");
}
