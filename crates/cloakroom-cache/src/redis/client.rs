//! Requests and their answers, in bounded time.

use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Result};
use redis::{Cmd, ServerErrorKind, Value};
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};

use super::connection::{Answers, Request, Target};
use super::failure::{Failure, is_refusal};
use super::keys::Keys;
use super::lanes::{Kind, Lanes};
use super::script::Script;

/// How many loads, and how many saves, go out by themselves on each connection.
const LEADERS: usize = 4;

/// Everybody's requests, by turns on a few connections.
pub(super) struct Client {
    pub(super) lanes: Lanes,
    /// How many replicas must have a write before it counts.
    pub(super) replicas: u32,
    pub(super) keys: Keys,
    pub(super) is_cluster: bool,
    /// How long one answer is waited for.
    pub(super) answer_limit: Duration,
    /// How long an operation may take, however many requests it makes.
    pub(super) operation_limit: Duration,
}

/// When an operation must have ended.
#[derive(Clone, Copy)]
pub(super) struct Budget(pub(super) Instant);

impl Budget {
    pub(super) fn is_spent(self) -> bool {
        Instant::now() >= self.0
    }
}

impl Client {
    pub(super) fn budget(&self) -> Budget {
        Budget(Instant::now() + self.operation_limit)
    }

    /// When an operation has waited long enough for its turn: the other half is for the answer.
    pub(super) fn turn(&self, budget: Budget) -> Instant {
        budget.0 - self.operation_limit / 2
    }

    /// Where the connections' tasks run.
    pub(super) fn home(&self) -> &Handle {
        &self.lanes.home
    }

    /// How many loads, or saves, go out by themselves: a server far away answers them side by side. Beyond that one command
    /// for many costs this process less than many.
    pub(super) fn leaders(&self) -> usize {
        LEADERS * self.lanes.shared.len()
    }

    /// The answer to a command that changes nothing. Where a connection was found broken it is asked for on
    /// another.
    pub(super) async fn read(&self, budget: Budget, to: Target<'_>, command: Cmd) -> Result<Value> {
        self.answer(budget, to, command).await.map_err(Failure::while_reading)
    }

    /// The same, or why there is none.
    pub(super) async fn answer(
        &self,
        budget: Budget,
        to: Target<'_>,
        command: Cmd,
    ) -> Result<Value, Failure> {
        self.asked(budget, to, Request { command: &command, then: None }).await.and_then(accepted)
    }

    /// The answers to two commands about one key that change nothing, sent together.
    pub(super) async fn read_both(
        &self,
        budget: Budget,
        key: &[u8],
        command: &Cmd,
        then: &Cmd,
    ) -> Result<(Value, Value)> {
        let both = self.asked(budget, Target::Key(key), Request { command, then: Some(then) }).await;
        let both = both.and_then(|Answers { answer, then }| {
            let second = Answers { answer: then.unwrap_or(Value::Nil), then: None };
            Ok((accepted(Answers { answer, then: None })?, accepted(second)?))
        });
        both.map_err(Failure::while_reading)
    }

    async fn asked(&self, budget: Budget, to: Target<'_>, request: Request<'_>) -> Result<Answers, Failure> {
        match self.once(Kind::Shared, budget, to, request).await {
            Err(Failure::Lost(Some(source))) if !source.is_timeout() => {
                // Boxed: it is seldom.
                Box::pin(self.once(Kind::Shared, budget, to, request)).await
            }
            first => first,
        }
    }

    /// The same, once as many replicas as must have a write have all that the answer rests on.
    pub(super) async fn read_settled(&self, budget: Budget, key: &[u8], command: Cmd) -> Result<Value> {
        self.written(budget, key, command).await.map_err(|failure| match failure {
            Failure::Undecided(error) => Error::caused(ErrorKind::Unavailable, error.to_string(), error),
            failure => failure.while_reading(),
        })
    }

    /// The answer to a command that may change something. It is sent once.
    pub(super) async fn write(&self, budget: Budget, key: &[u8], command: Cmd) -> Result<Value> {
        self.written(budget, key, command).await.map_err(Failure::while_writing)
    }

    /// The answer to a script that may change something. It is run once: a server that does not know it has
    /// refused it, and is sent the whole.
    pub(super) async fn run(
        &self,
        budget: Budget,
        script: &Script,
        keys: &[&[u8]],
        arguments: &[&[u8]],
    ) -> Result<Value> {
        self.outcome(budget, script, keys, arguments).await.map_err(Failure::while_writing)
    }

    /// The same, or why there is none.
    pub(super) async fn outcome(
        &self,
        budget: Budget,
        script: &Script,
        keys: &[&[u8]],
        arguments: &[&[u8]],
    ) -> Result<Value, Failure> {
        let slot = keys.first().copied().unwrap_or_default();
        match self.written(budget, slot, script.by_hash(keys, arguments)).await {
            Err(Failure::Refused(refusal))
                if refusal.kind() == redis::ErrorKind::Server(ServerErrorKind::NoScript) =>
            {
                self.written(budget, slot, script.in_full(keys, arguments)).await
            }
            answer => answer,
        }
    }

    async fn written(&self, budget: Budget, key: &[u8], command: Cmd) -> Result<Value, Failure> {
        let to = Target::Key(key);
        if self.replicas == 0 {
            let request = Request { command: &command, then: None };
            return self.once(Kind::Shared, budget, to, request).await.and_then(accepted);
        }
        // WAIT waits for all that the server has written by then, also on other connections: for what a
        // script finds done, too.
        let mut wait = redis::cmd("WAIT");
        wait.arg(self.replicas).arg(millis(self.answer_limit / 2));
        let request = Request { command: &command, then: Some(&wait) };
        let answers = self.once(Kind::Durable, budget, to, request).await?;
        let replicas = i64::from(self.replicas);
        let reached = matches!(answers.then, Some(Value::Int(reached)) if reached >= replicas);
        let answer = accepted(answers)?;
        if !reached {
            let message = "too few replicas have what the session cache has stored";
            return Err(Failure::Undecided(Error::new(ErrorKind::Unknown, message)));
        }
        Ok(answer)
    }

    async fn once(
        &self,
        kind: Kind,
        budget: Budget,
        to: Target<'_>,
        request: Request<'_>,
    ) -> Result<Answers, Failure> {
        let turn = self.lanes.turn();
        let live = match self.lanes.ready(kind, turn) {
            Some(live) => live,
            // Boxed: it is seldom, and large.
            None => Box::pin(self.lanes.connected(kind, turn, budget.0)).await.map_err(Failure::Unsent)?,
        };
        let asked = Instant::now();
        let until = budget.0.min(asked + self.answer_limit);
        let mut connection = live.connection();
        // Boxed: the driver's is large, and would be moved by each future around it.
        match timeout_at(until, Box::pin(connection.send(to, request))).await {
            Ok(Ok(answers)) => {
                live.is_well();
                if let Value::ServerError(refusal) = &answers.answer {
                    self.lanes.refused(&live, refusal);
                }
                Ok(answers)
            }
            Ok(Err(refusal)) if is_refusal(&refusal) => Err(Failure::Refused(refusal)),
            Ok(Err(error)) => {
                self.lanes.failed(&live, &error);
                Err(Failure::Lost(Some(error)))
            }
            Err(_) => {
                // What had hardly any time left says nothing of the connection.
                if asked.elapsed() >= self.answer_limit / 2 {
                    self.lanes.late(&live);
                }
                Err(Failure::Lost(None))
            }
        }
    }

    /// Lets go of all connections.
    pub(super) fn close(&self) {
        self.lanes.close();
    }
}

/// The answer, if it is no refusal.
fn accepted(answers: Answers) -> Result<Value, Failure> {
    match answers.answer {
        Value::ServerError(refusal) => Err(Failure::Refused(refusal.into())),
        answer => Ok(answer),
    }
}

/// Asks for what is under a key.
pub(super) fn get(key: &[u8]) -> Cmd {
    let mut get = Cmd::with_capacity(2, 3 + key.len());
    get.arg("GET").arg(key);
    get
}

/// Whole milliseconds, at least one: Redis refuses to keep a key for none.
pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX).max(1)
}
