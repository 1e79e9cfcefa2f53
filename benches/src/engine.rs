//! An engine as core asks it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use cloakroom_contest::{Contender, Emptied, Operation, Result};
use cloakroom_core::{
    Addressing, Clock as _, Deleted, Read, Record, Revision, Saved, SessionBackend, SessionId, SessionKey,
    Sessions, Stamp, SystemClock, Timestamp, Touched,
};
use tempfile::TempDir;

use crate::shelf::Shelf;
use crate::table::filled_id;

/// What all count up in the shared session.
const COUNT: &str = "n";
const LIFE: Duration = Duration::from_hours(1);

/// One of cloakroom's engines, over a store of its own.
pub struct Engine {
    sessions: Sessions,
    shelf: Shelf,
    lacks: &'static [Operation],
    /// Removed with the engine.
    _folder: Option<TempDir>,
}

/// What a request knows of a session that it has loaded.
#[derive(Debug)]
pub struct Kept {
    key: SessionKey,
    id: SessionId,
    revision: Revision,
    sequence: u64,
    until: Timestamp,
}

impl Engine {
    pub(crate) fn new(backend: impl SessionBackend) -> Self {
        Self {
            sessions: Sessions::new(backend),
            shelf: Shelf::Nowhere,
            lacks: &[Operation::Sweep],
            _folder: None,
        }
    }

    /// One whose store can be asked for its size, and filled.
    pub(crate) fn on(self, store: Shelf) -> Self {
        let lacks = if matches!(store, Shelf::Table(_)) { &[] } else { self.lacks };
        Self { shelf: store, lacks, ..self }
    }

    /// One whose files are in there.
    pub(crate) fn within(self, folder: TempDir) -> Self {
        Self { _folder: Some(folder), ..self }
    }

    /// One that can't do these.
    pub(crate) fn lacking(self, lacks: &'static [Operation]) -> Self {
        Self { lacks, ..self }
    }

    fn backend(&self) -> &dyn SessionBackend {
        self.sessions.backend()
    }
}

impl Kept {
    /// What is sent for the next write.
    fn next(&self, text: String) -> Record {
        record(text, SystemClock.now().plus(LIFE), self.sequence + 1)
    }

    /// What it is after an answer.
    fn moved(&mut self, saved: Saved, sent: &Record) -> Result {
        let Saved::Written(written) = saved else { return Err("somebody else has written".into()) };
        if let Some(value) = written.present {
            self.key = SessionKey::parse(&value, Addressing::Presented).ok_or("a cookie that is none")?;
            self.id = self.key.id();
        }
        self.revision = written.revision;
        (self.sequence, self.until) = (sent.stamp.sequence, sent.expires_at);
        Ok(())
    }
}

impl Contender for Engine {
    type Session = Kept;

    async fn create(&self, text: String) -> Result<Kept> {
        let key = SessionKey::generate(self.backend().capabilities().addressing)?;
        let new = record(text, SystemClock.now().plus(LIFE), 1);
        let (id, revision) = (key.id(), new.stamp.into());
        let mut kept = Kept { key, id, revision, sequence: 1, until: new.expires_at };
        let saved = self.backend().create(&kept.id, &new).await?;
        kept.moved(saved, &new)?;
        Ok(kept)
    }

    async fn load(&self, session: &Kept) -> Result<usize> {
        let stored = self.backend().load(&session.id, Read::Any).await?.ok_or("a session is gone")?;
        Ok(stored.record.payload.len())
    }

    async fn save(&self, session: &mut Kept, text: String) -> Result {
        let new = session.next(text);
        let saved = self.backend().save(&session.id, &new, &session.revision).await?;
        session.moved(saved, &new)
    }

    async fn touch(&self, session: &mut Kept) -> Result {
        let until = session.until.plus(Duration::from_millis(1));
        match self.backend().touch(&session.id, until, &session.revision).await? {
            Touched::Moved(written) => {
                if let Some(value) = written.present {
                    session.key =
                        SessionKey::parse(&value, Addressing::Presented).ok_or("a cookie that is none")?;
                    session.id = session.key.id();
                }
                session.until = until;
                Ok(())
            }
            _ => Err("a session was not touched".into()),
        }
    }

    async fn rotate(&self, session: &mut Kept, text: String) -> Result {
        let (new, key) = (session.next(text), session.key.rotated()?);
        let saved = self.backend().rotate(&session.id, &key.id(), &new, &session.revision).await?;
        session.id = key.id();
        session.key = key;
        session.moved(saved, &new)
    }

    async fn delete(&self, session: Kept) -> Result {
        match self.backend().delete(&session.id, None).await? {
            Deleted::Ended => Ok(()),
            _ => Err("a session was gone".into()),
        }
    }

    async fn shared(&self, text: String) -> Result<Kept> {
        let session = self.sessions.load(None).await?;
        session.insert("text", text)?;
        session.insert(COUNT, 0)?;
        session.save().await?;
        let key = session.key().ok_or("a session has no key")?;
        let revision = Stamp { sequence: 1, nonce: 1 }.into();
        Ok(Kept { id: key.id(), key, revision, sequence: 1, until: SystemClock.now() })
    }

    async fn update(&self, session: &Kept) -> Result {
        let session = self.sessions.load(Some(session.key.clone())).await?;
        session.update(COUNT, |count: &mut u64| *count += 1).await?;
        Ok(())
    }

    async fn counted(&self, session: &Kept) -> Result<u64> {
        let session = self.sessions.load(Some(session.key.clone())).await?;
        Ok(session.get(COUNT)?.unwrap_or_default())
    }

    async fn bytes(&self, live: u64) -> Result<Option<f64>> {
        self.shelf.bytes(live).await
    }

    async fn crowd(&self, expired: u64, living: u64) -> Result {
        self.shelf.table()?.crowd(expired, living).await
    }

    async fn fill(&self, number: u64, some: u64) -> Result<Option<Vec<Kept>>> {
        let Shelf::Table(table) = &self.shelf else { return Ok(None) };
        let until = SystemClock.now().plus(LIFE * 24);
        table.grow(number, until.millis()).await?;
        let every = (number / some).max(1);
        let kept = |turn: u64| {
            let id = SessionId::parse(&filled_id(turn * every)).ok_or("an id that is none")?;
            let key = SessionKey::generate(Addressing::Hashed)?;
            let revision = Stamp { sequence: 0, nonce: 0 }.into();
            Ok(Kept { key, id, revision, sequence: 0, until })
        };
        (0..some).map(kept).collect::<Result<Vec<_>>>().map(Some)
    }

    async fn sweep(&self) -> Result<Emptied> {
        self.sessions.clear_expired(SystemClock.now().minus(LIFE)).await?;
        Ok(Emptied)
    }

    fn lacks(&self) -> &'static [Operation] {
        self.lacks
    }
}

fn record(text: String, until: Timestamp, sequence: u64) -> Record {
    Record::new(Bytes::from(text), until, None, Stamp { sequence, nonce: sequence })
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engine").field(&self.backend()).finish()
    }
}
