//! A site's sessions in its database, and the copies of them that Django keeps in Redis and believes.

use std::fmt;

use async_trait::async_trait;
use cloakroom_core::{
    Capabilities, Deleted, Error, ErrorKind, Read, Record, Result, Revision, Saved, SessionBackend,
    SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, Timestamp, Touched,
};

use super::super::client::Client;

/// An engine of Django's rows whose changes Django sees, although it reads its copies first (`cached_db`), but for a request of its own
/// that has read the row before a change or an end and stores its copy only after both deletions: with that copy Django goes on, as
/// it does between its own processes. Opened by
/// [`Config::open_django_cached`](super::super::Config::open_django_cached).
///
/// - Nothing is read from a copy: it has no revision that a change could be compared with.
/// - A write takes the copy away, writes the row, and takes away what Django may have put back from the old row meanwhile. While Redis
///   can't be reached nothing is written (`Unavailable`): Django would go on with its copy, of a session that was ended even.
/// - If just the second taking away fails, an end or a new key is `Unknown`. Of a change that Django may not see yet only an event tells.
pub struct Cached<B> {
    backend: B,
    client: Client,
}

impl<B: SessionBackend> Cached<B> {
    pub(in crate::redis) fn new(backend: B, client: Client) -> Self {
        Self { backend, client }
    }

    async fn forget(&self, id: &SessionId) -> Result<()> {
        let key = self.client.keys.verbatim(id);
        let mut delete = redis::cmd("DEL");
        delete.arg(&key);
        self.client.write(self.client.budget(), &key, delete).await.map(drop)
    }

    /// # Errors
    ///
    /// `Unavailable`: nothing is written then.
    async fn forget_before(&self, id: &SessionId) -> Result<()> {
        self.forget(id).await.map_err(|error| {
            let message = "Django's copy of the session could not be taken away, so nothing was written";
            Error::caused(ErrorKind::Unavailable, message, error)
        })
    }

    /// After what did not end the session.
    async fn forget_change(&self, id: &SessionId) {
        if let Err(error) = self.forget(id).await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "Django may read an old copy of a session that was changed"
            );
        }
    }

    /// After what may have ended it.
    async fn forget_end<T>(&self, id: &SessionId, done: Result<T>) -> Result<T> {
        let forgotten = self.forget(id).await;
        let done = done?;
        forgotten.map(|()| done).map_err(|error| {
            let message = "Django may go on with its copy of a session that was ended";
            Error::caused(ErrorKind::Unknown, message, error)
        })
    }
}

#[async_trait]
impl<B: SessionBackend> SessionBackend for Cached<B> {
    fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
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
        self.backend.load(id, read).await
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        self.backend.revision(id).await
    }

    /// Of a key that was just drawn there is no copy.
    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        self.backend.create(id, new).await
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        self.forget_before(id).await?;
        let saved = self.backend.save(id, new, seen).await;
        self.forget_change(id).await;
        saved
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        self.forget_before(id).await?;
        let touched = self.backend.touch(id, until, seen).await;
        self.forget_change(id).await;
        touched
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        self.forget_before(from).await?;
        let rotated = self.backend.rotate(from, to, new, seen).await;
        self.forget_end(from, rotated).await
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        self.forget_before(id).await?;
        let deleted = self.backend.delete(id, seen).await;
        self.forget_end(id, deleted).await
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        self.backend.clear_expired(before, limit).await
    }

    async fn close(&self) -> Result<()> {
        self.client.close();
        self.backend.close().await
    }
}

impl<B: fmt::Debug> fmt::Debug for Cached<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("redis::django::Cached")
            .field("backend", &self.backend)
            .field("keys", &self.client.keys)
            .finish_non_exhaustive()
    }
}
