//! What is under keys that are asked for at the same time.

use std::sync::Arc;

use cloakroom_core::together::{Queue, Together, Turn};
use cloakroom_core::{ErrorKind, Result};
use redis::{Cmd, Value};

use super::client::{Budget, Client, get};
use super::connection::Target;
use super::failure::Failure;

/// How many keys one command asks for.
const MOST: usize = 64;
/// So many requests go out as they come: a server far away is not to be waited for twice. What comes with more about is worth the driver's
/// time for one.
pub(super) const LEADERS: usize = 4;

/// Asks for keys one by one, or, where many are asked for at once, for several together.
pub(super) struct Loads {
    client: Arc<Client>,
    /// None in a Cluster: there each key is with a node of its own.
    line: Option<Queue<Group>>,
}

struct Group(Arc<Client>);

impl Loads {
    pub(super) fn new(client: Arc<Client>) -> Self {
        let line = (!client.is_cluster).then(|| Queue::new(Group(Arc::clone(&client)), LEADERS));
        Self { client, line }
    }

    /// What is under a key.
    ///
    /// # Errors
    ///
    /// As [`Client::read`].
    pub(super) async fn get(&self, budget: Budget, key: &[u8]) -> Result<Value> {
        let alone = || self.client.read(budget, Target::Key(key), get(key));
        let Some(line) = &self.line else { return alone().await };
        match line.join(|| key.to_vec(), budget.0, budget.0).await {
            Ok(Turn::Made(Some(answer))) => answer,
            Ok(Turn::Made(None)) => alone().await,
            Ok(Turn::Own(_lead)) => alone().await,
            Err(_) => Err(Failure::Lost(None).while_reading()),
        }
    }
}

impl Together for Group {
    type Call = Vec<u8>;
    /// None: it is to be asked for by itself.
    type Answer = Option<Result<Value>>;

    fn takes(&self, group: &[Vec<u8>], _: &Vec<u8>) -> bool {
        group.len() < MOST
    }

    async fn make(&self, group: Vec<Vec<u8>>) -> Vec<Self::Answer> {
        let sizes = group.iter().map(Vec::len).sum::<usize>();
        let mut command = Cmd::with_capacity(1 + group.len(), 4 + sizes);
        command.arg("MGET").arg(&group);
        match self.0.read(self.0.budget(), Target::Anybody, command).await {
            // Of what is no string it says the same as of what is not there.
            Ok(Value::Array(found)) if found.len() == group.len() => {
                found.into_iter().map(|value| (value != Value::Nil).then_some(Ok(value))).collect()
            }
            // Nobody is to wait for the same silence again.
            Err(error) if error.kind() == ErrorKind::Unavailable => vec![Some(Err(error)); group.len()],
            _ => vec![None; group.len()],
        }
    }
}
