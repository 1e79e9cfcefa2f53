//! A file a session: read whole, written beside and renamed. The calls that wait are on threads that may.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cloakroom_contest::{Contender, Operation, Result, payload};
use cloakroom_core::{Clock as _, SystemClock};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

use super::{LIFE, count, id};
use crate::shelf::Shelf;

/// Files in one folder.
pub(crate) struct Files {
    folder: TempDir,
    shelf: Shelf,
    size: usize,
}

impl Files {
    pub(crate) fn new(folder: TempDir, size: usize) -> Self {
        Self { shelf: Shelf::Folder(folder.path().to_owned()), folder, size }
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.path().join(id)
    }
}

impl Contender for Files {
    type Session = PathBuf;

    async fn create(&self, text: String) -> Result<PathBuf> {
        let path = self.path(&id()?);
        hop(move || replace(&path, &text).map(|()| path)).await
    }

    async fn load(&self, session: &PathBuf) -> Result<usize> {
        let path = session.clone();
        Ok(hop(move || fs::read(path)).await?.len())
    }

    async fn save(&self, session: &mut PathBuf, text: String) -> Result {
        let path = session.clone();
        hop(move || replace(&path, &text)).await
    }

    async fn touch(&self, session: &mut PathBuf) -> Result {
        let path = session.clone();
        let ends = std::time::UNIX_EPOCH + Duration::from_millis(SystemClock.now().millis() + LIFE);
        hop(move || fs::File::options().write(true).open(path)?.set_modified(ends)).await
    }

    async fn rotate(&self, session: &mut PathBuf, text: String) -> Result {
        let (old, new) = (session.clone(), self.path(&id()?));
        session.clone_from(&new);
        hop(move || replace(&new, &text).and_then(|()| fs::remove_file(old))).await
    }

    async fn delete(&self, session: PathBuf) -> Result {
        hop(move || fs::remove_file(session)).await
    }

    async fn update(&self, session: &PathBuf) -> Result {
        let path = session.clone();
        let counted = count(&hop(move || fs::read(path)).await?)?;
        // Several write at once here: each has a draft of its own.
        let (path, draft) = (session.clone(), self.path(&id()?));
        let text = payload(self.size, counted + 1);
        hop(move || fs::write(&draft, text).and_then(|()| fs::rename(draft, path))).await
    }

    async fn counted(&self, session: &PathBuf) -> Result<u64> {
        count(&fs::read(session)?)
    }

    async fn bytes(&self, live: u64) -> Result<Option<f64>> {
        self.shelf.bytes(live).await
    }

    fn lacks(&self) -> &'static [Operation] {
        &[Operation::Sweep]
    }
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("draft");
    fs::write(&draft, text)?;
    fs::rename(draft, path)
}

async fn hop<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    Ok(spawn_blocking(work).await??)
}
