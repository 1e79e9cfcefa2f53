//! Copies of sessions that another engine keeps, for all processes.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_core::{Clock, Result, SessionCache, SessionId, Stored};
use redis::Value;

use super::client::{Client, millis};
use super::loads::Loads;
use super::script;
use super::value::{self, foreign};

/// Remembers copies in Redis. Opened by [`Config::open_cache`](super::Config::open_cache).
///
/// A lease ends by the clock and by the server's own time, whichever is first: also when nobody asks. Of an
/// engine whose revisions are no stamps it remembers nothing.
pub struct Cache {
    client: Arc<Client>,
    loads: Loads,
    clock: Arc<dyn Clock>,
}

impl Cache {
    pub(super) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        let client = Arc::new(client);
        Self { loads: Loads::new(Arc::clone(&client)), client, clock }
    }
}

#[async_trait]
impl SessionCache for Cache {
    fn is_shared(&self) -> bool {
        true
    }

    async fn get(&self, id: &SessionId) -> Result<Option<Stored>> {
        let key = self.client.keys.copy(id);
        match self.loads.get(self.client.budget(), &key).await? {
            Value::Nil => Ok(None),
            Value::BulkString(value) => {
                let (copy, until) = value::remembered(value)?;
                Ok(copy.filter(|_| self.clock.now() < until))
            }
            _ => Err(foreign()),
        }
    }

    async fn put(&self, id: &SessionId, copied: &Stored, lease: Duration) -> Result<()> {
        let now = self.clock.now();
        let Some(copy) = value::copy(copied, now.plus(lease))? else { return Ok(()) };
        let key = self.client.keys.copy(id);
        let (now, life) = (now.millis().to_string(), millis(lease).to_string());
        let arguments: [&[u8]; 3] = [now.as_bytes(), &copy, life.as_bytes()];
        match self.client.run(self.client.budget(), &script::PUT, &[&key], &arguments).await? {
            Value::Int(0 | 1) => Ok(()),
            _ => Err(foreign()),
        }
    }

    async fn fence(&self, id: &SessionId, hold: Duration) -> Result<()> {
        let key = self.client.keys.copy(id);
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(value::fence(self.clock.now().plus(hold))).arg("PX").arg(millis(hold));
        self.client.write(self.client.budget(), &key, set).await.map(|_| ())
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("redis::Cache").field("keys", &self.client.keys).finish_non_exhaustive()
    }
}
