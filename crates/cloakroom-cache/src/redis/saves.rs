//! Saves that come at the same time.

use std::sync::Arc;

use bytes::Bytes;
use cloakroom_core::together::{Late, Queue, Together, Turn};
use cloakroom_core::{Clock, Error, ErrorKind, Result};
use redis::Value;

use super::answer::Answer;
use super::client::{Budget, Client};
use super::failure::Failure;
use super::loads::LEADERS;
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
    store: Store,
    /// None in a Cluster: no script reaches the keys of several nodes.
    line: Option<Queue<Store>>,
}

#[derive(Clone)]
struct Store {
    client: Arc<Client>,
    clock: Arc<dyn Clock>,
}

impl Saves {
    pub(super) fn new(client: Arc<Client>, clock: Arc<dyn Clock>) -> Self {
        let is_cluster = client.is_cluster;
        let store = Store { client, clock };
        Self { line: (!is_cluster).then(|| Queue::new(store.clone(), LEADERS)), store }
    }

    /// Stores it where what was seen is still there. What became of it.
    ///
    /// # Errors
    ///
    /// As [`Client::run`].
    pub(super) async fn save(&self, budget: Budget, save: &Save) -> Result<Answer> {
        let Some(line) = self.line.as_ref().filter(|_| save.record.len() <= LARGE) else {
            return self.store.alone(budget, save, false).await;
        };
        let lead = match line.join(|| save.clone(), budget.0, budget.0).await {
            Ok(Turn::Own(lead)) => lead,
            Ok(Turn::Made(Some(answer))) => return answer,
            Ok(Turn::Made(None)) => None,
            Err(Late::Waiting) => {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    "the session cache has more to do than it can in time",
                ));
            }
            Err(Late::Making) => return Err(Failure::Lost(None).while_writing()),
        };
        let answer = self.store.alone(budget, save, false).await;
        drop(lead);
        answer
    }

    /// Stores one of which the record says until when its owner's index shows it.
    ///
    /// # Errors
    ///
    /// As [`Client::run`].
    pub(super) async fn save_listed(&self, budget: Budget, save: &Save) -> Result<Answer> {
        self.store.alone(budget, save, true).await
    }

    /// Waits until nothing is under way, and nobody waits.
    pub(super) async fn drained(&self) {
        if let Some(line) = &self.line {
            line.drained().await;
        }
    }
}

impl Store {
    async fn alone(&self, budget: Budget, save: &Save, is_listed: bool) -> Result<Answer> {
        let mut answers = self.run(budget, std::slice::from_ref(save), is_listed).await?;
        answers.pop().ok_or_else(foreign).and_then(read)
    }

    async fn run(&self, budget: Budget, saves: &[Save], is_listed: bool) -> Result<Vec<Value>> {
        let now = self.clock.now().millis().to_string();
        let keys: Vec<&[u8]> = saves.iter().map(|save| save.key.as_slice()).collect();
        let mut arguments: Vec<&[u8]> = Vec::with_capacity(2 + 3 * saves.len());
        arguments.extend([now.as_bytes(), if is_listed { b"1" } else { b"" }]);
        for Save { seen, record, life, .. } in saves {
            arguments.extend([seen.as_slice(), record, life.as_bytes()]);
        }
        match self.client.run(budget, &script::SAVE, &keys, &arguments).await? {
            Value::Array(answers) if answers.len() == saves.len() => Ok(answers),
            _ => Err(foreign()),
        }
    }
}

impl Together for Store {
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
        match self.run(self.client.budget(), &group, false).await {
            Ok(answers) => answers.into_iter().map(|answer| Some(read(answer))).collect(),
            Err(error) if error.kind() == ErrorKind::Unknown => {
                group.iter().map(|_| Some(Err(error.clone()))).collect()
            }
            Err(_) => group.iter().map(|_| None).collect(),
        }
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
