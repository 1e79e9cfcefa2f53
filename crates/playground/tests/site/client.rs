//! A browser in a hundred lines: one connection per request, one cookie in its jar.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than the site may take for anything.
const PATIENCE: Duration = Duration::from_secs(15);

/// Somebody with a browser.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    site: SocketAddr,
    /// What the browser sends as its Cookie header.
    pub(crate) cookie: Option<String>,
    accept: &'static str,
}

impl Visitor {
    pub(crate) fn of(site: SocketAddr) -> Self {
        Self { site, cookie: None, accept: "*/*" }
    }

    /// One who wants to see pages.
    pub(crate) fn who_reads(mut self) -> Self {
        self.accept = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";
        self
    }

    /// One who sends this Cookie header.
    pub(crate) fn bearing(&self, cookie: impl Into<String>) -> Self {
        Self { cookie: Some(cookie.into()), ..self.clone() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, "").await
    }

    pub(crate) async fn post(&mut self, path: &str, body: &str) -> Reply {
        self.send("POST", path, body).await
    }

    pub(crate) async fn put(&mut self, path: &str, body: &str) -> Reply {
        self.send("PUT", path, body).await
    }

    pub(crate) async fn delete(&mut self, path: &str) -> Reply {
        self.send("DELETE", path, "").await
    }

    /// Sends a request, and keeps the cookie that comes back as a browser would.
    pub(crate) async fn send(&mut self, method: &str, path: &str, body: &str) -> Reply {
        let reply = self.try_send(method, path, body).await.expect("an answer");
        if let Some(cookie) = reply.set_cookie() {
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            let gone = attributes.contains("Max-Age=0");
            self.cookie = (!gone).then(|| pair.to_owned());
        }
        reply
    }

    /// The same without a jar, for a site that may die meanwhile.
    pub(crate) async fn try_send(&self, method: &str, path: &str, body: &str) -> std::io::Result<Reply> {
        let form =
            if path.starts_with("/do/") { "application/x-www-form-urlencoded" } else { "application/json" };
        let cookie = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: playground\r\nConnection: close\r\nUser-Agent: test/1\r\n\
             Accept: {}\r\nContent-Type: {form}\r\nContent-Length: {}\r\n{cookie}\r\n",
            self.accept,
            body.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(self.site).await?;
            stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            Reply::parse(&answer).ok_or_else(|| std::io::Error::other("the connection was cut"))
        };
        timeout(PATIENCE, exchange).await.expect("an answer in time")
    }

    /// What `GET /api/session` says.
    pub(crate) async fn session(&mut self) -> Value {
        let reply = self.get("/api/session").await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()
    }

    pub(crate) async fn login(&mut self, user: &str) -> Reply {
        let reply = self.post("/api/login", &serde_json::json!({ "user": user }).to_string()).await;
        assert_eq!(reply.status, 204, "{reply:?}");
        reply
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Reply {
    fn parse(answer: &[u8]) -> Option<Self> {
        let (head, body) = std::str::from_utf8(answer).ok()?.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        Some(Self { status, headers: headers.collect(), body: body.to_owned() })
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut named = self.headers.iter().filter(|(known, _)| known == name);
        let value = named.next().map(|(_, value)| value.as_str());
        assert!(named.next().is_none(), "{name} came twice");
        value
    }

    pub(crate) fn set_cookie(&self) -> Option<&str> {
        self.header("set-cookie")
    }

    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The sentence of a failure, which is JSON whatever failed.
    pub(crate) fn error(&self) -> String {
        let json = self.json();
        let fields: Vec<_> = json.as_object().expect("an object").keys().collect();
        assert_eq!(fields, ["error"], "{self:?}");
        json["error"].as_str().expect("a sentence").to_owned()
    }
}

/// An RFC 3339 moment in UTC, in seconds since 1970.
pub(crate) fn seconds(moment: &Value) -> i64 {
    let text = moment.as_str().expect("a moment");
    assert!(text.ends_with('Z'), "{text}");
    OffsetDateTime::parse(text, &Rfc3339).expect("RFC 3339").unix_timestamp()
}
