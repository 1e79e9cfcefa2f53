//! An engine that sees payloads sealed only.

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    Capabilities, Cursor, Deleted, Error, ErrorKind, Page, Read, Record, Result, Revision, Saved, SealKeys,
    SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, Timestamp, Touched,
};

/// Any engine that keeps sessions in a store, with their payloads encrypted there (AES-256-GCM) and bound
/// to their ids, their owners and their stamps: who reads the store learns nothing of what they hold, and who
/// writes to it can neither change a session, nor give it to somebody else, nor put one in another's place.
/// What they can do is end sessions, move their deadlines (an absolute limit is inside), and put back what
/// was stored under the same id before.
///
/// Ids, deadlines and owners stay readable: the engine compares, sweeps and lists by them. A payload that
/// does not open, one that was stored before sealing was turned on say, is `Corrupt`: its visitor gets a
/// fresh session, and it stays as it is.
///
/// ```
/// use cloakroom_core::{Memory, SealKeys, Sealed, Sessions};
///
/// let keys = SealKeys::new([[7; 32]])?; // from a good generator, of course
/// let sessions = Sessions::new(Sealed::new(Memory::new(), keys));
/// # Ok::<(), cloakroom_core::Error>(())
/// ```
#[derive(Debug)]
pub struct Sealed<B> {
    backend: B,
    keys: SealKeys,
}

impl<B: SessionBackend> Sealed<B> {
    /// `backend` behind a seal.
    pub fn new(backend: B, keys: SealKeys) -> Self {
        Self { backend, keys }
    }

    fn check(&self) -> Result<()> {
        if self.backend.format().is_none() {
            return Ok(());
        }
        let message = "sessions in another framework's format can't be sealed: it could not read them";
        Err(Error::new(ErrorKind::Misconfigured, message))
    }

    fn seal(&self, id: &SessionId, record: &Record) -> Result<Record> {
        self.check()?;
        let payload = self.keys.seal(id.as_bytes(), &about(record), &record.payload)?;
        Ok(Record { payload: payload.into(), ..record.clone() })
    }

    fn open(&self, id: &SessionId, mut stored: Stored) -> Result<Stored> {
        self.check()?;
        let record = &stored.record;
        let plain = self.keys.open(id.as_bytes(), &about(record), &record.payload);
        stored.record.payload = Bytes::from(plain.ok_or_else(unopened)?);
        Ok(stored)
    }

    /// What a write met, readable again: `id` is where that lies.
    fn open_conflict(&self, id: &SessionId, saved: Saved) -> Result<Saved> {
        match saved {
            Saved::Conflict(stored) => self.open(id, stored).map(Saved::Conflict),
            done => Ok(done),
        }
    }

    /// A page never leaves out what does not open: it is somebody's living session, to be ended with their others. It is shown
    /// without its payload.
    fn open_each(&self, found: Found) -> Found {
        let open = |(id, stored): (SessionId, Stored)| {
            let shown = self.open(&id, stored.clone()).unwrap_or_else(|_| {
                let mut unreadable = stored;
                unreadable.record.payload = Bytes::new();
                unreadable
            });
            (id, shown)
        };
        found.into_iter().map(open).collect()
    }
}

type Found = Vec<(SessionId, Stored)>;

#[async_trait]
impl<B: SessionBackend> SessionBackend for Sealed<B> {
    fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.backend.index().is_some().then_some(self)
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        self.backend.walk().is_some().then_some(self)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        self.backend.format()
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        self.backend.load(id, read).await?.map(|stored| self.open(id, stored)).transpose()
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        self.backend.revision(id).await
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let saved = self.backend.create(id, &self.seal(id, new)?).await?;
        self.open_conflict(id, saved)
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let saved = self.backend.save(id, &self.seal(id, new)?, seen).await?;
        self.open_conflict(id, saved)
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        self.backend.touch(id, until, seen).await
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let saved = self.backend.rotate(from, to, &self.seal(to, new)?, seen).await?;
        self.open_conflict(from, saved)
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        Ok(match self.backend.delete(id, seen).await? {
            Deleted::Conflict(stored) => Deleted::Conflict(self.open(id, stored)?),
            done => done,
        })
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        self.backend.clear_expired(before, limit).await
    }

    async fn close(&self) -> Result<()> {
        self.backend.close().await
    }
}

#[async_trait]
impl<B: SessionBackend> SessionIndex for Sealed<B> {
    async fn of(&self, owner: &str, after: Option<&SessionId>, limit: u32) -> Result<Found> {
        let Some(index) = self.backend.index() else { return Ok(Found::new()) };
        Ok(self.open_each(index.of(owner, after, limit).await?))
    }
}

#[async_trait]
impl<B: SessionBackend> SessionWalk for Sealed<B> {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page> {
        let Some(walk) = self.backend.walk() else { return Ok(Page::new(Vec::new(), None)) };
        let page = walk.page(from, limit).await?;
        Ok(Page { found: self.open_each(page.found), ..page })
    }
}

/// What of a record stays readable and must not be changed. The deadline is not among it: a touch moves that.
fn about(record: &Record) -> Vec<u8> {
    let owner = record.owner.as_deref();
    let is_somebodys = [u8::from(owner.is_some())];
    [&record.stamp.to_bytes()[..], &is_somebodys, owner.unwrap_or_default().as_bytes()].concat()
}

fn unopened() -> Error {
    Error::new(ErrorKind::Corrupt, "a stored session does not open with any of the keys to seal with")
}
