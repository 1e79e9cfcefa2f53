//! Copies of sessions that another engine keeps, for this process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_core::{Clock, Result, SessionCache, SessionId, Stored, Timestamp};
use moka::ops::compute::Op;
use moka::policy::EvictionPolicy;

use super::Config;
use super::cell::{weight_of, weight_with};

/// Remembers copies in memory, as many as there is room for. Opened by [`Config::open_cache`].
///
/// It can't hear of what other processes write: each copy in it is checked against the engine before it is
/// used, which saves the way of the payload.
pub struct Cache {
    entries: moka::sync::Cache<SessionId, Arc<Entry>>,
    clock: Arc<dyn Clock>,
}

struct Entry {
    /// Nothing: a fence.
    copy: Option<Stored>,
    /// The end of the lease.
    until: Timestamp,
}

impl Entry {
    /// Whether `value` is not to be put in its place.
    fn stays(&self, value: &Stored) -> bool {
        let Some(copy) = &self.copy else { return true };
        let (here, new) = (&copy.record, &value.record);
        let newer = new.stamp.sequence > here.stamp.sequence;
        !newer && (new.stamp != here.stamp || new.expires_at <= here.expires_at)
    }
}

impl Cache {
    pub(super) fn with(config: Config) -> Self {
        let weight = |entry: &Entry| {
            entry.copy.as_ref().map_or_else(|| weight_with(0), |copy| weight_of(&copy.record))
        };
        let entries = moka::sync::Cache::builder()
            .max_capacity(config.capacity)
            .weigher(move |_, entry: &Arc<Entry>| weight(entry))
            .eviction_policy(EvictionPolicy::lru())
            .build();
        Self { entries, clock: config.clock }
    }
}

#[async_trait]
impl SessionCache for Cache {
    fn is_shared(&self) -> bool {
        false
    }

    async fn get(&self, id: &SessionId) -> Result<Option<Stored>> {
        let entry = self.entries.get(id).filter(|entry| self.clock.now() < entry.until);
        Ok(entry.and_then(|entry| entry.copy.clone()))
    }

    async fn put(&self, id: &SessionId, value: &Stored, lease: Duration) -> Result<()> {
        let now = self.clock.now();
        self.entries.entry_by_ref(id).and_compute_with(|there| {
            if there.is_some_and(|there| now < there.value().until && there.value().stays(value)) {
                return Op::Nop;
            }
            Op::Put(Arc::new(Entry { copy: Some(value.clone()), until: now.plus(lease) }))
        });
        Ok(())
    }

    async fn fence(&self, id: &SessionId, hold: Duration) -> Result<()> {
        let until = self.clock.now().plus(hold);
        // By turns with those who put, unlike a plain insert.
        self.entries.entry_by_ref(id).and_compute_with(|_| Op::Put(Arc::new(Entry { copy: None, until })));
        Ok(())
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("memory::Cache").field("entries", &self.entries.entry_count()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_core::{Addressing, SessionKey};

    use super::*;

    #[tokio::test]
    async fn fences_take_no_more_room_than_there_is() {
        let cache = Config::new().capacity(64 << 10).open_cache();
        for _ in 0..1_000 {
            let id = SessionKey::generate(Addressing::Hashed).unwrap().id();
            cache.fence(&id, Duration::from_secs(30)).await.unwrap();
        }
        cache.entries.run_pending_tasks();
        assert!(cache.entries.entry_count() <= 128, "{}", cache.entries.entry_count());
    }
}
