//! The contract, in scripts: each answers what it has found, and has done it by then.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_core::{
    Capabilities, Clock, Deleted, Error, ErrorKind, Read, Record, Result, Revision, Saved, SessionBackend,
    SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, Timestamp, Touched, Written,
};
use redis::Value;
use tokio::time::timeout_at;

use super::answer::Answer;
use super::client::{Budget, Client, get, millis};
use super::connection::Target;
use super::loads::Loads;
use super::saves::{Save, Saves};
use super::script;
use super::sweep::Sweep;
use super::value;

/// How much longer than its session a record is kept. The deadline is in the record, and goes by our clocks;
/// this one goes by the server's, and only collects garbage.
pub(super) const SLACK: Duration = Duration::from_hours(1);

/// Sessions in Redis. Opened by [`Config::open`](super::Config::open).
pub struct Backend {
    pub(super) client: Arc<Client>,
    loads: Loads,
    saves: Saves,
    pub(super) clock: Arc<dyn Clock>,
    capabilities: Capabilities,
    sweep: Sweep,
}

impl Backend {
    pub(super) fn new(client: Client, clock: Arc<dyn Clock>, capabilities: Capabilities) -> Self {
        let client = Arc::new(client);
        let (loads, saves) =
            (Loads::new(Arc::clone(&client)), Saves::new(Arc::clone(&client), Arc::clone(&clock)));
        Self { client, loads, saves, clock, capabilities, sweep: Sweep::default() }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The living record under `id`.
    pub(super) async fn there(&self, budget: Budget, id: &SessionId) -> Result<Option<Stored>> {
        let key = self.client.keys.session(id);
        self.living(self.loads.get(budget, &key).await?)
    }

    fn living(&self, found: Value) -> Result<Option<Stored>> {
        match found {
            Value::Nil => Ok(None),
            Value::BulkString(value) => {
                Ok(Some(value::stored(value)?).filter(|stored| stored.record.is_alive(self.now())))
            }
            _ => Err(value::foreign()),
        }
    }

    /// Until when its owner's index shows a session, for which it is noted there first: a session that lives
    /// is in it.
    async fn list(&self, budget: Budget, id: &SessionId, new: &Record) -> Result<u64> {
        match &new.owner {
            None => Ok(0),
            Some(owner) => self.note(budget, owner, id, new.expires_at).await,
        }
    }

    /// Removes what has ended from its owner's index, where it stays if that fails, and is not shown.
    async fn unlist(&self, budget: Budget, id: &SessionId, listed: Option<(String, u64)>) {
        if let Some((owner, until)) = listed {
            let _ = self.forget(budget, &owner, id, until).await;
        }
    }

    fn time_to_live(&self, until: Timestamp) -> String {
        millis(until.since(self.now()) + SLACK).to_string()
    }
}

#[async_trait]
impl SessionBackend for Backend {
    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        Some(self)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        None
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        let budget = self.client.budget();
        match read {
            // By this a write whose answer was lost is found done: then it must count as one that was answered.
            Read::Latest if self.client.replicas > 0 => {
                let key = self.client.keys.session(id);
                self.living(self.client.read_settled(budget, &key, get(&key)).await?)
            }
            _ => self.there(budget, id).await,
        }
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        let key = self.client.keys.session(id);
        let mut get = redis::cmd("GETRANGE");
        get.arg(&key).arg(0).arg(value::HEAD - 1);
        match self.client.read(self.client.budget(), Target::Key(&key), get).await? {
            Value::BulkString(head) if head.is_empty() => Ok(None),
            Value::BulkString(head) => {
                let (deadline, stamp) = value::head(&head)?;
                Ok((self.now() < deadline).then(|| (stamp.into(), deadline)))
            }
            _ => Err(value::foreign()),
        }
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let budget = self.client.budget();
        let listed_until = self.list(budget, id, new).await?;
        let key = self.client.keys.session(id);
        let (record, life) = (value::record(new, listed_until)?, self.time_to_live(new.expires_at));
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(&record).arg("NX").arg("PX").arg(&life);
        if self.client.write(budget, &key, set).await? == Value::Okay {
            return Ok(Saved::Written(Written::at(new.stamp)));
        }
        let now = self.now().millis().to_string();
        let arguments: [&[u8]; 4] = [now.as_bytes(), &new.stamp.to_bytes(), &record, life.as_bytes()];
        let answer = self.client.run(budget, &script::CREATE, &[&key], &arguments).await?;
        Answer::read(answer)?.saved(new)
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let budget = self.client.budget();
        let (key, seen, life) =
            (self.client.keys.session(id), stamp_of(seen)?, self.time_to_live(new.expires_at));
        let mut save = Save { key, seen, record: value::record(new, 0)?.into(), life };
        let mut answer = self.saves.save(budget, &save).await?;
        if let Answer::Unlisted(_) = answer {
            save.record = value::record(new, self.list(budget, id, new).await?)?.into();
            answer = self.saves.save(budget, &save).await?;
        }
        answer.saved(new)
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let budget = self.client.budget();
        let key = self.client.keys.session(id);
        let (now, life) = (self.now().millis().to_string(), self.time_to_live(until));
        let (stamp, deadline) = (stamp_of(seen)?, value::moment(until));
        let mut listed = Vec::new();
        loop {
            let arguments: [&[u8]; 5] = [now.as_bytes(), &stamp, &deadline, life.as_bytes(), &listed];
            let answer = self.client.run(budget, &script::TOUCH, &[&key], &arguments).await?;
            match Answer::read(answer)? {
                Answer::Written(_) => return Ok(Touched::Moved(Written::at(seen.clone()))),
                Answer::Skipped => return Ok(Touched::Skipped),
                Answer::Gone => return Ok(Touched::Gone),
                Answer::Unlisted(Some(owner)) if listed.is_empty() => {
                    let listed_until = self.note(budget, &owner, id, until).await?;
                    listed = value::bytes_of(listed_until).to_vec();
                }
                _ => return Err(value::foreign()),
            }
        }
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let budget = self.client.budget();
        let record = value::record(new, self.list(budget, to, new).await?)?;
        let keys = [self.client.keys.session(from), self.client.keys.session(to)];
        let (now, life) = (self.now().millis().to_string(), self.time_to_live(new.expires_at));
        let arguments: [&[u8]; 5] =
            [now.as_bytes(), &stamp_of(seen)?, &new.stamp.to_bytes(), &record, life.as_bytes()];
        let answer = self.client.run(budget, &script::ROTATE, &[&keys[0], &keys[1]], &arguments).await?;
        match Answer::read(answer)? {
            Answer::Written(was_listed) => {
                self.unlist(budget, from, was_listed).await;
                Ok(Saved::Written(Written::at(new.stamp)))
            }
            answer => answer.saved(new),
        }
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let budget = self.client.budget();
        let key = self.client.keys.session(id);
        let now = self.now().millis().to_string();
        let stamp = seen.map(stamp_of).transpose()?;
        let arguments: [&[u8]; 2] = [now.as_bytes(), stamp.as_ref().map_or(&[], |stamp| stamp.as_slice())];
        let answer = self.client.run(budget, &script::DELETE, &[&key], &arguments).await?;
        match Answer::read(answer)? {
            Answer::Written(was_listed) => {
                self.unlist(budget, id, was_listed).await;
                Ok(Deleted::Ended)
            }
            Answer::Conflict(stored) => Ok(Deleted::Conflict(stored)),
            Answer::Gone => Ok(Deleted::Absent),
            _ => Err(value::foreign()),
        }
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        self.sweep.run(&self.client, before, limit).await
    }

    async fn close(&self) -> Result<()> {
        // Who waits is sent with a group. A caller whom nobody polls holds this up for so long and no longer.
        let drained = async {
            self.saves.drained().await;
            self.loads.drained().await;
        };
        let _ = timeout_at(self.client.budget().0, drained).await;
        self.client.close();
        Ok(())
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("redis::Backend").field("keys", &self.client.keys).finish_non_exhaustive()
    }
}

/// # Errors
///
/// `Misconfigured` for a revision of another engine's making.
fn stamp_of(seen: &Revision) -> Result<[u8; 16]> {
    let stamp = seen
        .stamp()
        .ok_or_else(|| Error::new(ErrorKind::Misconfigured, "this revision is another engine's"))?;
    Ok(stamp.to_bytes())
}
