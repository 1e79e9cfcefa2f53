//! A browser in a hundred lines: one connection per request, one cookie in its jar, and forms by what is on the page.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longer than either side may take for anything, a password's hash included.
const PATIENCE: Duration = Duration::from_mins(1);

/// Somebody with a browser.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    site: SocketAddr,
    /// What the browser sends as its Cookie header.
    pub(crate) cookie: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Visitor {
    pub(crate) fn of(site: SocketAddr) -> Self {
        Self { site, cookie: None }
    }

    /// A page of Django's, or of Rust's.
    pub(crate) async fn get(&mut self, path: &str) -> Page {
        self.send("GET", path, "", "").await
    }

    /// Sends a form of Rust's pages.
    pub(crate) async fn post(&mut self, path: &str, fields: &str) -> Page {
        self.send("POST", path, fields, "Sec-Fetch-Site: same-origin\r\n").await
    }

    /// Sends a form of Django's, with the token that this page of Django's has in it.
    pub(crate) async fn post_from(&mut self, page: &Page, path: &str, fields: &str) -> Page {
        let token = page.token();
        self.post(path, &format!("csrfmiddlewaretoken={token}&{fields}")).await
    }

    /// Logs in at Django, on its page.
    pub(crate) async fn log_in_at_django(&mut self, password: &str) {
        let page = self.get("/").await;
        let answer = self.post_from(&page, "/login/", &format!("username=alice&password={password}")).await;
        assert_eq!(answer.status, 302, "{answer:?}");
    }

    /// Logs in at Rust, on its page.
    pub(crate) async fn log_in_at_rust(&mut self, password: &str) {
        let answer = self.post("/cart/login", &format!("username=alice&password={password}")).await;
        assert_eq!(answer.status, 303, "{answer:?}");
    }

    /// Who each side says that this is.
    pub(crate) async fn is_logged_in(&mut self) -> (bool, bool) {
        let (django, rust) = (self.get("/").await, self.get("/cart").await);
        (django.shows("alice</strong>, says Django"), rust.shows("alice</strong>, says Rust"))
    }

    pub(crate) async fn send(&mut self, method: &str, path: &str, fields: &str, more: &str) -> Page {
        let cookie = self.cookie.as_ref().map(|cookie| format!("Cookie: {cookie}\r\n")).unwrap_or_default();
        let site = self.site;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {site}\r\nOrigin: http://{site}\r\nConnection: close\r\n{more}\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n{cookie}\r\n{fields}",
            fields.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(site).await.expect("it listens");
            stream.write_all(request.as_bytes()).await.expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("it answers");
            answer
        };
        let answer = timeout(PATIENCE, exchange).await.expect("an answer in time");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let page = Page { status, head: head.to_owned(), body: body.to_owned() };
        if let Some(cookie) = page.header("set-cookie") {
            let (pair, attributes) = cookie.split_once(';').expect("attributes");
            self.cookie = (!attributes.contains("Max-Age=0")).then(|| pair.to_owned());
        }
        page
    }
}

impl Page {
    pub(crate) fn shows(&self, text: &str) -> bool {
        self.body.contains(text)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.head.lines().filter_map(|line| line.split_once(": "));
        pairs.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// What Django's forms on it have to come with.
    pub(crate) fn token(&self) -> &str {
        let rest = self.body.split("name=\"csrfmiddlewaretoken\" value=\"").nth(1).expect("a form");
        rest.split('"').next().expect("its value")
    }
}
