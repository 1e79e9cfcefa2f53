//! Saves that come at the same time.

use std::sync::Arc;

use bytes::Bytes;
use cloakroom_core::together::{Late, Line, Together, Turn};
use cloakroom_core::{Clock, Result};
use redis::Value;

use super::answer::Answer;
use super::client::{Budget, Client};
use super::failure::{Failure, too_busy};
use super::script;
use super::value::foreign;

/// How many sessions one script stores, and how many bytes of them: the server does nothing else meanwhile.
const MOST: usize = 64;
const LARGE: usize = 1 << 20;

/// A record that is to be stored over the one that was seen.
#[derive(Clone)]
pub(super) struct Save {
    pub(super) key: Vec<u8>,
    pub(super) seen: [u8; 16],
    pub(super) record: Bytes,
    /// In milliseconds.
    pub(super) life: String,
}

/// Has the server store records one by one, or, where many come at once, several together.
pub(super) struct Saves {
    writer: Writer,
    /// None in a Cluster: no script reaches the keys of several nodes.
    line: Option<Line<Writer>>,
}

#[derive(Clone)]
struct Writer {
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
}

impl Saves {
    pub(super) fn new(client: Arc<Client>, clock: Arc<dyn Clock>) -> Self {
        let writer = Writer { client, clock };
        let client = &writer.client;
        let line = (!client.is_cluster).then(|| Line::new(writer.clone(), client.leaders()));
        Self { writer, line }
    }

    /// Stores it where what was seen is still there. What became of it.
    ///
    /// # Errors
    ///
    /// As [`Client::run`].
    pub(super) async fn save(&self, budget: Budget, save: &Save) -> Result<Answer> {
        let Some(line) = self.line.as_ref().filter(|_| save.record.len() <= LARGE) else {
            return self.writer.alone(budget, save).await;
        };
        let lead = match line.join(|| save.clone(), self.writer.client.turn(budget), budget.0).await {
            Ok(Turn::Own(lead)) => lead,
            Ok(Turn::Made(Some(answer))) => return answer,
            Ok(Turn::Made(None)) => None,
            Err(Late::Waiting) => return Err(too_busy()),
            Err(_) => return Err(Failure::Lost(None).while_writing()),
        };
        let answer = self.writer.alone(budget, save).await;
        drop(lead);
        answer
    }

    /// Waits until nothing is under way, and nobody waits.
    pub(super) async fn drained(&self) {
        if let Some(line) = &self.line {
            line.drained().await;
        }
    }
}

impl Writer {
    async fn alone(&self, budget: Budget, save: &Save) -> Result<Answer> {
        let answers = self.several(budget, std::slice::from_ref(save)).await;
        match answers.map_err(Failure::while_writing)? {
            Value::Array(mut answers) => answers.pop().ok_or_else(foreign).and_then(read),
            _ => Err(foreign()),
        }
    }

    async fn several(&self, budget: Budget, saves: &[Save]) -> Result<Value, Failure> {
        let now = self.clock.now().millis().to_string();
        let keys: Vec<&[u8]> = saves.iter().map(|save| save.key.as_slice()).collect();
        let mut arguments: Vec<&[u8]> = Vec::with_capacity(1 + 3 * saves.len());
        arguments.push(now.as_bytes());
        for Save { seen, record, life, .. } in saves {
            arguments.extend([seen.as_slice(), record, life.as_bytes()]);
        }
        self.client.outcome(budget, &script::SAVE, &keys, &arguments).await
    }
}

impl Together for Writer {
    type Call = Save;
    /// None: nothing was done, and it is to be tried by itself.
    type Answer = Option<Result<Answer>>;

    fn takes(&self, group: &[Save], call: &Save) -> bool {
        // Of two saves of one session the second one is to meet what the first one has stored.
        group.len() < MOST
            && group.iter().all(|other| other.key != call.key)
            && group.iter().map(|save| save.record.len()).sum::<usize>() + call.record.len() <= LARGE
    }

    async fn make(&self, group: Vec<Save>) -> Vec<Self::Answer> {
        let failure = match self.several(self.client.budget(), &group).await {
            Ok(Value::Array(answers)) if answers.len() == group.len() => {
                // A conflict is told without what is there: that may be large.
                let each = |answer| (answer != Value::Int(2)).then(|| read(answer));
                return answers.into_iter().map(each).collect();
            }
            // A script that is refused has written nothing.
            Err(Failure::Refused(_)) => return group.iter().map(|_| None).collect(),
            Err(failure) => failure,
            Ok(_) => Failure::Lost(None),
        };
        // Nobody is to wait for the same silence again.
        let error = failure.while_writing();
        group.iter().map(|_| Some(Err(error.clone()))).collect()
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.client.home().spawn(work);
    }
}

/// # Errors
///
/// What the server has refused it for; `Corrupt` for a value that others have stored.
fn read(answer: Value) -> Result<Answer> {
    match answer {
        Value::ServerError(refusal) => Err(Failure::Refused(refusal.into()).while_writing()),
        answer => Answer::read(answer),
    }
}
