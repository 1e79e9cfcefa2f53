//! The contract, in scripts that compare whole values: each answers what it has found, and has done it by then.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use cloakroom_core::{
    Addressing, Capabilities, Clock, Cursor, Deleted, Error, ErrorKind, Page, Read, Record, Result, Revision,
    Saved, SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stamp, Stored, Swept,
    Timestamp, Touched, Written,
};
use futures_util::{StreamExt, stream};
use redis::Value;

use super::super::client::{Client, get};
use super::super::connection::Target;
use super::super::script::django as script;
use super::super::value::foreign;
use super::super::walk::{AT_ONCE, Walk};

/// A site's sessions in Redis. Opened by [`Config::open_django`](super::super::Config::open_django).
///
/// A key lives as long as its session, in whole seconds rounded up, by the server's clock; one that lives for ever is a session without
/// an end. The revision is the value: of two equal ones nobody can tell which it is.
pub struct Backend {
    client: Client,
    clock: Arc<dyn Clock>,
    capabilities: Capabilities,
    format: Arc<dyn SessionFormat>,
}

/// An answer of a script.
enum Answer {
    Gone,
    Written,
    Conflict(Stored),
    Skipped,
}

impl Backend {
    pub(in crate::redis) fn new(
        client: Client,
        clock: Arc<dyn Clock>,
        mut capabilities: Capabilities,
        format: Arc<dyn SessionFormat>,
    ) -> Self {
        capabilities.addressing = Addressing::Verbatim;
        // The value is all there is: an equal one may be anybody's.
        capabilities.recognises_own_write = false;
        Self { client, clock, capabilities, format }
    }

    fn key(&self, id: &SessionId) -> Vec<u8> {
        self.client.keys.verbatim(id)
    }

    /// Whole seconds from now, rounded up; none if that is over.
    fn seconds_until(&self, end: Timestamp) -> Vec<u8> {
        let millis = end.since(self.clock.now()).as_millis();
        millis.div_ceil(1_000).to_string().into_bytes()
    }

    /// A value and what is left of its time, if there is one.
    fn stored(&self, value: Value, life: &Value) -> Result<Option<Stored>> {
        let (Value::BulkString(value), Value::Int(life)) = (value, life) else { return Err(foreign()) };
        let expires_at = match u64::try_from(*life) {
            Ok(millis) => self.clock.now().plus(std::time::Duration::from_millis(millis)),
            Err(_) if *life == -1 => Timestamp::MAX,
            // It ended after it was read.
            Err(_) => return Ok(None),
        };
        let payload = Bytes::from(value);
        // Whose it is the value tells, and no write has a stamp.
        let stamp = Stamp { sequence: 0, nonce: 0 };
        let record = Record::new(payload.clone(), expires_at, None, stamp);
        Ok(Some(Stored::new(record, Revision::opaque(payload))))
    }

    /// # Errors
    ///
    /// `Corrupt` for a value of another type.
    fn answer(&self, answer: Value) -> Result<Answer> {
        Ok(match answer {
            Value::Int(0) => Answer::Gone,
            Value::Int(1) => Answer::Written,
            Value::Int(3) => Answer::Skipped,
            Value::Array(parts) => {
                let [Value::Int(2), value, life] = <[Value; 3]>::try_from(parts).map_err(|_| foreign())?
                else {
                    return Err(foreign());
                };
                self.stored(value, &life)?.map_or(Answer::Gone, Answer::Conflict)
            }
            _ => return Err(foreign()),
        })
    }

    fn saved(&self, answer: Value, new: &Record) -> Result<Saved> {
        match self.answer(answer)? {
            Answer::Gone => Ok(Saved::Gone),
            Answer::Written => Ok(written(new)),
            Answer::Conflict(there) => Ok(Saved::Conflict(there)),
            Answer::Skipped => Err(foreign()),
        }
    }
}

#[async_trait]
impl SessionBackend for Backend {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        None
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        Some(self)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        Some(&*self.format)
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        let (budget, key) = (self.client.budget(), self.key(id));
        let (get, mut life) = (get(&key), redis::cmd("PTTL"));
        life.arg(&key);
        let (value, life) = match read {
            // What a lost write is found by must count as one that was answered.
            Read::Latest if self.client.replicas > 0 => {
                let value = self.client.read_settled(budget, &key, get).await?;
                (value, self.client.read(budget, Target::Key(&key), life).await?)
            }
            _ => self.client.read_both(budget, &key, &get, &life).await?,
        };
        if value == Value::Nil { Ok(None) } else { self.stored(value, &life) }
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        let found = self.load(id, Read::Any).await?;
        Ok(found.map(|stored| (stored.revision, stored.record.expires_at)))
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let (budget, key) = (self.client.budget(), self.key(id));
        let life = self.seconds_until(new.expires_at);
        if life == b"0" {
            // Redis keeps nothing for no time.
            return Ok(Saved::Gone);
        }
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(&*new.payload).arg("NX").arg("EX").arg(&life);
        if self.client.write(budget, &key, set).await? == Value::Okay {
            return Ok(written(new));
        }
        Ok(self.load(id, Read::Any).await?.map_or(Saved::Gone, Saved::Conflict))
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let life = self.seconds_until(new.expires_at);
        let arguments: [&[u8]; 3] = [value_of(seen)?, &new.payload, &life];
        let answer =
            self.client.run(self.client.budget(), &script::SAVE, &[&self.key(id)], &arguments).await?;
        self.saved(answer, new)
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let life = self.seconds_until(until);
        let arguments: [&[u8]; 2] = [value_of(seen)?, &life];
        let answer =
            self.client.run(self.client.budget(), &script::TOUCH, &[&self.key(id)], &arguments).await?;
        match self.answer(answer)? {
            Answer::Gone => Ok(Touched::Gone),
            Answer::Written => Ok(Touched::Moved(Written::at(seen.clone()))),
            Answer::Skipped => Ok(Touched::Skipped),
            Answer::Conflict(_) => Err(foreign()),
        }
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let keys = [self.key(from), self.key(to)];
        let life = self.seconds_until(new.expires_at);
        let arguments: [&[u8]; 3] = [value_of(seen)?, &new.payload, &life];
        let both: [&[u8]; 2] = [&keys[0], &keys[1]];
        let run = self.client.run(self.client.budget(), &script::ROTATE, &both, &arguments);
        self.saved(run.await?, new)
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let seen = seen.map(value_of).transpose()?;
        let arguments = seen.as_slice();
        let answer =
            self.client.run(self.client.budget(), &script::DELETE, &[&self.key(id)], arguments).await?;
        match self.answer(answer)? {
            Answer::Gone => Ok(Deleted::Absent),
            Answer::Written => Ok(Deleted::Ended),
            Answer::Conflict(there) => Ok(Deleted::Conflict(there)),
            Answer::Skipped => Err(foreign()),
        }
    }

    /// Keys end by themselves.
    async fn clear_expired(&self, _: Timestamp, _: u32) -> Result<Swept> {
        Ok(Swept { removed: 0, more: false })
    }

    async fn close(&self) -> Result<()> {
        self.client.close();
        Ok(())
    }
}

#[async_trait]
impl SessionWalk for Backend {
    async fn page(&self, from: Option<&Cursor>, _: u32) -> Result<Page> {
        let (client, budget) = (&self.client, self.client.budget());
        let walk = Walk::resumed(client, budget, client.keys.verbatim_pattern(), from).await?;
        let Some((keys, behind)) = walk.next(client, budget).await? else {
            return Ok(Page::new(vec![], None));
        };
        let ids: Vec<_> = keys.iter().filter_map(|key| client.keys.verbatim_id(key)).collect();
        let look = |id: SessionId| async move { (self.load(&id, Read::Any).await, id) };
        let mut records = stream::iter(ids).map(look).buffered(AT_ONCE);
        let mut found = Vec::new();
        while let Some((stored, id)) = records.next().await {
            match stored {
                Ok(stored) => found.extend(stored.map(|stored| (id, stored))),
                Err(error) if error.kind() == ErrorKind::Corrupt => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Page::new(found, behind.cursor()))
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("redis::django::Backend")
            .field("keys", &self.client.keys)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

fn written(new: &Record) -> Saved {
    Saved::Written(Written::at(Revision::opaque(new.payload.clone())))
}

/// # Errors
///
/// `Misconfigured` for a revision of another engine's making.
fn value_of(seen: &Revision) -> Result<&[u8]> {
    let value = seen.as_opaque().map(|value| &**value);
    value.ok_or_else(|| Error::new(ErrorKind::Misconfigured, "this revision is another engine's"))
}
