//! The reference engine: sessions in this process's memory, and the contract in its plainest form.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::{
    Capabilities, Clock, Cursor, Deleted, Durability, Page, Read, Record, Result, Revision, Saved,
    SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, SystemClock,
    Timestamp, Touched, Written,
};

/// Keeps sessions in memory until the process ends: for tests, for examples, and to read.
#[derive(Debug)]
pub struct Memory {
    records: Mutex<BTreeMap<SessionId, Record>>,
    clock: Arc<dyn Clock>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store whose deadlines go by `clock`, the same as its sessions do
    /// ([`SessionOptions::clock`](crate::SessionOptions::clock)).
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { records: Mutex::default(), clock }
    }

    fn records(&self) -> MutexGuard<'_, BTreeMap<SessionId, Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The living record under `id`.
    fn living<'r>(
        &self,
        records: &'r mut BTreeMap<SessionId, Record>,
        id: &SessionId,
    ) -> Option<&'r mut Record> {
        records.get_mut(id).filter(|record| record.is_alive(self.clock.now()))
    }

    fn following(
        &self,
        after: Option<&SessionId>,
        limit: u32,
        wanted: impl Fn(&Record) -> bool,
    ) -> Vec<(SessionId, Stored)> {
        let now = self.clock.now();
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.records()
            .range((after, Bound::Unbounded))
            .filter(|(_, record)| record.is_alive(now) && wanted(record))
            .take(limit as usize)
            .map(|(id, record)| (id.clone(), Stored::stamped(record.clone())))
            .collect()
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl SessionBackend for Memory {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new(Durability::Process)
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

    async fn load(&self, id: &SessionId, _: Read) -> Result<Option<Stored>> {
        Ok(self.living(&mut self.records(), id).map(|record| Stored::stamped(record.clone())))
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        Ok(self.living(&mut self.records(), id).map(|record| (record.stamp.into(), record.expires_at)))
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let mut records = self.records();
        Ok(match self.living(&mut records, id) {
            Some(there) if there.stamp != new.stamp => Saved::Conflict(Stored::stamped(there.clone())),
            Some(_) => Saved::Written(Written::at(new.stamp)),
            None => {
                records.insert(id.clone(), new.clone());
                Saved::Written(Written::at(new.stamp))
            }
        })
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let mut records = self.records();
        let Some(there) = self.living(&mut records, id) else { return Ok(Saved::Gone) };
        if there.stamp != new.stamp {
            if Revision::from(there.stamp) != *seen {
                return Ok(Saved::Conflict(Stored::stamped(there.clone())));
            }
            *there = new.clone();
        }
        Ok(Saved::Written(Written::at(new.stamp)))
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let mut records = self.records();
        let Some(there) = self.living(&mut records, id) else { return Ok(Touched::Gone) };
        if Revision::from(there.stamp) != *seen || there.expires_at >= until {
            return Ok(Touched::Skipped);
        }
        there.expires_at = until;
        Ok(Touched::Moved(Written::at(there.stamp)))
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let mut records = self.records();
        let done = self.living(&mut records, to).is_some_and(|there| there.stamp == new.stamp);
        if !done {
            let taken = records.contains_key(to);
            let Some(there) = self.living(&mut records, from) else { return Ok(Saved::Gone) };
            if Revision::from(there.stamp) != *seen || taken {
                return Ok(Saved::Conflict(Stored::stamped(there.clone())));
            }
            records.remove(from);
            records.insert(to.clone(), new.clone());
        }
        Ok(Saved::Written(Written::at(new.stamp)))
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let mut records = self.records();
        let Some(there) = self.living(&mut records, id) else { return Ok(Deleted::Absent) };
        if seen.is_some_and(|seen| Revision::from(there.stamp) != *seen) {
            return Ok(Deleted::Conflict(Stored::stamped(there.clone())));
        }
        records.remove(id);
        Ok(Deleted::Ended)
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        let mut cleared = 0;
        self.records().retain(|_, record| {
            let clear = record.expires_at <= before && cleared < u64::from(limit);
            cleared += u64::from(clear);
            !clear
        });
        Ok(Swept::of(cleared, limit))
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl SessionIndex for Memory {
    async fn of(
        &self,
        owner: &str,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Result<Vec<(SessionId, Stored)>> {
        Ok(self.following(after, limit, |record| record.owner.as_deref() == Some(owner)))
    }
}

#[async_trait]
impl SessionWalk for Memory {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page> {
        let after = from.map(Cursor::id).transpose()?;
        Ok(Page::ascending(self.following(after.as_ref(), limit, |_| true), limit))
    }
}
