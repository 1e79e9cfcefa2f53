//! WebDriver's words to a browser of one's own.

use std::time::Duration;

use cloakroom_servers::Chromium;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than the browser takes for anything on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A browser that runs, on a profile of its own. Dropping it ends it.
pub(crate) struct Driver {
    chromium: Chromium,
    /// The path of its session.
    session: String,
}

impl Driver {
    /// Starts a browser.
    pub(crate) async fn start() -> Self {
        let chromium = tokio::task::spawn_blocking(|| Chromium::start().expect("a driver")).await;
        let mut driver = Self { chromium: chromium.expect("a driver"), session: String::new() };
        driver.launch().await;
        driver
    }

    /// Closes the browser as a person does, and starts it on the same profile.
    pub(crate) async fn restart(&mut self) {
        self.command("DELETE", "", Value::Null).await;
        self.session.clear();
        self.launch().await;
    }

    async fn launch(&mut self) {
        let (binary, args) = self.chromium.options().expect("a browser");
        // What keeps a cookie from other sites is to be its own SameSite.
        let prefs = json!({"profile": {"cookie_controls_mode": 0}});
        let wanted = json!({
            "goog:chromeOptions": {"binary": binary, "args": args, "prefs": prefs},
            "goog:loggingPrefs": {"browser": "ALL"},
        });
        let session = self.post("/session", json!({"capabilities": {"alwaysMatch": wanted}})).await;
        self.session = format!("/session/{}", text(&session["sessionId"]));
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        self.command("GET", path, Value::Null).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Value {
        self.command("DELETE", path, Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        self.command("POST", path, body).await
    }

    /// A command of DevTools.
    pub(crate) async fn devtools(&self, command: &str) -> Value {
        self.post("/goog/cdp/execute", json!({"cmd": command, "params": {}})).await
    }

    async fn command(&self, method: &str, path: &str, body: Value) -> Value {
        let path = format!("{}{path}", self.session);
        let answer = timeout(PATIENCE, self.exchange(method, &path, &body));
        let mut answer = answer.await.expect("an answer in time").expect("an answer");
        let value = answer["value"].take();
        assert!(value.get("error").is_none(), "{method} {path} {body}: {value}");
        value
    }

    /// The driver leaves connections open, so an answer ends where its length says.
    async fn exchange(&self, method: &str, path: &str, body: &Value) -> std::io::Result<Value> {
        let url = self.chromium.url();
        let host = url.strip_prefix("http://").expect("its address");
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut stream = BufReader::new(TcpStream::connect(host).await?);
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().map_err(std::io::Error::other)?;
                }
                None if line.trim_end().is_empty() => break,
                _ => {}
            }
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer).await?;
        Ok(serde_json::from_slice(&answer)?)
    }
}

/// What is a text for sure.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}
