//! Records as another framework's sessions: so the cases that store bytes of their own run on engines that take nothing else.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use cloakroom_core::{
    Capabilities, Clock, Deleted, Expiry, ManualClock, Portable, Read, Record, Result, Revision, Saved,
    SessionBackend, SessionFormat, SessionId, SessionIndex, Stamp, Stored, Timestamp, Touched,
};

/// The name under which such a session bears a record's stamp and payload.
const NAME: &str = "record";

/// An engine of another framework's format. What is stored is put into a session that its format writes, and taken out of it again;
/// what was not stored by this comes as it is.
#[derive(Debug)]
pub(crate) struct Carried {
    inner: Arc<dyn SessionBackend>,
    clock: ManualClock,
}

impl Carried {
    pub(crate) fn new(inner: Arc<dyn SessionBackend>, clock: ManualClock) -> Self {
        Self { inner, clock }
    }

    fn packed(&self, record: &Record) -> Result<Record> {
        let Some(format) = self.inner.format() else { return Ok(record.clone()) };
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
        Ok(Record::new(payload, record.expires_at, record.owner.clone(), record.stamp))
    }

    fn unpacked(&self, stored: Stored) -> Stored {
        let session = self.inner.format().and_then(|format| format.decode(&stored.record.payload).ok());
        let packed = session.and_then(|session| {
            let (_, value) = session.entries.iter().find(|(name, _)| name == NAME)?;
            let text = str::from_utf8(value).ok()?.trim_matches('"');
            let bytes = BASE64_STANDARD.decode(text).ok()?;
            let (stamp, payload) = bytes.split_first_chunk()?;
            Some((Stamp::from_bytes(*stamp), Bytes::copy_from_slice(payload), session.user))
        });
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
impl SessionBackend for Carried {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.inner.index()
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

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<u64> {
        self.inner.clear_expired(before, limit).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
