//! An engine whose visitors bear their sessions, with its documented limits, or with one that is not so.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use cloakroom_core::{
    Addressing, Capabilities, Clock, Deleted, Durability, Error, ErrorKind, Read, Record, Result, Revision,
    Saved, SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, Timestamp,
    Touched, Written,
};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Overdone {
    /// It ends what it has handed out.
    Revokes,
    /// It knows which of two writers was first.
    Arbitrates,
    /// It holds what no cookie could.
    HoldsAnything,
    /// A noted visit is not handed out.
    TouchPresentsNothing,
    /// A change is put behind a value that stays.
    SavesInPlace,
    /// It hands out what no cookie can hold.
    PresentsNonsense,
}

use Overdone as O;

/// A value is a number; what it says lies here, as if it had been in the value.
#[derive(Debug)]
pub(super) struct Presented {
    values: Mutex<HashMap<String, Record>>,
    clock: Arc<dyn Clock>,
    overdone: Option<Overdone>,
}

impl Presented {
    pub(super) fn new(clock: Arc<dyn Clock>, overdone: Option<Overdone>) -> Self {
        Self { values: Mutex::default(), clock, overdone }
    }

    fn does(&self, overdone: Overdone) -> bool {
        self.overdone == Some(overdone)
    }

    fn values(&self) -> MutexGuard<'_, HashMap<String, Record>> {
        self.values.lock().unwrap()
    }

    fn there(&self, id: &SessionId) -> Option<Record> {
        let record = self.values().get(id.expose()).cloned();
        record.filter(|record| record.is_alive(self.clock.now()))
    }

    fn end(&self, id: &SessionId) {
        self.values().remove(id.expose());
    }

    fn issue(&self, record: &Record) -> Result<Written> {
        if record.payload.len() > 3_000 && !self.does(O::HoldsAnything) {
            return Err(Error::new(ErrorKind::TooLarge, "no cookie holds that"));
        }
        let mut values = self.values();
        let value = format!("value:{}", values.len());
        values.insert(value.clone(), record.clone());
        let value = if self.does(O::PresentsNonsense) { format!("{value};") } else { value };
        Ok(Written::presenting(record.stamp, value))
    }
}

#[async_trait]
impl SessionBackend for Presented {
    fn capabilities(&self) -> Capabilities {
        let mut promised = Capabilities::new(Durability::Process);
        promised.addressing = Addressing::Presented;
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
        Ok(self.there(id).map(Stored::stamped))
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        Ok(self.there(id).map(|record| (record.stamp.into(), record.expires_at)))
    }

    async fn create(&self, _: &SessionId, new: &Record) -> Result<Saved> {
        self.issue(new).map(Saved::Written)
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let Some(there) = self.there(id) else { return Ok(Saved::Gone) };
        if there.stamp != new.stamp && Revision::from(there.stamp) != *seen {
            return Ok(Saved::Conflict(Stored::stamped(there)));
        }
        if self.does(O::SavesInPlace) {
            self.values().insert(id.expose().to_owned(), new.clone());
            return Ok(Saved::Written(Written::presenting(new.stamp, id.expose().to_owned())));
        }
        let written = self.issue(new)?;
        if self.does(O::Arbitrates) {
            self.values().insert(id.expose().to_owned(), new.clone());
        }
        Ok(Saved::Written(written))
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let Some(mut record) = self.there(id) else { return Ok(Touched::Gone) };
        if Revision::from(record.stamp) != *seen || record.expires_at >= until {
            return Ok(Touched::Skipped);
        }
        record.expires_at = until;
        let mut written = self.issue(&record)?;
        written.present.take_if(|_| self.does(O::TouchPresentsNothing));
        Ok(Touched::Moved(written))
    }

    async fn rotate(&self, from: &SessionId, _: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let saved = self.save(from, new, seen).await?;
        if self.does(O::Revokes) {
            self.end(from);
        }
        Ok(saved)
    }

    async fn delete(&self, id: &SessionId, _: Option<&Revision>) -> Result<Deleted> {
        let ended = self.there(id).map_or(Deleted::Absent, |_| Deleted::Ended);
        if self.does(O::Revokes) {
            self.end(id);
        }
        Ok(ended)
    }

    async fn clear_expired(&self, _: Timestamp, _: u32) -> Result<Swept> {
        Ok(Swept { removed: 0, more: false })
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}
