//! The races, and how they ended.

use std::{collections::BTreeMap, fmt};

use reqwest::{Method, StatusCode};

use crate::{Result, visitor::Visitor};

/// How many requests are under way at once.
pub(crate) const REQUESTS: usize = 32;
/// How often a logout overtakes a request.
pub(crate) const LOGOUTS: usize = 20;

/// What is incremented.
pub(crate) const COUNT: &str = "count";
/// What is set by the request that a logout overtakes.
pub(crate) const LATE: &str = "late";

/// What the parallel requests set.
pub(crate) fn different_names() -> impl Iterator<Item = String> {
    (0..REQUESTS).map(|n| format!("n{n}"))
}

/// How all of them ended on one site.
pub(crate) struct Outcome {
    pub(crate) names: Kept,
    pub(crate) increments: Kept,
    pub(crate) logouts: Logouts,
}

/// What is left of [`REQUESTS`] changes.
pub(crate) struct Kept {
    pub(crate) kept: u64,
    pub(crate) answers: Answers,
}

/// How [`LOGOUTS`] ended that overtook a request which then changed the session.
#[derive(Default)]
pub(crate) struct Logouts {
    /// After so many of them the session still held something.
    pub(crate) alive: usize,
    /// After so many of them the user was still logged in.
    pub(crate) undone: usize,
    /// What the requests were told that had been overtaken.
    answers: Answers,
}

/// How often each status was answered.
#[derive(Default)]
pub(crate) struct Answers(BTreeMap<StatusCode, usize>);

impl Outcome {
    /// Nothing is lost, nothing is refused, and nothing has come back.
    pub(crate) fn is_perfect(&self) -> bool {
        let kept = [&self.names, &self.increments].iter().all(|kept| kept.is_perfect());
        kept && self.logouts.alive == 0 && self.logouts.undone == 0
    }
}

impl Kept {
    fn is_perfect(&self) -> bool {
        usize::try_from(self.kept) == Ok(REQUESTS) && self.answers.failed() == 0
    }
}

impl Answers {
    /// How many were no success.
    pub(crate) fn failed(&self) -> usize {
        self.0.iter().filter(|(status, _)| !status.is_success()).map(|(_, number)| number).sum()
    }

    pub(crate) fn of(statuses: impl Iterator<Item = StatusCode>) -> Self {
        let mut answers = Self::default();
        for status in statuses {
            answers.count(status);
        }
        answers
    }

    fn count(&mut self, status: StatusCode) {
        *self.0.entry(status).or_default() += 1;
    }
}

/// Runs each race on the site at this address.
///
/// # Errors
///
/// For a site that does not answer, and for one where requests do not overlap.
pub(crate) async fn run(site: &str) -> Result<Outcome> {
    Ok(Outcome {
        names: names(site).await?,
        increments: increments(site).await?,
        logouts: logouts(site).await?,
    })
}

/// Requests that each set a name of their own.
async fn names(site: &str) -> Result<Kept> {
    let visitor = Visitor::login(site).await?;
    let requests = different_names().map(|name| (Method::PUT, format!("/set/{name}")));
    let answers = race(&visitor, requests).await?;
    let all = visitor.all().await?;
    let kept = different_names().filter(|name| all.contains_key(name)).count();
    Ok(Kept { kept: kept.try_into()?, answers })
}

/// Requests that each add one.
async fn increments(site: &str) -> Result<Kept> {
    let visitor = Visitor::login(site).await?;
    let answers = race(&visitor, (0..REQUESTS).map(|_| (Method::POST, "/count".to_owned()))).await?;
    let all = visitor.all().await?;
    Ok(Kept { kept: all.get(COUNT).and_then(serde_json::Value::as_u64).unwrap_or_default(), answers })
}

async fn race(visitor: &Visitor, requests: impl Iterator<Item = (Method, String)>) -> Result<Answers> {
    let sent = visitor.send_to_the_gate(requests).await?;
    let answers = visitor.open_the_gate(sent).await?;
    Ok(Answers::of(answers.iter().map(|answer| answer.status)))
}

/// A request that has loaded the session changes it after a logout has been answered.
async fn logouts(site: &str) -> Result<Logouts> {
    let mut logouts = Logouts::default();
    for _ in 0..LOGOUTS {
        let visitor = Visitor::login(site).await?;
        let sent = visitor.send_to_the_gate([(Method::PUT, format!("/set/{LATE}"))].into_iter()).await?;
        visitor.send(Method::POST, "/logout").await?.expected()?;
        let late = visitor.open_the_gate(sent).await?;
        // By the old cookie, which somebody may have kept, and by another one that the browser has been sent.
        let mut left = visitor.all().await?;
        for answer in late {
            logouts.answers.count(answer.status);
            if let Some(cookie) = answer.cookie {
                left.extend(visitor.bearing(cookie).all().await?);
            }
        }
        logouts.alive += usize::from(!left.is_empty());
        logouts.undone += usize::from(left.contains_key("user"));
    }
    Ok(logouts)
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { names, increments, logouts } = self;
        write!(f, "names {} ({}), ", names.kept, names.answers)?;
        write!(f, "increments {} ({}), ", increments.kept, increments.answers)?;
        let Logouts { alive, undone, answers } = logouts;
        write!(f, "sessions alive after a logout {alive}, logged in {undone} ({answers})")
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each: Vec<_> =
            self.0.iter().map(|(status, number)| format!("{number} × {}", status.as_u16())).collect();
        f.write_str(&each.join(", "))
    }
}
