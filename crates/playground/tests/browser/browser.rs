//! A browser and the person who uses it.
//!
//! What leads to another page ends when that is there, so little has to be waited for.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::driver::{Driver, PATIENCE, text};

/// Between two questions of the same wait.
const STEP: Duration = Duration::from_millis(10);
/// By which name WebDriver calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Browsers that no test uses now: most tests take less time than a browser takes to start. The end of the process
/// ends them.
static IDLE: Mutex<Vec<Driver>> = Mutex::new(Vec::new());

/// A browser that shows an empty page and has no cookies.
pub(crate) struct Browser(Option<Driver>);

impl Browser {
    pub(crate) async fn open() -> Self {
        let idle = IDLE.lock().expect("no test panics here").pop();
        let Some(driver) = idle else { return Self(Some(Driver::start().await)) };
        let browser = Self(Some(driver));
        for tab in browser.tabs().await.iter().skip(1) {
            browser.look_at(tab).await;
            browser.driver().delete("/window").await;
        }
        browser.look_at(&browser.tabs().await[0]).await;
        browser.visit("about:blank").await;
        browser.driver().devtools("Storage.clearCookies").await;
        browser.complaints().await;
        browser
    }

    /// Closes it as a person does, and opens it again.
    pub(crate) async fn closed_and_opened(&mut self) {
        self.0.as_mut().expect("until it is dropped").restart().await;
    }

    fn driver(&self) -> &Driver {
        self.0.as_ref().expect("until it is dropped")
    }

    /// Goes to an address.
    pub(crate) async fn visit(&self, url: impl AsRef<str>) {
        self.driver().post("/url", json!({"url": url.as_ref()})).await;
    }

    /// Goes back by the browser's own button.
    pub(crate) async fn back(&self) {
        self.driver().post("/back", json!({})).await;
    }

    /// Presses the first button of this name.
    pub(crate) async fn press(&self, name: &str) {
        self.click(&format!("//button[normalize-space()='{name}']")).await;
    }

    /// Follows the first link of this name.
    pub(crate) async fn follow(&self, name: &str) {
        self.click(&format!("//a[normalize-space()='{name}']")).await;
    }

    /// Writes into the field that is labelled so.
    pub(crate) async fn fill(&self, label: &str, value: &str) {
        let field = self.element(&format!("//label[contains(., '{label}')]//input")).await;
        self.driver().post(&format!("/element/{field}/value"), json!({"text": value})).await;
    }

    /// Logs in on the page.
    pub(crate) async fn login(&self, user: &str) {
        self.fill("Your name", user).await;
        self.press("Log in").await;
        self.shows(&format!("Good evening, {user}")).await;
    }

    /// Waits until the page shows a text.
    pub(crate) async fn shows(&self, wanted: &str) {
        let patience = Patience::new();
        loop {
            let shown = self.shown().await;
            if shown.contains(wanted) {
                return;
            }
            patience.wait(|| format!("the page does not show {wanted:?}: {shown}")).await;
        }
    }

    /// The text that the page shows.
    pub(crate) async fn shown(&self) -> String {
        text(&self.run("return document.body ? document.body.innerText : ''").await).to_owned()
    }

    /// What a script makes of the page that is shown; a promise is waited for.
    pub(crate) async fn run(&self, script: &str) -> Value {
        self.driver().post("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// The status that the page that is shown came with.
    pub(crate) async fn status(&self) -> Value {
        self.run("return performance.getEntriesByType('navigation')[0].responseStatus").await
    }

    /// The page that is shown, which is JSON.
    pub(crate) async fn json(&self) -> Value {
        let shown = self.run("return document.querySelector('pre').textContent").await;
        serde_json::from_str(text(&shown)).expect("JSON")
    }

    /// The cookies that it would send to the page that is shown.
    pub(crate) async fn cookies(&self) -> Vec<Value> {
        let cookies = self.driver().get("/cookie").await;
        cookies.as_array().expect("cookies").clone()
    }

    /// The one cookie that it would send to the page that is shown.
    pub(crate) async fn cookie(&self) -> Value {
        let mut cookies = self.cookies().await;
        assert_eq!(cookies.len(), 1, "one cookie");
        cookies.remove(0)
    }

    /// All cookies that it keeps, for whatever page.
    pub(crate) async fn profile(&self) -> Vec<Value> {
        let kept = self.driver().devtools("Storage.getCookies").await;
        kept["cookies"].as_array().expect("cookies").clone()
    }

    /// Puts a value into a cookie of this host alone.
    pub(crate) async fn plant(&self, name: &str, value: &str) {
        let cookie = json!({"name": name, "value": value, "httpOnly": true, "sameSite": "Lax"});
        self.driver().post("/cookie", json!({"cookie": cookie})).await;
    }

    /// Forgets the cookies of the page that is shown.
    pub(crate) async fn forget(&self) {
        self.driver().delete("/cookie").await;
    }

    /// What it has found wrong so far with the pages that it showed.
    pub(crate) async fn complaints(&self) -> Vec<Value> {
        let found = self.driver().post("/se/log", json!({"type": "browser"})).await;
        found.as_array().expect("complaints").clone()
    }

    /// Sends a form in a new tab, as a script of the page that is shown could.
    pub(crate) async fn send(&self, action: &str, fields: &[(&str, &str)]) {
        let script = "
            const form = document.createElement('form');
            [form.method, form.target, form.action] = ['post', '_blank', arguments[0]];
            for (const [name, value] of arguments[1]) {
                const field = document.createElement('input');
                [field.name, field.value] = [name, value];
                form.append(field);
            }
            document.body.append(form);
            form.submit()";
        self.driver().post("/execute/sync", json!({"script": script, "args": [action, fields]})).await;
    }

    /// Waits until there are so many new tabs, and says which.
    pub(crate) async fn tabs_beside(&self, known: &[String], count: usize) -> Vec<String> {
        let patience = Patience::new();
        loop {
            let mut tabs = self.tabs().await;
            tabs.retain(|tab| !known.contains(tab));
            if tabs.len() == count {
                return tabs;
            }
            patience.wait(|| format!("{} of {count} new tabs", tabs.len())).await;
        }
    }

    /// All tabs, in no order.
    pub(crate) async fn tabs(&self) -> Vec<String> {
        let tabs = self.driver().get("/window/handles").await;
        tabs.as_array().expect("tabs").iter().map(|tab| text(tab).to_owned()).collect()
    }

    /// Looks at a tab.
    pub(crate) async fn look_at(&self, tab: &str) {
        self.driver().post("/window", json!({"handle": tab})).await;
    }

    /// Clicks on what leads to another page, and waits for that.
    async fn click(&self, path: &str) {
        let element = self.element(path).await;
        self.run("document.documentElement.dataset.left = 'soon'").await;
        self.driver().post(&format!("/element/{element}/click"), json!({})).await;
        let there = "return !document.documentElement.dataset.left && document.readyState === 'complete'";
        let patience = Patience::new();
        while self.run(there).await != true {
            patience.wait(|| format!("{path} leads nowhere")).await;
        }
    }

    async fn element(&self, path: &str) -> String {
        let found = self.driver().post("/element", json!({"using": "xpath", "value": path})).await;
        text(&found[ELEMENT]).to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // What a test has failed with is in no known state.
        if !std::thread::panicking()
            && let (Ok(mut idle), Some(driver)) = (IDLE.lock(), self.0.take())
        {
            idle.push(driver);
        }
    }
}

/// A bounded wait for what tells nobody that it has happened.
struct Patience(Instant);

impl Patience {
    fn new() -> Self {
        Self(Instant::now())
    }

    async fn wait(&self, missing: impl FnOnce() -> String) {
        assert!(self.0.elapsed() < PATIENCE, "{}", missing());
        sleep(STEP).await;
    }
}
