//! Tabs that overtake each other: nothing is lost, nothing comes back, nobody is logged out.

use std::cell::Cell;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::driver::text;
use crate::{Browser, Playground, at};

/// As long as the site pauses at most.
const PAUSE: Duration = Duration::from_secs(2);
/// What takes longer on a busy machine is tried again.
const ATTEMPTS: usize = 8;

/// Two tabs and the page that both show.
struct Tabs {
    site: Playground,
    browser: Browser,
    home: String,
}

impl Tabs {
    async fn open() -> Self {
        let site = Playground::start().await;
        let browser = Browser::open().await;
        let home = at(site.address, "cloakroom.test", "/");
        Self { site, browser, home }
    }

    /// Has a form under way in the second tab while `meanwhile` happens in the first, and ends in the second, where
    /// the answer will be shown.
    async fn overtake(&self, action: &str, before: impl AsyncFn(), meanwhile: impl AsyncFn()) {
        let browser = &self.browser;
        for attempt in 0.. {
            assert!(attempt < ATTEMPTS, "the browser is always slower than the site");
            browser.visit(&self.home).await;
            browser.forget().await;
            browser.visit(&self.home).await;
            before().await;
            let known = browser.tabs().await;
            let started = Instant::now();
            let slowly = format!("{action}?delay_ms={}", PAUSE.as_millis());
            browser.send(&slowly, &[("name", "late"), ("value", "1")]).await;
            let slow = browser.tabs_beside(&known, 1).await;
            // A whole page that was asked for later has been answered: the form's session is loaded by now.
            browser.visit(&self.home).await;
            meanwhile().await;
            let overtaken = started.elapsed() < PAUSE;
            browser.look_at(&slow[0]).await;
            browser.shows("Cloakroom").await;
            if overtaken {
                return;
            }
        }
    }
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_change_that_a_logout_in_another_tab_overtakes_is_refused_and_resurrects_nothing() {
    let tabs = Tabs::open().await;
    let browser = &tabs.browser;
    let alices = Cell::new(Value::Null);
    let login = async || {
        browser.login("alice").await;
        alices.set(browser.cookie().await["value"].take());
    };
    let logout = async || {
        browser.press("Log out").await;
        browser.shows("Who are you?").await;
    };
    tabs.overtake("/do/put", login, logout).await;
    browser.shows("Another request has ended this session meanwhile. Nothing was saved.").await;
    assert_eq!(browser.status().await, 400);
    assert_eq!(browser.cookies().await, [Value::Null; 0]);
    browser.follow("Back to the counter").await;
    browser.shows("none yet").await;
    browser.plant("sessionid", text(&alices.take())).await;
    browser.visit(&tabs.home).await;
    browser.shows("none yet").await;
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_late_answer_takes_no_cookie_from_a_login_in_another_tab() {
    let tabs = Tabs::open().await;
    let browser = &tabs.browser;
    let bobs = Cell::new(Value::Null);
    let swap = async || {
        browser.press("Log out").await;
        browser.login("bob").await;
        bobs.set(browser.cookie().await);
    };
    tabs.overtake("/do/put", async || browser.login("alice").await, swap).await;
    browser.shows("Nothing was saved.").await;
    assert_eq!(browser.status().await, 400);
    assert_eq!(browser.cookie().await, bobs.take());
    browser.follow("Back to the counter").await;
    browser.shows("Good evening, bob").await;
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_late_end_of_the_old_session_takes_no_cookie_from_a_newer_login() {
    let tabs = Tabs::open().await;
    let browser = &tabs.browser;
    let alices = Cell::new(Value::Null);
    let visit = async || {
        browser.press("Visit").await;
        browser.shows("1 visit").await;
    };
    let login = async || {
        browser.login("alice").await;
        alices.set(browser.cookie().await);
    };
    tabs.overtake("/do/flush", visit, login).await;
    browser.shows("Good evening, alice").await;
    assert_eq!(browser.cookie().await, alices.take());
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn clicks_in_several_tabs_at_once_all_count() {
    let tabs = Tabs::open().await;
    let browser = &tabs.browser;
    browser.visit(&tabs.home).await;
    browser.press("Visit").await;
    browser.shows("1 visit").await;
    let known = browser.tabs().await;
    for _ in 0..5 {
        browser.send("/do/visit?delay_ms=300", &[]).await;
    }
    for tab in browser.tabs_beside(&known, 5).await {
        browser.look_at(&tab).await;
        browser.shows("Your visits").await;
    }
    browser.visit(at(tabs.site.address, "cloakroom.test", "/api/session")).await;
    assert_eq!(browser.json().await["data"], json!({"visits": 6}));
}
