//! The page as a person uses it.

use serde_json::Value;

use crate::driver::text;
use crate::{Browser, PROGRAM, Playground, at};

async fn opened(program: &'static str) -> (Playground, Browser) {
    let site = Playground::of(program, &[]).await;
    let browser = Browser::open().await;
    browser.visit(at(site.address, "cloakroom.test", "/")).await;
    (site, browser)
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn what_a_person_does_on_the_page_is_shown() {
    walk(PROGRAM).await;
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn what_a_person_does_on_the_page_is_shown_by_actix_as_well() {
    walk(env!("CARGO_BIN_EXE_playground-actix")).await;
}

async fn walk(program: &'static str) {
    let (_site, browser) = opened(program).await;
    browser.shows("none yet").await;
    browser.press("Visit").await;
    browser.shows("1 visit").await;
    browser.fill("Name", "coat").await;
    browser.fill("Value", "grey, with a <b>hood</b>").await;
    browser.press("Hand in").await;
    browser.shows("\"grey, with a <b>hood</b>\"").await;
    browser.login("alice").await;
    browser.shows("this one").await;
    browser.shows("Chrome").await;
    browser.press("Remove").await;
    browser.shows("0 visits").await;
    browser.press("Try it").await;
    browser.shows("It worked: your browser keeps its ticket.").await;
    browser.press("Log out").await;
    browser.shows("none yet").await;
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn the_browser_has_nothing_to_complain_of() {
    let (_site, browser) = opened(PROGRAM).await;
    browser.login("alice").await;
    assert_eq!(browser.complaints().await, [Value::Null; 0]);
    let styled =
        browser.run("return document.styleSheets.length && document.styleSheets[0].cssRules.length > 9");
    assert_eq!(styled.await, true);
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn going_back_after_a_logout_shows_nothing_of_it() {
    let (site, browser) = opened(PROGRAM).await;
    browser.login("alice").await;
    // With an address of its own, which nothing later replaces in the browser's cache.
    browser.visit(at(site.address, "cloakroom.test", "/?alices")).await;
    browser.shows("Good evening, alice").await;
    browser.press("Log out").await;
    browser.shows("Who are you?").await;
    browser.back().await;
    assert!(text(&browser.run("return location.href").await).ends_with("alices"));
    browser.shows("Cloakroom").await;
    let page = browser.shown().await;
    assert!(page.contains("Who are you?") && !page.contains("alice,"), "{page}");
}
