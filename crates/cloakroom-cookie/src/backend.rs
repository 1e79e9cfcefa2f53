//! The contract, as far as it can be kept without a store: what a visitor presents is what there is.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_core::{
    Addressing, Capabilities, Clock, Deleted, Durability, Error, ErrorKind, Read, Record, Result, Revision,
    Saved, SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, Timestamp,
    Touched, Written,
};

use crate::token::Token;
use crate::value::Format;
use crate::{Config, Epochs};

/// Sessions in cookies. Made by [`Config::open`].
///
/// Every write hands out a new value, which has to reach the browser; what was handed out before stays valid
/// until its deadline.
pub struct Backend {
    format: Format,
    epochs: Option<Arc<dyn Epochs>>,
    clock: Arc<dyn Clock>,
}

impl Backend {
    pub(crate) fn new(format: Format, config: Config) -> Self {
        Self { format, epochs: config.epochs, clock: config.clock }
    }

    /// The living record that a visitor presents.
    async fn presented(&self, id: &SessionId) -> Result<Option<Record>> {
        let Some(Token { issued_at, record }) = self.format.read(id.expose()) else { return Ok(None) };
        if !record.is_alive(self.clock.now()) {
            return Ok(None);
        }
        if let Some(epochs) = &self.epochs {
            let not_before = epochs.not_before(record.owner.as_deref()).await.map_err(|source| {
                let message = "from when on cookies count could not be found out";
                Error::caused(ErrorKind::Unavailable, message, source)
            })?;
            if not_before.is_some_and(|not_before| issued_at < not_before) {
                return Ok(None);
            }
        }
        Ok(Some(record))
    }

    /// Hands out a record, as of the moment at which what it follows was seen to count: an epoch that begins
    /// after that ends it, too.
    fn issue(&self, record: &Record, issued_at: Timestamp) -> Result<Written> {
        let value = self.format.write(&Token { issued_at, record: record.clone() })?;
        Ok(Written::presenting(record.stamp, value))
    }
}

#[async_trait]
impl SessionBackend for Backend {
    fn capabilities(&self) -> Capabilities {
        let mut promised = Capabilities::new(Durability::PowerCut);
        promised.addressing = Addressing::Presented;
        // What a rotation leaves behind lives on.
        promised.atomic_rotate = false;
        promised
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        None
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        None
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        None
    }

    async fn load(&self, id: &SessionId, _: Read) -> Result<Option<Stored>> {
        Ok(self.presented(id).await?.map(Stored::stamped))
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        Ok(self.presented(id).await?.map(|record| (record.stamp.into(), record.expires_at)))
    }

    async fn create(&self, _: &SessionId, new: &Record) -> Result<Saved> {
        self.issue(new, self.clock.now()).map(Saved::Written)
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let now = self.clock.now();
        Ok(match self.presented(id).await? {
            None => Saved::Gone,
            Some(there) if there.stamp != new.stamp && Revision::from(there.stamp) != *seen => {
                Saved::Conflict(Stored::stamped(there))
            }
            Some(_) => Saved::Written(self.issue(new, now)?),
        })
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let now = self.clock.now();
        let Some(mut record) = self.presented(id).await? else { return Ok(Touched::Gone) };
        if Revision::from(record.stamp) != *seen || record.expires_at >= until {
            return Ok(Touched::Skipped);
        }
        record.expires_at = until;
        Ok(Touched::Moved(self.issue(&record, now)?))
    }

    /// As [`save`](Backend::save): a value has no place, and there is nothing to move.
    async fn rotate(&self, from: &SessionId, _: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        self.save(from, new, seen).await
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        Ok(match self.presented(id).await? {
            None => Deleted::Absent,
            Some(there) if seen.is_some_and(|seen| Revision::from(there.stamp) != *seen) => {
                Deleted::Conflict(Stored::stamped(there))
            }
            Some(_) => Deleted::Ended,
        })
    }

    async fn clear_expired(&self, _: Timestamp, limit: u32) -> Result<Swept> {
        Ok(Swept::of(0, limit))
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend")
            .field("cookie", &self.format.name())
            .field("sealed", &self.format.is_sealed())
            .finish_non_exhaustive()
    }
}
