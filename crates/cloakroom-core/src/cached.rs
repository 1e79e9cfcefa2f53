//! An engine that keeps sessions, read through a cache that remembers them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::in_time;
use crate::{
    Capabilities, Clock, Deleted, Error, ErrorKind, Read, Record, Result, Revision, Saved, SessionBackend,
    SessionCache, SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, SystemClock, Timestamp,
    Touched,
};

/// How long a copy is remembered, and the longest that a load can be behind.
const LEASE: Duration = Duration::from_secs(30);
/// How long nothing is remembered of what was ended. Longer than any filler takes that read it before:
/// [`STALE`] is checked before a copy is stored.
const HOLD: Duration = Duration::from_secs(30);
/// What was read longer ago is not remembered any more.
const STALE: Duration = Duration::from_secs(10);
/// A cache that takes longer is of no use to its request.
const PATIENCE: Duration = Duration::from_millis(500);
/// After a failure the cache is left alone for so long, so that not every request waits for it.
const REST: Duration = Duration::from_secs(1);

/// A durable engine behind a cache. The engine decides everything; the cache answers reads.
///
/// - A read costs one call to the cache; on a miss one to the engine, whose answer is remembered for a
///   lease of 30 s. With a cache of this process alone each hit is checked against the engine's revision:
///   what is saved is the payload's way.
/// - Every write goes to the engine, and what it has stored to the cache. Conflicts and rechecks come from
///   the engine.
/// - What ends (delete, rotate) is fenced in the cache before the engine is asked to end it, so that no
///   slow reader puts it back.
/// - A cache that fails costs time, never data. While it can't be reached, if it loses what it was told (a
///   fail-over), and if a process dies or drops a call between its two writes, a copy of what has been changed
///   or ended may be read for the rest of its lease: that is what [`Capabilities::stale_read`] says. No write
///   is ever based on it: the engine refuses.
///
/// ```
/// use std::sync::Arc;
/// use cloakroom_core::{Cached, SessionBackend, SessionCache};
///
/// fn in_front_of(engine: Arc<dyn SessionBackend>, cache: impl SessionCache) -> impl SessionBackend {
///     Cached::new(engine, cache)
/// }
/// ```
#[derive(Debug)]
pub struct Cached<B, C> {
    backend: B,
    cache: C,
    clock: Arc<dyn Clock>,
    /// In milliseconds since 1970: until then the cache is asked for nothing that can do without it.
    resting_until: AtomicU64,
}

impl<B: SessionBackend, C: SessionCache> Cached<B, C> {
    /// `backend`, read through `cache`.
    pub fn new(backend: B, cache: C) -> Self {
        Self::with_clock(backend, cache, Arc::new(SystemClock))
    }

    /// The same by another clock, which must be the engine's and the cache's as well.
    pub fn with_clock(backend: B, cache: C, clock: Arc<dyn Clock>) -> Self {
        Self { backend, cache, clock, resting_until: AtomicU64::new(0) }
    }

    /// The copy in the cache, if it is alive and may be used.
    async fn copy(&self, id: &SessionId) -> Result<Option<Stored>> {
        if self.rests() {
            return Ok(None);
        }
        let Some(Some(mut copy)) = self.asked(self.cache.get(id)).await else { return Ok(None) };
        if !self.cache.is_shared() {
            // Another process may have written since, and this cache can't know.
            match self.backend.revision(id).await? {
                Some((revision, expires_at)) if revision == copy.revision => {
                    copy.record.expires_at = expires_at;
                }
                _ => return Ok(None),
            }
        }
        // A touch may have moved the engine's deadline: what is over here is asked for there.
        Ok(Some(copy).filter(|copy| copy.record.is_alive(self.clock.now())))
    }

    /// What the engine holds, remembered for the next reader.
    async fn fetch(&self, id: &SessionId) -> Result<Option<Stored>> {
        let asked_at = self.clock.now();
        let found = self.backend.load(id, Read::Latest).await?;
        if let Some(stored) = &found
            && !self.rests()
        {
            self.remember(id, stored, asked_at).await;
        }
        Ok(found)
    }

    /// Has the cache remember what the engine has answered to a call that began at `asked_at`, for a lease
    /// from then on. After a while it may have ended, and its fence with it.
    async fn remember(&self, id: &SessionId, stored: &Stored, asked_at: Timestamp) {
        let age = self.clock.now().since(asked_at);
        if age < STALE {
            self.asked(self.cache.put(id, stored, LEASE.saturating_sub(age))).await;
        }
    }

    /// Tried however the cache is, as every own write is: what has ended or changed must not be read.
    async fn fence(&self, id: &SessionId) {
        self.asked(self.cache.fence(id, HOLD)).await;
    }

    /// Keeps the cache in step with what a write of `new` under `id` has come to.
    async fn follow(&self, id: &SessionId, new: &Record, outcome: &Result<Saved>, asked_at: Timestamp) {
        match outcome {
            Ok(Saved::Written(written)) => {
                self.remember(id, &Stored::new(new.clone(), written.revision.clone()), asked_at).await;
            }
            Ok(Saved::Conflict(stored)) => self.remember(id, stored, asked_at).await,
            Err(error) if error.kind() != ErrorKind::Unknown => {}
            // Gone, or nobody knows: the engine is to be asked.
            _ => self.fence(id).await,
        }
    }

    /// The cache's answer, if there is one in time.
    async fn asked<T>(&self, call: impl Future<Output = Result<T>>) -> Option<T> {
        let answer = in_time(&*self.clock, PATIENCE, call).await;
        answer
            .unwrap_or_else(|| Err(Error::new(ErrorKind::Unavailable, "the session cache is too slow")))
            .inspect_err(|error| {
                // One copy that can't be read says nothing of the cache.
                if error.kind() == ErrorKind::Corrupt {
                    return;
                }
                let until = self.clock.now().plus(REST);
                let rested = self.resting_until.swap(until.millis(), Ordering::Relaxed);
                if Timestamp::from_millis(rested) < self.clock.now() {
                    tracing::warn!(
                        error = error as &dyn std::error::Error,
                        "the session cache fails, reading without it"
                    );
                }
            })
            .ok()
    }

    fn rests(&self) -> bool {
        self.clock.now().millis() < self.resting_until.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl<B: SessionBackend, C: SessionCache> SessionBackend for Cached<B, C> {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.backend.capabilities();
        if self.cache.is_shared() {
            capabilities.stale_read = capabilities.stale_read.max(LEASE);
        }
        capabilities
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.backend.index()
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        self.backend.walk()
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        self.backend.format()
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        if read == Read::Any
            && let Some(copy) = self.copy(id).await?
        {
            return Ok(Some(copy));
        }
        let found = self.fetch(id).await?;
        if read == Read::Latest && found.is_none() {
            // Somebody knew it: there may be a copy that nobody has taken away.
            self.fence(id).await;
        }
        Ok(found)
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        self.backend.revision(id).await
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let asked_at = self.clock.now();
        let saved = self.backend.create(id, new).await;
        self.follow(id, new, &saved, asked_at).await;
        saved
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let asked_at = self.clock.now();
        let saved = self.backend.save(id, new, seen).await;
        self.follow(id, new, &saved, asked_at).await;
        saved
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let asked_at = self.clock.now();
        let touched = self.backend.touch(id, until, seen).await?;
        if touched == Touched::Gone {
            self.fence(id).await;
        }
        // Else each visit until the lease ends would find the old deadline and touch again.
        if matches!(touched, Touched::Moved(_))
            && !self.rests()
            && let Some(Some(mut copy)) = self.asked(self.cache.get(id)).await
            && copy.revision == *seen
        {
            copy.record.expires_at = until;
            self.remember(id, &copy, asked_at).await;
        }
        Ok(touched)
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        self.fence(from).await;
        let asked_at = self.clock.now();
        let saved = self.backend.rotate(from, to, new, seen).await;
        if let Ok(Saved::Written(_)) = saved {
            self.follow(to, new, &saved, asked_at).await;
        }
        saved
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        self.fence(id).await;
        self.backend.delete(id, seen).await
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        self.backend.clear_expired(before, limit).await
    }

    async fn close(&self) -> Result<()> {
        self.backend.close().await
    }
}
