//! What scripts can do to the cookie, the page's own and a neighbour's.

use serde_json::json;

use crate::driver::text;
use crate::{Browser, Playground, at};

const INVENTED: &str = "abcdefghijklmnopqrstuvwxyz012345";

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn no_script_reads_the_cookie_replaces_it_or_takes_it_away() {
    let site = Playground::start().await;
    let browser = Browser::open().await;
    // Scripts have a second way to cookies where the connection can be trusted.
    browser.visit(at(site.address, "cloakroom.localhost", "/")).await;
    browser.press("Visit").await;
    browser.shows("1 visit").await;
    let cookie = browser.cookie().await;
    assert_eq!(browser.run("return document.cookie").await, "");
    assert_eq!(browser.run("return cookieStore.getAll()").await, json!([]));
    for script in [
        &format!("document.cookie = 'sessionid={INVENTED}; path=/'"),
        "document.cookie = 'sessionid=; path=/; max-age=0'",
        &format!("return cookieStore.set('sessionid', '{INVENTED}').catch(() => null)"),
        "return cookieStore.delete('sessionid').catch(() => null)",
    ] {
        browser.run(script).await;
        assert_eq!(browser.cookie().await, cookie, "{script}");
    }
    browser.press("Visit").await;
    browser.shows("2 visits").await;
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_script_reads_a_cookie_that_is_not_kept_from_it() {
    let site = Playground::with(&[("SESSION_COOKIE_HTTPONLY", "false")]).await;
    let browser = Browser::open().await;
    browser.visit(at(site.address, "cloakroom.test", "/visits")).await;
    let expected = format!("sessionid={}", text(&browser.cookie().await["value"]));
    assert_eq!(browser.run("return document.cookie").await, expected);
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_neighbours_cookie_beside_ones_own_makes_a_stranger_and_never_the_neighbour() {
    let site = Playground::start().await;
    let browser = Browser::open().await;
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    browser.login("alice").await;
    let mut mallory = site.visitor();
    mallory.login("mallory").await;
    let hers = mallory.cookie.clone().expect("a cookie");
    browser.visit(at(site.address, "evil.cloakroom.test", "/ping")).await;
    browser.run(&format!("document.cookie = '{hers}; domain=cloakroom.test; path=/'")).await;
    browser.visit(at(site.address, "cloakroom.test", "/api/session")).await;
    assert_eq!(browser.cookies().await.len(), 2);
    assert_eq!(browser.json().await["user"], json!(null));
    browser.run("document.cookie = 'sessionid=; domain=cloakroom.test; path=/; max-age=0'").await;
    browser.visit(at(site.address, "cloakroom.test", "/api/session")).await;
    assert_eq!(browser.json().await["user"], "alice", "her session is as it was");
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_neighbour_plants_no_cookie_whose_name_promises_its_host() {
    let settings = [("SESSION_COOKIE_NAME", "__Host-sessionid"), ("SESSION_COOKIE_SECURE", "true")];
    let site = Playground::with(&settings).await;
    let browser = Browser::open().await;
    let mut mallory = site.visitor();
    mallory.login("mallory").await;
    let hers = mallory.cookie.clone().expect("a cookie");
    browser.visit(at(site.address, "evil.cloakroom.localhost", "/ping")).await;
    let attributes = "domain=cloakroom.localhost; path=/; secure";
    browser.run(&format!("document.cookie = '{hers}; {attributes}'")).await;
    browser.run(&format!("document.cookie = 'theme=dark; {attributes}'")).await;
    browser.visit(at(site.address, "cloakroom.localhost", "/api/session")).await;
    assert_eq!(browser.cookie().await["name"], "theme", "what has no such name is planted");
    assert_eq!(browser.json().await["user"], json!(null));
}
