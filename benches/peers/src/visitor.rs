//! A visitor with a browser that knows no library.

use reqwest::{Client, Method, StatusCode, header};
use serde_json::{Map, Value};
use tokio::task::JoinHandle;

use crate::Result;

/// Somebody who is logged in, and what their browser sends as its cookie.
#[derive(Clone)]
pub(crate) struct Visitor {
    http: Client,
    site: String,
    cookie: String,
}

/// What came back: its status, and the cookie that it sets, if it sets one.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) cookie: Option<String>,
}

impl Visitor {
    /// One who has just logged in.
    pub(crate) async fn login(site: &str) -> Result<Self> {
        // A proxy of the environment would not find this machine's own ports.
        let http = Client::builder().no_proxy().build()?;
        let visitor = Self { http, site: site.to_owned(), cookie: String::new() };
        let answer = visitor.send(Method::POST, "/login").await?.expected()?;
        let cookie = answer.cookie.ok_or("a login sets no cookie")?;
        Ok(visitor.bearing(cookie))
    }

    /// The same with another cookie.
    pub(crate) fn bearing(&self, cookie: String) -> Self {
        Self { cookie, ..self.clone() }
    }

    pub(crate) async fn send(&self, method: Method, path: &str) -> Result<Answer> {
        let request = self.http.request(method, format!("{}{path}", self.site));
        let response = request.header(header::COOKIE, &self.cookie).send().await?;
        let set = response.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let pair = set.and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        let answer = Answer { status: response.status(), cookie: pair };
        // The connection is free for the next request only when all has been read.
        response.bytes().await?;
        Ok(answer)
    }

    /// Sends all at once; answers when all of them wait at the gate.
    pub(crate) async fn send_to_the_gate(
        &self,
        requests: impl Iterator<Item = (Method, String)>,
    ) -> Result<Vec<JoinHandle<Result<Answer>>>> {
        let sent: Vec<_> = requests
            .map(|(method, path)| {
                let visitor = self.clone();
                tokio::spawn(async move { visitor.send(method, &format!("{path}?wait")).await })
            })
            .collect();
        let reached = self.send(Method::GET, &format!("/gate/{}", sent.len())).await?;
        if reached.status == StatusCode::REQUEST_TIMEOUT {
            return Err("not all requests came to the gate: they take turns, and nothing is measured".into());
        }
        reached.expected()?;
        Ok(sent)
    }

    /// Lets those at the gate go on, and waits for their answers.
    pub(crate) async fn open_the_gate(&self, sent: Vec<JoinHandle<Result<Answer>>>) -> Result<Vec<Answer>> {
        self.send(Method::POST, "/gate").await?.expected()?;
        let mut answers = Vec::new();
        for request in sent {
            answers.push(request.await??);
        }
        Ok(answers)
    }

    /// What the session holds.
    pub(crate) async fn all(&self) -> Result<Map<String, Value>> {
        let request = self.http.get(format!("{}/all", self.site)).header(header::COOKIE, &self.cookie);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

impl Answer {
    /// The same, unless it is a failure: for what no race is about.
    pub(crate) fn expected(self) -> Result<Self> {
        if self.status.is_success() { Ok(self) } else { Err(format!("unexpectedly {}", self.status).into()) }
    }
}
