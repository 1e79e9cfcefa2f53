//! The engine that docs/your-own-engine.md builds, and the suite on it. The page shows this file piece by piece.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cloakroom_core::{
    Capabilities, Clock, Cursor, Deleted, Durability, Page, Read, Record, Result, Revision, Saved,
    SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, SystemClock,
    Timestamp, Touched, Written,
};

/// Sessions in a map.
#[derive(Debug)]
pub struct Rack {
    hooks: Mutex<HashMap<SessionId, Record>>,
    clock: Arc<dyn Clock>,
}

impl Rack {
    /// An empty one.
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty one whose deadlines go by `clock`.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self { hooks: Mutex::default(), clock }
    }

    fn hooks(&self) -> MutexGuard<'_, HashMap<SessionId, Record>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Rack {
    fn default() -> Self {
        Self::new()
    }
}

/// What lives under `id`: a record from its deadline on is absent, swept or not.
fn living<'h>(
    hooks: &'h mut HashMap<SessionId, Record>,
    id: &SessionId,
    now: Timestamp,
) -> Option<&'h mut Record> {
    hooks.get_mut(id).filter(|record| record.is_alive(now))
}

#[async_trait]
impl SessionBackend for Rack {
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
        let mut hooks = self.hooks();
        let record = living(&mut hooks, id, self.clock.now());
        Ok(record.map(|record| Stored::stamped(record.clone())))
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        let mut hooks = self.hooks();
        let record = living(&mut hooks, id, self.clock.now());
        Ok(record.map(|record| (record.stamp.into(), record.expires_at)))
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let mut hooks = self.hooks();
        match living(&mut hooks, id, self.clock.now()) {
            Some(there) if there.stamp == new.stamp => {}
            Some(there) => return Ok(Saved::Conflict(Stored::stamped(there.clone()))),
            None => drop(hooks.insert(id.clone(), new.clone())),
        }
        Ok(Saved::Written(Written::at(new.stamp)))
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let mut hooks = self.hooks();
        let Some(there) = living(&mut hooks, id, self.clock.now()) else { return Ok(Saved::Gone) };
        if there.stamp != new.stamp {
            if Revision::from(there.stamp) != *seen {
                return Ok(Saved::Conflict(Stored::stamped(there.clone())));
            }
            *there = new.clone();
        }
        Ok(Saved::Written(Written::at(new.stamp)))
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let mut hooks = self.hooks();
        let Some(there) = living(&mut hooks, id, self.clock.now()) else { return Ok(Touched::Gone) };
        if Revision::from(there.stamp) != *seen || until <= there.expires_at {
            return Ok(Touched::Skipped);
        }
        there.expires_at = until;
        Ok(Touched::Moved(Written::at(there.stamp)))
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let (mut hooks, now) = (self.hooks(), self.clock.now());
        let done = living(&mut hooks, to, now).is_some_and(|there| there.stamp == new.stamp);
        if !done {
            let taken = hooks.contains_key(to);
            let Some(there) = living(&mut hooks, from, now) else { return Ok(Saved::Gone) };
            if Revision::from(there.stamp) != *seen || taken {
                return Ok(Saved::Conflict(Stored::stamped(there.clone())));
            }
            hooks.remove(from);
            hooks.insert(to.clone(), new.clone());
        }
        Ok(Saved::Written(Written::at(new.stamp)))
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let mut hooks = self.hooks();
        let Some(there) = living(&mut hooks, id, self.clock.now()) else { return Ok(Deleted::Absent) };
        if seen.is_some_and(|seen| Revision::from(there.stamp) != *seen) {
            return Ok(Deleted::Conflict(Stored::stamped(there.clone())));
        }
        hooks.remove(id);
        Ok(Deleted::Ended)
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        let mut cleared = 0;
        self.hooks().retain(|_, record| {
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

type Found = Vec<(SessionId, Stored)>;

impl Rack {
    /// Some living records behind `after`, in the order of their ids.
    fn following(&self, after: Option<&SessionId>, limit: u32, wanted: impl Fn(&Record) -> bool) -> Found {
        let (hooks, now) = (self.hooks(), self.clock.now());
        let mut found: Vec<_> = hooks
            .iter()
            .filter(|(id, record)| after < Some(*id) && record.is_alive(now) && wanted(record))
            .collect();
        found.sort_unstable_by_key(|(id, _)| *id);
        let page = found.into_iter().take(limit as usize);
        page.map(|(id, record)| (id.clone(), Stored::stamped(record.clone()))).collect()
    }
}

#[async_trait]
impl SessionIndex for Rack {
    async fn of(&self, owner: &str, after: Option<&SessionId>, limit: u32) -> Result<Found> {
        Ok(self.following(after, limit, |record| record.owner.as_deref() == Some(owner)))
    }
}

#[async_trait]
impl SessionWalk for Rack {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page> {
        let after = from.map(Cursor::id).transpose()?;
        Ok(Page::ascending(self.following(after.as_ref(), limit, |_| true), limit))
    }
}

mod rack {
    use super::Rack;

    cloakroom_conformance::backend_tests!(async |clock| Rack::with_clock(clock));
}

/// Each piece of Rust on the page is a piece of this file, and no function of the engine is missing there.
#[test]
fn the_page_shows_what_is_tested_here() {
    let trimmed = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let (source, page) = (
        trimmed(include_str!("your_own_engine.rs")),
        trimmed(include_str!("../../../docs/your-own-engine.md")),
    );
    let pieces: Vec<&str> = page
        .split("\n```rust,ignore\n")
        .skip(1)
        .map(|rest| rest.split_once("\n```").expect("an end").0)
        .collect();
    for piece in &pieces {
        assert!(source.contains(piece), "the page shows what is not here:\n{piece}");
    }
    let (engine, _) = source.split_once("\nmod rack {").expect("the suite");
    for line in engine.lines().filter(|line| line.contains("fn ")) {
        assert!(pieces.iter().any(|piece| piece.contains(line)), "the page does not show:\n{line}");
    }
}
