//! Records as another framework's sessions: so the cases that store bytes of their own run on engines that take nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use cloakroom_core::{
    Capabilities, Clock, Cursor, Deleted, Error, ErrorKind, Expiry, ManualClock, Page, Portable, Read,
    Record, Result, Revision, Saved, SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk,
    Stamp, Stored, Swept, Timestamp, Touched,
};

/// The name under which such a session bears a record's stamp and payload.
const NAME: &str = "record";

/// An engine of another framework's format. What is stored is put into a session that its format writes, and taken out of it again;
/// what was not stored by this comes as it is.
#[derive(Debug)]
pub(crate) struct Carried {
    inner: Arc<dyn SessionBackend>,
    clock: ManualClock,
    /// Records, and what was made of them: a write that is sent once more is the same.
    packed: Mutex<HashMap<Stamp, (Record, Record)>>,
}

impl Carried {
    pub(crate) fn new(inner: Arc<dyn SessionBackend>, clock: ManualClock) -> Self {
        Self { inner, clock, packed: Mutex::default() }
    }

    fn packed(&self, record: &Record) -> Result<Record> {
        let Some(format) = self.inner.format() else { return Ok(record.clone()) };
        let known = self.packed.lock().unwrap().get(&record.stamp).cloned();
        if let Some((_, packed)) = known.filter(|(own, _)| own == record) {
            return Ok(packed);
        }
        let bytes = [record.stamp.to_bytes().as_slice(), &record.payload].concat();
        let text = format!("\"{}\"", BASE64_STANDARD.encode(bytes));
        let now = self.clock.now();
        let mut session = Portable::default();
        session.entries = vec![(NAME.to_owned(), Bytes::from(text))];
        session.user.clone_from(&record.owner);
        session.expiry = match record.expires_at.since(now) {
            span if span.is_zero() => Expiry::At(record.expires_at),
            span => Expiry::After(span),
        };
        let payload = format.encode(&session, now, usize::MAX)?;
        let packed = Record::new(payload, record.expires_at, record.owner.clone(), record.stamp);
        self.packed.lock().unwrap().insert(record.stamp, (record.clone(), packed.clone()));
        Ok(packed)
    }

    fn unpacked(&self, stored: Stored) -> Stored {
        let packed = self.inner.format().and_then(|format| opened(format, &stored.record.payload));
        let Some((stamp, payload, owner)) = packed else { return stored };
        let record = Record::new(payload, stored.record.expires_at, owner, stamp);
        Stored::new(record, stored.revision)
    }

    fn saved(&self, saved: Saved) -> Saved {
        match saved {
            Saved::Conflict(there) => Saved::Conflict(self.unpacked(there)),
            saved => saved,
        }
    }
}

#[async_trait]
impl SessionWalk for Carried {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page> {
        let none = || Error::new(ErrorKind::Unsupported, "the engine has no way past its sessions");
        let page = self.inner.walk().ok_or_else(none)?.page(from, limit).await?;
        let found = page.found.into_iter().map(|(id, stored)| (id, self.unpacked(stored))).collect();
        Ok(Page::new(found, page.next))
    }
}

#[async_trait]
impl SessionBackend for Carried {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.inner.index()
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        self.inner.walk().is_some().then_some(self)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        self.inner.format()
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        Ok(self.inner.load(id, read).await?.map(|stored| self.unpacked(stored)))
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        self.inner.revision(id).await
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        Ok(self.saved(self.inner.create(id, &self.packed(new)?).await?))
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        Ok(self.saved(self.inner.save(id, &self.packed(new)?, seen).await?))
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        self.inner.touch(id, until, seen).await
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        Ok(self.saved(self.inner.rotate(from, to, &self.packed(new)?, seen).await?))
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        Ok(match self.inner.delete(id, seen).await? {
            Deleted::Conflict(there) => Deleted::Conflict(self.unpacked(there)),
            deleted => deleted,
        })
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        self.inner.clear_expired(before, limit).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

/// The stamp, the payload and the owner of the record that is in a session.
fn opened(format: &dyn SessionFormat, payload: &Bytes) -> Option<(Stamp, Bytes, Option<String>)> {
    let session = format.decode(payload).ok()?;
    let (_, value) = session.entries.iter().find(|(name, _)| name == NAME)?;
    let bytes = BASE64_STANDARD.decode(str::from_utf8(value).ok()?.trim_matches('"')).ok()?;
    let (stamp, payload) = bytes.split_first_chunk()?;
    Some((Stamp::from_bytes(*stamp), Bytes::copy_from_slice(payload), session.user))
}

/// The stamp of the record that has this revision, where that is what was stored.
pub(crate) fn stamp_in(format: Option<&dyn SessionFormat>, revision: &Revision) -> Option<Stamp> {
    opened(format?, revision.as_opaque()?).map(|(stamp, ..)| stamp)
}
