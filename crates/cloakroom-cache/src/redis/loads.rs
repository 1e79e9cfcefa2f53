//! What is under keys that are asked for at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cloakroom_core::Result;
use cloakroom_core::together::{Late, Line, Together, Turn};
use redis::{Cmd, Value};

use super::client::{Budget, Client, get};
use super::connection::Target;
use super::failure::{Failure, too_busy};

/// How many keys one command asks for, and how many bytes are expected of it: its answer is waited for as a whole.
const MOST: usize = 64;
const LARGE: usize = 1 << 20;

/// Asks for keys one by one, or, where many are asked for at once, for several together.
pub(super) struct Loads {
    reader: Reader,
    /// None in a Cluster: there each key is with a node of its own.
    line: Option<Line<Reader>>,
}

#[derive(Clone)]
struct Reader {
    client: Arc<Client>,
    /// How large values were lately, at most.
    size: Arc<AtomicUsize>,
}

impl Loads {
    pub(super) fn new(client: Arc<Client>) -> Self {
        let reader = Reader { client, size: Arc::default() };
        let client = &reader.client;
        let line = (!client.is_cluster).then(|| Line::new(reader.clone(), client.leaders()));
        Self { reader, line }
    }

    /// What is under a key.
    ///
    /// # Errors
    ///
    /// As [`Client::read`].
    pub(super) async fn get(&self, budget: Budget, key: &[u8]) -> Result<Value> {
        let Some(line) = &self.line else { return self.reader.alone(budget, key).await };
        match line.join(|| key.to_vec(), self.reader.client.turn(budget), budget.0).await {
            Ok(Turn::Made(Some(answer))) => answer,
            Ok(Turn::Own(_lead)) => self.reader.alone(budget, key).await,
            Err(Late::Waiting) => Err(too_busy()),
            // Also of what nobody answers: a read may be repeated.
            Ok(Turn::Made(None)) | Err(_) => self.reader.alone(budget, key).await,
        }
    }

    /// Waits until nothing is under way, and nobody waits.
    pub(super) async fn drained(&self) {
        if let Some(line) = &self.line {
            line.drained().await;
        }
    }
}

impl Reader {
    async fn alone(&self, budget: Budget, key: &[u8]) -> Result<Value> {
        let found = self.client.read(budget, Target::Key(key), get(key)).await?;
        self.note([&found]);
        Ok(found)
    }

    /// What is under several keys, each of which may be there or not. None of those that are to be asked for by themselves.
    async fn several(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Value>>, Failure> {
        let budget = self.client.budget();
        let found = match self.client.answer(budget, Target::Anybody, command("MGET", keys)).await? {
            Value::Array(found) if found.len() == keys.len() => found,
            _ => return Ok(vec![None; keys.len()]),
        };
        self.note(&found);
        let nothing: Vec<_> = std::iter::zip(keys, &found)
            .filter(|(_, value)| **value == Value::Nil)
            .map(|(key, _)| key.as_slice())
            .collect();
        // Of what is no string MGET says the same as of what is not there.
        let is_absent = nothing.is_empty()
            || self.client.answer(budget, Target::Anybody, command("EXISTS", &nothing)).await?
                == Value::Int(0);
        Ok(found.into_iter().map(|value| (is_absent || value != Value::Nil).then_some(value)).collect())
    }

    fn note<'v>(&self, found: impl IntoIterator<Item = &'v Value>) {
        let size = |value: &Value| if let Value::BulkString(bytes) = value { bytes.len() } else { 0 };
        let largest = found.into_iter().map(size).max().unwrap_or(0);
        let before = self.size.load(Ordering::Relaxed);
        // A guess: two that note at once need not agree.
        if largest != before {
            self.size.store(largest.max(before - before / 16), Ordering::Relaxed);
        }
    }
}

impl Together for Reader {
    type Call = Vec<u8>;
    /// None: it is to be asked for by itself.
    type Answer = Option<Result<Value>>;

    fn takes(&self, group: &[Vec<u8>], _: &Vec<u8>) -> bool {
        group.is_empty() || group.len() < MOST && group.len() * self.size.load(Ordering::Relaxed) < LARGE
    }

    async fn make(&self, group: Vec<Vec<u8>>) -> Vec<Self::Answer> {
        match self.several(&group).await {
            Ok(found) => found.into_iter().map(|value| value.map(Ok)).collect(),
            // It may be refused because of the others, or because there are others.
            Err(Failure::Refused(_)) => vec![None; group.len()],
            // Nobody is to wait for the same silence again.
            Err(failure) => vec![Some(Err(failure.while_reading())); group.len()],
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.client.home().spawn(work);
    }
}

fn command(name: &str, keys: &[impl AsRef<[u8]>]) -> Cmd {
    let sizes = keys.iter().map(|key| key.as_ref().len()).sum::<usize>();
    let mut command = Cmd::with_capacity(1 + keys.len(), name.len() + sizes);
    command.arg(name);
    for key in keys {
        command.arg(key.as_ref());
    }
    command
}
