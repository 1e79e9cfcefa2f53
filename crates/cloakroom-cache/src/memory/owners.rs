//! Which sessions are whose.

use std::collections::hash_map::RandomState;
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasher;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom_core::SessionId;

/// As many writers do not meet.
const SHARDS: usize = 32;

/// The ids of each owner's sessions. Changed under the lock of the session's cell, so that it shows neither
/// less nor more than there is.
#[derive(Debug, Default)]
pub(super) struct Owners {
    hasher: RandomState,
    shards: [Mutex<HashMap<String, BTreeSet<SessionId>>>; SHARDS],
}

impl Owners {
    /// The session is `owner`'s, if anybody's.
    pub(super) fn add(&self, owner: Option<&str>, id: &SessionId) {
        let Some(owner) = owner else { return };
        let mut shard = self.shard(owner);
        match shard.get_mut(owner) {
            Some(ids) => ids.insert(id.clone()),
            None => shard.insert(owner.to_owned(), BTreeSet::from([id.clone()])).is_none(),
        };
    }

    /// It no longer is.
    pub(super) fn remove(&self, owner: Option<&str>, id: &SessionId) {
        let Some(owner) = owner else { return };
        let mut shard = self.shard(owner);
        if let Some(ids) = shard.get_mut(owner) {
            ids.remove(id);
            if ids.is_empty() {
                shard.remove(owner);
            }
        }
    }

    /// Up to `limit` of `owner`'s ids behind `after`, in ascending order.
    pub(super) fn page(&self, owner: &str, after: Option<&SessionId>, limit: usize) -> Vec<SessionId> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let shard = self.shard(owner);
        let ids = shard.get(owner).into_iter().flat_map(|ids| ids.range((after, Bound::Unbounded)));
        ids.take(limit).cloned().collect()
    }

    fn shard(&self, owner: &str) -> MutexGuard<'_, HashMap<String, BTreeSet<SessionId>>> {
        #[expect(clippy::cast_possible_truncation, reason = "any bits of it will do")]
        let at = self.hasher.hash_one(owner) as usize % SHARDS;
        self.shards[at].lock().unwrap_or_else(PoisonError::into_inner)
    }
}
