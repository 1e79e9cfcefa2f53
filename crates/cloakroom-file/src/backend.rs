//! The contract, without blocking anybody: who writes takes a turn, and the work is done on another thread.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use cloakroom_core::{
    Capabilities, Cursor, Deleted, Durability, Error, ErrorKind, Page, Read, Record, Result, Revision, Saved,
    SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stamp, Stored, Swept, Timestamp,
    Touched,
};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::spawn_blocking;
use tokio::time::timeout_at;

use crate::Config;
use crate::error::{busy, while_flushing};
use crate::location::{FOLDERS, Folder};
use crate::root::Root;
use crate::store::Store;

/// How long a writer waits for its turn and for other processes' locks, together.
pub(crate) const TURN: Duration = Duration::from_secs(3);
/// How long a sweep or a listing may take.
pub(crate) const WALK: Duration = Duration::from_secs(4);

/// Sessions in a folder. Opened by [`Config::open`].
pub struct Backend {
    store: Arc<Store>,
    /// A queue for each folder: of those who wait for its lock, one alone blocks a thread.
    turns: Vec<Turn>,
    sweeping: Turn,
    config: Config,
}

pub(crate) type Turn = Arc<Mutex<()>>;

impl Backend {
    pub(crate) fn new(root: Root, config: Config) -> Self {
        let store = Arc::new(Store::new(root, Arc::clone(&config.clock)));
        let turns = (0..FOLDERS).map(|_| Turn::default()).collect();
        Self { store, turns, sweeping: Turn::default(), config }
    }

    /// The living record under `id`.
    async fn living(&self, id: &SessionId) -> Result<Option<Record>> {
        // Another thread takes longer than the reading, and is of use only where there is something to wait for.
        if let Some(record) = self.store.peek(id) {
            return Ok(Some(record));
        }
        let id = id.clone();
        self.read(move |store| store.load(&id)).await
    }

    /// Does what reads.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = Arc::clone(&self.store);
        hop(move || work(&store)).await
    }

    /// Does what writes these sessions, with the locks of their folders. Once it has begun it is done to the
    /// end, whether or not anybody waits for it.
    async fn write<T: Send + 'static>(
        &self,
        ids: &[&SessionId],
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let until = Instant::now() + TURN;
        // Everybody takes them in the same order, so nobody waits for a lock with one that is waited for.
        let mut folders: Vec<Folder> = ids.iter().map(|id| Folder::of(id.as_bytes())).collect();
        folders.sort_unstable();
        folders.dedup();
        let mut turns = Vec::with_capacity(folders.len());
        for folder in &folders {
            turns.push(taken(&self.turns[folder.number()], until).await?);
        }
        self.read(move |store| {
            // Who called may have been told by now that it can't be done.
            if Instant::now() >= until {
                return Err(busy());
            }
            let locks = folders.iter().map(|folder| store.root.lock(folder.name(), until));
            let locks: Vec<_> = locks.collect::<Result<_>>()?;
            let done = work(store)?;
            // Also an answer that nothing was to be done may rest on what has not reached the disk yet.
            for folder in &folders {
                store.root.flush(folder.name()).map_err(while_flushing)?;
            }
            drop((locks, turns));
            Ok(done)
        })
        .await
    }
}

#[async_trait]
impl SessionBackend for Backend {
    fn capabilities(&self) -> Capabilities {
        Capabilities::new(if self.config.power_safe { Durability::PowerCut } else { Durability::Crash })
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
        Ok(self.living(id).await?.map(Stored::stamped))
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        let id = id.clone();
        self.read(move |store| Ok(store.load(&id)?.map(|record| (record.stamp.into(), record.expires_at))))
            .await
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let (own, new) = (id.clone(), new.clone());
        self.write(&[id], move |store| store.create(&own, &new)).await
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let (own, new, seen) = (id.clone(), new.clone(), stamp_of(seen)?);
        self.write(&[id], move |store| store.save(&own, &new, seen)).await
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let (own, seen) = (id.clone(), stamp_of(seen)?);
        self.write(&[id], move |store| store.touch(&own, until, seen)).await
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let (start, end, new, seen) = (from.clone(), to.clone(), new.clone(), stamp_of(seen)?);
        self.write(&[from, to], move |store| store.rotate(&start, &end, &new, seen)).await
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let (own, seen) = (id.clone(), seen.map(stamp_of).transpose()?);
        self.write(&[id], move |store| store.delete(&own, seen)).await
    }

    /// Takes 4 seconds at most: what is not through by then says that there is more, and the next step begins with
    /// the rest. One that was at the marks of who is logged in is `Unavailable`.
    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        let until = Instant::now() + WALK;
        let turn = taken(&self.sweeping, until).await?;
        self.read(move |store| {
            let cleared = store.sweep(before, limit, until);
            drop(turn);
            cleared
        })
        .await
    }

    /// Waits for what was begun. It goes on working afterwards; its one open folder is closed when this is
    /// dropped.
    async fn close(&self) -> Result<()> {
        for turn in self.turns.iter().chain([&self.sweeping]) {
            drop(turn.lock().await);
        }
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
        let (owner, after) = (owner.to_owned(), after.cloned());
        self.read(move |store| store.of(&owner, after.as_ref(), limit, Instant::now() + WALK)).await
    }
}

#[async_trait]
impl SessionWalk for Backend {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page> {
        let after = from.map(Cursor::id).transpose()?;
        self.read(move |store| store.walk(after.as_ref(), limit, Instant::now() + WALK)).await
    }
}

impl fmt::Debug for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backend").field("path", &self.config.path).finish_non_exhaustive()
    }
}

/// Work that blocks, on a thread for that. It is done even if this future is dropped, unless it had not begun
/// when the runtime was shut down.
pub(crate) async fn hop<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work).await.unwrap_or_else(|error| {
        let kind = if error.is_cancelled() { ErrorKind::Unavailable } else { ErrorKind::Unknown };
        Err(Error::caused(kind, "the work on a session's file was not finished", error))
    })
}

pub(crate) async fn taken(turn: &Turn, until: Instant) -> Result<OwnedMutexGuard<()>> {
    timeout_at(until.into(), Arc::clone(turn).lock_owned()).await.map_err(|_| busy())
}

/// # Errors
///
/// `Misconfigured` for a revision of another engine's making.
fn stamp_of(seen: &Revision) -> Result<Stamp> {
    seen.stamp().ok_or_else(|| Error::new(ErrorKind::Misconfigured, "this revision is another engine's"))
}
