//! The contract, without blocking anybody: who writes takes a turn, and the work is done on another thread.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use bytes::Bytes;
use cloakroom_core::{
    Addressing, Capabilities, Cursor, Deleted, Durability, Error, ErrorKind, Page, Read, Record, Result,
    Revision, Saved, SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept,
    Timestamp, Touched,
};

use super::store::Store;
use crate::backend::{TURN, Turn, WALK, hop, taken};
use crate::error::{busy, while_flushing};

/// A Django site's sessions in files. Opened by [`Config::open`](super::Config::open).
pub struct Backend {
    store: Arc<Store>,
    turn: Turn,
    sweeping: Turn,
    path: PathBuf,
}

impl Backend {
    pub(super) fn new(store: Store, path: PathBuf) -> Self {
        Self { store: Arc::new(store), turn: Turn::default(), sweeping: Turn::default(), path }
    }

    /// Does what reads.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = Arc::clone(&self.store);
        hop(move || work(&store)).await
    }

    /// Does what writes, with the folder's lock. Once it has begun it is done to the end, whether or not anybody waits for it.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Store) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let until = Instant::now() + TURN;
        let turn = taken(&self.turn, until).await?;
        self.read(move |store| {
            // Who called may have been told by now that it can't be done.
            if Instant::now() >= until {
                return Err(busy());
            }
            let lock = store.folder.lock(until)?;
            let done = work(store)?;
            store.folder.flush().map_err(while_flushing)?;
            drop((lock, turn));
            Ok(done)
        })
        .await
    }
}

#[async_trait]
impl SessionBackend for Backend {
    fn capabilities(&self) -> Capabilities {
        let durable_when =
            if self.store.folder.is_power_safe() { Durability::PowerCut } else { Durability::Crash };
        let mut capabilities = Capabilities::new(durable_when);
        capabilities.addressing = Addressing::Verbatim;
        // The text is all there is: an equal one may be anybody's.
        capabilities.recognises_own_write = false;
        capabilities
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        None
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        Some(self)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        Some(&*self.store.format)
    }

    async fn load(&self, id: &SessionId, _: Read) -> Result<Option<Stored>> {
        let id = id.clone();
        self.read(move |store| store.load(&id)).await
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        let id = id.clone();
        let found = self.read(move |store| store.load(&id)).await?;
        Ok(found.map(|stored| (stored.revision, stored.record.expires_at)))
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let (id, new) = (id.clone(), new.clone());
        self.write(move |store| store.create(&id, &new)).await
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let (id, new, seen) = (id.clone(), new.clone(), text_of(seen)?);
        self.write(move |store| store.save(&id, &new, &seen)).await
    }

    /// A session whose end is a moment of its own stays as it is: that is in its text.
    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let (id, seen) = (id.clone(), text_of(seen)?);
        self.write(move |store| store.touch(&id, until, &seen)).await
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let (from, to, new, seen) = (from.clone(), to.clone(), new.clone(), text_of(seen)?);
        self.write(move |store| store.rotate(&from, &to, &new, &seen)).await
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let (id, seen) = (id.clone(), seen.map(text_of).transpose()?);
        self.write(move |store| store.delete(&id, seen.as_ref())).await
    }

    /// Takes 4 seconds at most: what is not through by then says that there is more, and the next step begins with the
    /// rest. What Django's and this crate's writers have left that died goes, too, once it is an hour old.
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

    /// Waits for what was begun. It goes on working afterwards.
    async fn close(&self) -> Result<()> {
        for turn in [&self.turn, &self.sweeping] {
            drop(turn.lock().await);
        }
        Ok(())
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
        f.debug_struct("django::Backend").field("path", &self.path).finish_non_exhaustive()
    }
}

/// The text that was seen. A revision of another engine's making is no text that is there.
///
/// # Errors
///
/// `Misconfigured` for that.
fn text_of(seen: &Revision) -> Result<Bytes> {
    let text = seen.as_opaque().cloned();
    text.ok_or_else(|| Error::new(ErrorKind::Misconfigured, "this revision is another engine's"))
}
