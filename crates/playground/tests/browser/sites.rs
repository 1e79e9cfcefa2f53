//! What other sites can make a visitor's browser do.

use cloakroom::{Engine, SameSite, Settings};
use playground::web;
use serde_json::{Value, json};

use crate::driver::text;
use crate::elsewhere::Elsewhere;
use crate::{Browser, Playground, Visitor, at};

/// Alice, who has visited once, at a site of this name, and what another site says of it.
struct Visit {
    site: Playground,
    browser: Browser,
    host: &'static str,
    elsewhere: Elsewhere,
}

impl Visit {
    async fn to(host: &'static str, settings: &[(&str, &str)]) -> Self {
        let site = Playground::with(settings).await;
        let browser = Browser::open().await;
        browser.visit(at(site.address, host, "/")).await;
        browser.press("Visit").await;
        browser.login("alice").await;
        let elsewhere = Elsewhere::with(format!(
            "<!doctype html><a href='{}'>Read</a><form method='post' action='{}'><button>Count</button></form>",
            at(site.address, host, "/api/session"),
            at(site.address, host, "/api/counter/visits"),
        ));
        Self { elsewhere: elsewhere.await, site, browser, host }
    }

    /// Counts a visit by a request that the page that is shown embeds.
    async fn counts_embedded(&self) {
        let url = at(self.site.address, self.host, "/api/counter/visits");
        assert_eq!(self.browser.run(&posts(&url)).await, 1);
    }

    /// Counts a visit by a frame in the page that is shown.
    async fn counts_framed(&self) {
        let url = at(self.site.address, self.host, "/visits");
        let script = format!(
            "const frame = document.createElement('iframe'); frame.src = '{url}';
             return new Promise(done => {{ frame.onload = () => done(1); document.body.append(frame); }})"
        );
        assert_eq!(self.browser.run(&script).await, 1);
    }

    /// The session that the site shows to this browser.
    async fn session(&self) -> Value {
        self.browser.visit(at(self.site.address, self.host, "/api/session")).await;
        self.browser.json().await
    }

    /// Somebody who has what the browser has now.
    async fn copied(&self) -> Visitor {
        let cookie = self.browser.cookie().await;
        self.site.visitor().bearing(format!("sessionid={}", text(&cookie["value"])))
    }
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_link_from_another_site_comes_with_the_session() {
    let visit = Visit::to("cloakroom.test", &[]).await;
    visit.browser.visit(at(visit.elsewhere.address, "other.test", "/")).await;
    visit.browser.follow("Read").await;
    assert_eq!(visit.browser.json().await["user"], "alice");
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_link_from_another_site_comes_without_a_strict_session() {
    let visit = Visit::to("cloakroom.test", &[("SESSION_COOKIE_SAMESITE", "Strict")]).await;
    visit.browser.visit(at(visit.elsewhere.address, "www.cloakroom.test", "/")).await;
    visit.browser.follow("Read").await;
    assert_eq!(visit.browser.json().await["user"], "alice", "a neighbour is no other site");
    visit.browser.visit(at(visit.elsewhere.address, "other.test", "/")).await;
    visit.browser.follow("Read").await;
    assert_eq!(visit.browser.json().await["user"], json!(null));
    assert_eq!(visit.session().await["user"], "alice", "and nothing is lost by it");
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn a_form_from_another_site_comes_without_the_session() {
    let visit = Visit::to("cloakroom.test", &[]).await;
    let mut alice = visit.copied().await;
    visit.browser.visit(at(visit.elsewhere.address, "other.test", "/")).await;
    visit.browser.press("Count").await;
    assert_eq!(visit.browser.json().await, json!({"value": 1}));
    assert_eq!(alice.session().await["data"], json!({"visits": 1}));
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn what_another_site_embeds_comes_without_the_session_and_changes_no_cookie() {
    let visit = Visit::to("cloakroom.test", &[]).await;
    let cookie = visit.browser.cookie().await;
    visit.browser.visit(at(visit.elsewhere.address, "other.test", "/")).await;
    visit.counts_embedded().await;
    visit.counts_framed().await;
    assert_eq!(visit.session().await["data"], json!({"visits": 1}));
    assert_eq!(visit.browser.cookie().await["value"], cookie["value"]);
    // They were answered as anybody: each has left a session that nobody bears.
    assert_eq!(visit.site.rows().await, 3);
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn what_another_site_embeds_comes_with_a_session_that_is_for_all_sites() {
    let settings = [("SESSION_COOKIE_SAMESITE", "None"), ("SESSION_COOKIE_SECURE", "true")];
    let visit = Visit::to("cloakroom.localhost", &settings).await;
    visit.browser.visit(at(visit.elsewhere.address, "other.localhost", "/")).await;
    visit.counts_embedded().await;
    visit.counts_framed().await;
    assert_eq!(visit.session().await["data"], json!({"visits": 3}));
}

#[tokio::test]
#[ignore = "starts a browser: cargo xtask test sees that it is installed"]
async fn what_another_site_embeds_has_a_partitioned_session_of_its_own_until_that_ends() {
    let mut settings = Settings::default();
    settings.engine = Engine::Cache;
    (settings.cookie.same_site, settings.cookie.partitioned) = (SameSite::None, true);
    let layer = settings.layer().await.expect("an engine");
    let site = Elsewhere::serving(web::site(settings.engine, layer)).await;
    let elsewhere = Elsewhere::with(String::new()).await;
    let browser = Browser::open().await;
    browser.visit(at(site.address, "cloakroom.localhost", "/visits")).await;
    let own = browser.cookie().await;

    browser.visit(at(elsewhere.address, "other.localhost", "/")).await;
    let embedded = async |path: &str| {
        let url = at(site.address, "cloakroom.localhost", path);
        browser.run(&posts(&url)).await;
        let mut kept = browser.profile().await;
        kept.retain(|cookie| cookie["value"] != own["value"]);
        kept
    };
    embedded("/api/counter/visits").await;
    let kept = embedded("/api/counter/visits").await;
    assert_eq!(kept[0]["partitionKey"]["topLevelSite"], "http://other.localhost");
    let mut visitor = Visitor::of(site.address).bearing(format!("sessionid={}", text(&kept[0]["value"])));
    assert_eq!(visitor.session().await["data"], json!({"visits": 2}));
    assert_eq!(embedded("/api/logout").await, [Value::Null; 0]);
    browser.visit(at(site.address, "cloakroom.localhost", "/api/session")).await;
    assert_eq!(browser.json().await["data"], json!({"visits": 1}));
}

/// A script that sends a request to another site, with all that the browser would send there.
fn posts(url: &str) -> String {
    format!(
        "return fetch('{url}', {{method: 'POST', mode: 'no-cors', credentials: 'include'}}).then(() => 1)"
    )
}
