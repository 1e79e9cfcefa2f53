//! Redis by GET and SET on one connection that everybody shares.

use std::time::Duration;

use cloakroom_contest::{Contender, Operation, Result, payload};
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue};

use super::{LIFE, count, id};
use crate::shelf::Shelf;

/// What an engine waits for, and longer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keys of a server or of a Cluster.
pub(crate) struct Redis<C> {
    connection: C,
    shelf: Shelf,
    size: usize,
}

/// A connection to a server.
pub(crate) async fn connect(url: &str) -> Result<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE));
    Ok(redis::Client::open(url)?.get_multiplexed_async_connection_with_config(&config).await?)
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Redis<C> {
    pub(crate) fn new(connection: C, shelf: Shelf, size: usize) -> Self {
        Self { connection, shelf, size }
    }

    async fn ask<T: FromRedisValue>(&self, command: Cmd) -> Result<T> {
        Ok(command.query_async(&mut self.connection.clone()).await?)
    }

    async fn set(&self, key: &str, text: &[u8]) -> Result {
        let mut set = redis::cmd("SET");
        set.arg(key).arg(text).arg("PX").arg(LIFE);
        self.ask(set).await
    }

    async fn get(&self, key: &str) -> Result<Vec<u8>> {
        let mut get = redis::cmd("GET");
        get.arg(key);
        self.ask(get).await
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Contender for Redis<C> {
    type Session = String;

    async fn create(&self, text: String) -> Result<String> {
        let key = key(&id()?);
        self.set(&key, text.as_bytes()).await?;
        Ok(key)
    }

    async fn load(&self, session: &String) -> Result<usize> {
        Ok(self.get(session).await?.len())
    }

    async fn save(&self, session: &mut String, text: String) -> Result {
        self.set(session, text.as_bytes()).await
    }

    async fn touch(&self, session: &mut String) -> Result {
        let mut expire = redis::cmd("PEXPIRE");
        expire.arg(&*session).arg(LIFE);
        self.ask(expire).await
    }

    async fn rotate(&self, session: &mut String, text: String) -> Result {
        // One slot has both, or a Cluster would refuse.
        let new = key(&[&session[5..8], &id()?[3..]].concat());
        let mut both = redis::pipe();
        both.atomic().cmd("SET").arg(&new).arg(text).arg("PX").arg(LIFE).ignore();
        both.cmd("DEL").arg(&*session).ignore();
        both.query_async::<()>(&mut self.connection.clone()).await?;
        *session = new;
        Ok(())
    }

    async fn delete(&self, session: String) -> Result {
        let mut delete = redis::cmd("DEL");
        delete.arg(session);
        self.ask(delete).await
    }

    async fn update(&self, session: &String) -> Result {
        let counted = count(&self.get(session).await?)?;
        self.set(session, payload(self.size, counted + 1).as_bytes()).await
    }

    async fn counted(&self, session: &String) -> Result<u64> {
        count(&self.get(session).await?)
    }

    async fn bytes(&self, live: u64) -> Result<Option<f64>> {
        self.shelf.bytes(live).await
    }

    fn lacks(&self) -> &'static [Operation] {
        &[Operation::Sweep]
    }
}

/// As an engine's, with what decides the slot in braces.
pub(super) fn key(id: &str) -> String {
    format!("raw:{{{}}}{}", &id[..3], &id[3..])
}
