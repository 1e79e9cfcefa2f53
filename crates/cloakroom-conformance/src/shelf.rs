//! A cache in its plainest form, which fails when it is told to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_core::{Clock, Error, ErrorKind, Result, SessionCache, SessionId, Stored, Timestamp};

/// Keeps copies in memory. Clones are one shelf: several processes that share a cache.
#[derive(Clone, Debug)]
pub struct Shelf {
    entries: Arc<Mutex<HashMap<SessionId, Entry>>>,
    clock: Arc<dyn Clock>,
    shared: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct Entry {
    /// Nothing: a fence.
    copy: Option<Stored>,
    until: Timestamp,
}

#[derive(Debug, Default)]
struct State {
    trouble: Option<Trouble>,
    calls: usize,
}

/// What is wrong with a shelf.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Trouble {
    /// Every call is refused.
    Down,
    /// No call is answered.
    Silent,
}

impl Shelf {
    /// An empty one whose leases go by `clock`, and whether it passes for one that all processes share.
    pub fn new(clock: Arc<dyn Clock>, shared: bool) -> Self {
        Self { entries: Arc::default(), clock, shared, state: Arc::default() }
    }

    /// From now on.
    pub fn suffer(&self, trouble: Option<Trouble>) {
        self.state.lock().unwrap().trouble = trouble;
    }

    /// The calls since this was asked last.
    pub fn calls(&self) -> usize {
        std::mem::take(&mut self.state.lock().unwrap().calls)
    }

    async fn meet(&self) -> Result<()> {
        let trouble = {
            let mut state = self.state.lock().unwrap();
            state.calls += 1;
            state.trouble
        };
        match trouble {
            None => Ok(()),
            Some(Trouble::Down) => Err(Error::new(ErrorKind::Unavailable, "down, as planned")),
            Some(Trouble::Silent) => std::future::pending().await,
        }
    }
}

#[async_trait]
impl SessionCache for Shelf {
    fn is_shared(&self) -> bool {
        self.shared
    }

    async fn get(&self, id: &SessionId) -> Result<Option<Stored>> {
        self.meet().await?;
        let now = self.clock.now();
        let entries = self.entries.lock().unwrap();
        Ok(entries.get(id).filter(|entry| now < entry.until).and_then(|entry| entry.copy.clone()))
    }

    async fn put(&self, id: &SessionId, value: &Stored, lease: Duration) -> Result<()> {
        self.meet().await?;
        let now = self.clock.now();
        let mut entries = self.entries.lock().unwrap();
        let version = |stored: &Stored| (stored.record.stamp.sequence, stored.record.expires_at);
        let there = entries.get(id).filter(|entry| now < entry.until);
        let stays =
            there.is_some_and(|entry| entry.copy.as_ref().is_none_or(|copy| version(copy) >= version(value)));
        if !stays {
            entries.insert(id.clone(), Entry { copy: Some(value.clone()), until: now.plus(lease) });
        }
        Ok(())
    }

    async fn fence(&self, id: &SessionId, hold: Duration) -> Result<()> {
        self.meet().await?;
        let until = self.clock.now().plus(hold);
        self.entries.lock().unwrap().insert(id.clone(), Entry { copy: None, until });
        Ok(())
    }
}
