//! The contract, in cells: each is one session, and changes under its own lock.
//!
//! Locks are taken in this order, and never the other way: the map's, a cell's, the owners'. So the map may
//! evict at any time, and no lock of a cell is held while the map is asked for anything.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use cloakroom_core::{
    Addressing, Capabilities, Clock, Cursor, Deleted, Durability, Read, Record, Result, Revision, Saved,
    SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, Timestamp, Touched,
    Written,
};
use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;

use super::Config;
use super::cell::Cell;
use super::owners::Owners;
use crate::page::{Looks, Page};

/// Sessions in memory. They go with the process, and when there is no room for more, those that nobody has
/// used for the longest time. Opened by [`Config::open`].
pub struct Backend {
    pub(super) cells: moka::sync::Cache<SessionId, Arc<Cell>>,
    pub(super) owners: Arc<Owners>,
    clock: Arc<dyn Clock>,
    format: Option<Arc<dyn SessionFormat>>,
}

impl Backend {
    /// An empty store of 64 MiB.
    pub fn new() -> Self {
        Config::new().open()
    }

    pub(super) fn with(config: Config) -> Self {
        let owners = Arc::new(Owners::default());
        let noted = Arc::clone(&owners);
        let cells = moka::sync::Cache::builder()
            .max_capacity(config.capacity)
            .weigher(|_, cell: &Arc<Cell>| cell.weight())
            // The default would turn newcomers away, in favour of those who are often here.
            .eviction_policy(EvictionPolicy::lru())
            .eviction_listener(move |id: Arc<SessionId>, cell, cause| {
                if cause.was_evicted() {
                    end(&cell, &id, &noted, |_| true);
                }
            })
            .build();
        Self { cells, owners, clock: config.clock, format: config.format }
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn there(&self, id: &SessionId) -> Option<Stored> {
        let cell = self.cells.get(id)?;
        let mut state = cell.state();
        state.living(id, self.now()).map(|record| Stored::stamped(record.clone()))
    }

    /// Takes `cell` from the map, if it is still what stands there.
    fn remove(&self, id: &SessionId, cell: &Arc<Cell>) {
        self.replace(id, cell, || Op::Remove);
    }

    /// Has the map weigh `cell` again, if it is still what stands there: by what is in it now, whoever put it.
    fn weigh(&self, id: &SessionId, cell: &Arc<Cell>) {
        let changed = cell.state().record.as_ref().is_some_and(|record| cell.has_changed_weight(record));
        if changed {
            self.replace(id, cell, || Op::Put(Arc::clone(cell)));
        }
    }

    fn replace(&self, id: &SessionId, cell: &Arc<Cell>, change: impl FnOnce() -> Op<Arc<Cell>>) {
        self.cells.entry_by_ref(id).and_compute_with(|there| {
            let same = there.is_some_and(|there| Arc::ptr_eq(there.value(), cell));
            if same { change() } else { Op::Nop }
        });
    }

    /// Those of these that are alive, in their order.
    fn collect(
        &self,
        ids: Vec<SessionId>,
        found: &mut Vec<(SessionId, Stored)>,
        wanted: impl Fn(&Stored) -> bool,
    ) {
        let living = ids.into_iter().filter_map(|id| self.there(&id).map(|stored| (id, stored)));
        found.extend(living.filter(|(_, stored)| wanted(stored)));
    }
}

/// Ends what lives in `cell` under `id`, if it is `doomed`.
fn end(cell: &Cell, id: &SessionId, owners: &Owners, doomed: impl FnOnce(&Record) -> bool) -> bool {
    let mut state = cell.state();
    let here = state.id == *id;
    let ended = state.record.take_if(|record| here && doomed(record));
    if let Some(record) = &ended {
        owners.remove(record.owner.as_deref(), id);
    }
    ended.is_some()
}

impl Default for Backend {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl SessionBackend for Backend {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::new(Durability::Process);
        capabilities.may_evict = true;
        if self.format.is_some() {
            capabilities.addressing = Addressing::Verbatim;
        }
        capabilities
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.format.is_none().then_some(self)
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        Some(self)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        self.format.as_deref()
    }

    async fn load(&self, id: &SessionId, _: Read) -> Result<Option<Stored>> {
        Ok(self.there(id))
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        let Some(cell) = self.cells.get(id) else { return Ok(None) };
        let mut state = cell.state();
        Ok(state.living(id, self.now()).map(|record| (record.stamp.into(), record.expires_at)))
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let entry = self.cells.entry_by_ref(id).or_insert_with(|| {
            // Before anybody can find the session.
            self.owners.add(new.owner.as_deref(), id);
            Arc::new(Cell::new(id.clone(), new.clone()))
        });
        if entry.is_fresh() {
            return Ok(Saved::Written(Written::at(new.stamp)));
        }
        let cell = entry.into_value();
        {
            let mut state = cell.state();
            let now = self.now();
            let here = state.id == *id;
            match state.record.as_mut().filter(|_| here) {
                Some(there) if there.is_alive(now) => {
                    return Ok(if there.stamp == new.stamp {
                        Saved::Written(Written::at(new.stamp))
                    } else {
                        Saved::Conflict(Stored::stamped(there.clone()))
                    });
                }
                // It has expired, and no sweep has come by.
                Some(dead) => {
                    self.owners.remove(dead.owner.as_deref(), id);
                    self.owners.add(new.owner.as_deref(), id);
                    *dead = new.clone();
                }
                None => return Ok(Saved::Gone),
            }
        }
        self.weigh(id, &cell);
        Ok(Saved::Written(Written::at(new.stamp)))
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let Some(cell) = self.cells.get(id) else { return Ok(Saved::Gone) };
        {
            let mut state = cell.state();
            let Some(there) = state.living(id, self.now()) else { return Ok(Saved::Gone) };
            if there.stamp == new.stamp {
                return Ok(Saved::Written(Written::at(new.stamp)));
            }
            if Revision::from(there.stamp) != *seen {
                return Ok(Saved::Conflict(Stored::stamped(there.clone())));
            }
            if there.owner != new.owner {
                self.owners.add(new.owner.as_deref(), id);
                self.owners.remove(there.owner.as_deref(), id);
            }
            *there = new.clone();
        }
        self.weigh(id, &cell);
        Ok(Saved::Written(Written::at(new.stamp)))
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let Some(cell) = self.cells.get(id) else { return Ok(Touched::Gone) };
        let mut state = cell.state();
        let Some(there) = state.living(id, self.now()) else { return Ok(Touched::Gone) };
        if Revision::from(there.stamp) != *seen || there.expires_at >= until {
            return Ok(Touched::Skipped);
        }
        there.expires_at = until;
        Ok(Touched::Moved(Written::at(there.stamp)))
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let written = Ok(Saved::Written(Written::at(new.stamp)));
        if self.there(to).is_some_and(|there| there.record.stamp == new.stamp) {
            return written;
        }
        let Some(cell) = self.cells.get(from) else { return Ok(Saved::Gone) };
        let entry = self.cells.entry_by_ref(to).or_insert_with(|| Arc::clone(&cell));
        let taken = !entry.is_fresh();
        let refused = {
            let mut state = cell.state();
            match state.living(from, self.now()) {
                None => Some(Saved::Gone),
                Some(there) if taken || Revision::from(there.stamp) != *seen => {
                    Some(Saved::Conflict(Stored::stamped(there.clone())))
                }
                Some(there) => {
                    self.owners.add(new.owner.as_deref(), to);
                    self.owners.remove(there.owner.as_deref(), from);
                    *there = new.clone();
                    state.id = to.clone();
                    None
                }
            }
        };
        match refused {
            None => {
                self.remove(from, &cell);
                self.weigh(to, &cell);
                if !self.cells.contains_key(to) {
                    // It was evicted under its new id before it had that.
                    end(&cell, to, &self.owners, |_| true);
                }
                written
            }
            Some(refused) => {
                if !taken {
                    self.remove(to, &cell);
                }
                Ok(refused)
            }
        }
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let Some(cell) = self.cells.get(id) else { return Ok(Deleted::Absent) };
        {
            let mut state = cell.state();
            let Some(there) = state.living(id, self.now()) else { return Ok(Deleted::Absent) };
            if seen.is_some_and(|seen| Revision::from(there.stamp) != *seen) {
                return Ok(Deleted::Conflict(Stored::stamped(there.clone())));
            }
            self.owners.remove(there.owner.as_deref(), id);
            state.record = None;
        }
        self.remove(id, &cell);
        Ok(Deleted::Ended)
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        let mut cleared = 0;
        for (id, cell) in &self.cells {
            if cleared == u64::from(limit) {
                break;
            }
            if end(&cell, &id, &self.owners, |record| record.expires_at <= before) {
                self.remove(&id, &cell);
                cleared += 1;
            }
        }
        Ok(Swept::of(cleared, limit))
    }

    async fn close(&self) -> Result<()> {
        Ok(())
    }
}

#[async_trait]
impl SessionIndex for Backend {
    async fn of(
        &self,
        owner: &str,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Result<Vec<(SessionId, Stored)>> {
        let mut found: Vec<(SessionId, Stored)> = Vec::new();
        let mut after = after.cloned();
        while found.is_empty() {
            let behind = after.take();
            let mut looks = Looks::default();
            loop {
                let ids = self.owners.page(owner, behind.as_ref(), limit as usize);
                after = after.max(ids.last().cloned());
                let known: BTreeSet<_> = found.iter().map(|(id, _)| id.clone()).collect();
                let unknown: Vec<_> = ids.iter().filter(|id| !known.contains(id)).cloned().collect();
                let (asked, before) = (unknown.len(), found.len());
                self.collect(unknown, &mut found, |stored| stored.record.owner.as_deref() == Some(owner));
                if found.len() - before == asked || !looks.again(ids) {
                    break;
                }
            }
            if after.is_none() {
                break;
            }
        }
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        found.truncate(limit as usize);
        Ok(found)
    }
}

#[async_trait]
impl SessionWalk for Backend {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<cloakroom_core::Page> {
        let after = from.map(Cursor::id).transpose()?;
        let mut page = Page::new(after.as_ref(), limit as usize);
        let now = self.now();
        for (id, cell) in &self.cells {
            if cell.state().living(&id, now).is_some() {
                page.offer((*id).clone());
            }
        }
        let ids: Vec<SessionId> = page.into_ids().into_iter().collect();
        let next = ids.last().filter(|_| ids.len() >= limit as usize).map(Cursor::behind);
        let mut found = Vec::new();
        self.collect(ids, &mut found, |_| true);
        Ok(cloakroom_core::Page::new(found, next))
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("memory::Backend").field("sessions", &self.cells.entry_count()).finish_non_exhaustive()
    }
}
