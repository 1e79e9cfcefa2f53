//! A map in memory, divided so that tasks seldom wait for each other.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cloakroom_contest::{Contender, Operation, Result, payload};

use super::{LIFE, count, id};

const SHARDS: usize = 64;

type Shard = HashMap<String, (Bytes, u64)>;

/// Texts and their ends, by id.
pub(crate) struct Memory {
    shards: Vec<Mutex<Shard>>,
    hasher: RandomState,
    size: usize,
}

impl Memory {
    pub(crate) fn new(size: usize) -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new(), size }
    }

    fn shard(&self, id: &str) -> MutexGuard<'_, Shard> {
        let hash = usize::try_from(self.hasher.hash_one(id) % SHARDS as u64).unwrap_or_default();
        self.shards[hash].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn text(&self, id: &str) -> Result<Bytes> {
        Ok(self.shard(id).get(id).ok_or("a session is gone")?.0.clone())
    }

    fn replace(&self, id: &str, text: String) -> Result {
        *self.shard(id).get_mut(id).ok_or("a session is gone")? = (text.into(), LIFE);
        Ok(())
    }
}

impl Contender for Memory {
    type Session = String;

    async fn create(&self, text: String) -> Result<String> {
        let id = id()?;
        self.shard(&id).insert(id.clone(), (text.into(), LIFE));
        Ok(id)
    }

    async fn load(&self, session: &String) -> Result<usize> {
        Ok(self.text(session)?.len())
    }

    async fn save(&self, session: &mut String, text: String) -> Result {
        self.replace(session, text)
    }

    async fn touch(&self, session: &mut String) -> Result {
        self.shard(session).get_mut(session.as_str()).ok_or("a session is gone")?.1 += 1;
        Ok(())
    }

    async fn rotate(&self, session: &mut String, text: String) -> Result {
        let new = id()?;
        self.shard(session).remove(session.as_str()).ok_or("a session is gone")?;
        self.shard(&new).insert(new.clone(), (text.into(), LIFE));
        *session = new;
        Ok(())
    }

    async fn delete(&self, session: String) -> Result {
        self.shard(&session).remove(&session).ok_or("a session is gone")?;
        Ok(())
    }

    async fn update(&self, session: &String) -> Result {
        let counted = count(&self.text(session)?)?;
        self.replace(session, payload(self.size, counted + 1))
    }

    async fn counted(&self, session: &String) -> Result<u64> {
        count(&self.text(session)?)
    }

    fn lacks(&self) -> &'static [Operation] {
        &[Operation::Sweep]
    }
}
