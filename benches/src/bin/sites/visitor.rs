//! A visitor with a browser that knows HTTP and one cookie.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::Outcome;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Who has a session, and what their browser sends as its cookie.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    site: String,
    cookie: String,
}

/// What came back.
#[derive(Debug, PartialEq)]
struct Answer {
    /// The pair of name and value that is set, if one is.
    cookie: Option<String>,
    body: String,
}

impl Visitor {
    /// One who has just got a session of that site.
    ///
    /// # Errors
    ///
    /// If the site does not give one.
    pub(crate) async fn login(site: &str) -> Outcome<Self> {
        let mut visitor = Self { site: site.to_owned(), cookie: String::new() };
        visitor.send("POST", "/login").await?;
        if visitor.cookie.is_empty() {
            return Err("a login sets no cookie".into());
        }
        Ok(visitor)
    }

    pub(crate) fn cookie(&self) -> &str {
        &self.cookie
    }

    /// What the session counts.
    ///
    /// # Errors
    ///
    /// If the answer is no number.
    pub(crate) async fn count(&mut self) -> Outcome<u64> {
        Ok(self.send("GET", "/read").await?.parse()?)
    }

    /// The same after one more.
    ///
    /// # Errors
    ///
    /// If the answer is no number.
    pub(crate) async fn change(&mut self) -> Outcome<u64> {
        Ok(self.send("POST", "/change").await?.parse()?)
    }

    /// Sends a request, keeps the cookie that comes back, and answers with the body.
    ///
    /// # Errors
    ///
    /// For any answer but 200, and none.
    pub(crate) async fn send(&mut self, method: &str, path: &str) -> Outcome<String> {
        let answer = timeout(PATIENCE, self.exchange(method, path));
        let answer = answer.await.map_err(|_| format!("{method} {path}: no answer"))??;
        let answer = parsed(&answer).ok_or_else(|| {
            let status = answer.lines().next().unwrap_or_default();
            format!("{method} {path}: {status:?}")
        })?;
        self.cookie = answer.cookie.unwrap_or_else(|| self.cookie.clone());
        Ok(answer.body)
    }

    async fn exchange(&self, method: &str, path: &str) -> Outcome<String> {
        let Self { site, cookie } = self;
        let mut stream = TcpStream::connect(site).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {site}\r\nCookie: {cookie}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }
}

/// An answer that is a success, all of it at once: the sites send short ones.
fn parsed(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    lines.next()?.strip_prefix("HTTP/1.1 200")?;
    let set = lines.filter_map(|line| line.split_once(": ")).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("set-cookie")
            .then(|| value.split(';').next().unwrap_or_default().to_owned())
    });
    Some(Answer { cookie: set, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_keeps_the_pair_and_leaves_the_attributes() {
        let answer =
            parsed("HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\ncontent-length: 1\r\n\r\n7").unwrap();
        assert_eq!(answer, Answer { cookie: Some("a=b".to_owned()), body: "7".to_owned() });
    }

    #[test]
    fn no_answer_but_a_success_counts() {
        assert_eq!(parsed("HTTP/1.1 503 Service Unavailable\r\n\r\n7"), None);
        assert_eq!(parsed(""), None);
    }
}
