//! Browsers, for engines whose visitors bear their sessions: what a case calls by one id or key goes on
//! being that, whichever value the browser holds by now.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use cloakroom_core::{
    Capabilities, Deleted, Read, Record, Result, Revision, Saved, SessionBackend, SessionFormat, SessionId,
    SessionIndex, SessionWalk, Stored, Swept, Timestamp, Touched, Written,
};

/// All browsers of a case: each was given values, and holds the last.
#[derive(Debug, Default)]
pub(crate) struct Browsers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    /// Whose it is, by whatever a case may know it: an id that it made up, or any value that was given.
    whose: HashMap<SessionId, usize>,
    /// What each was given, oldest first.
    given: Vec<Vec<(Revision, SessionId)>>,
}

impl Browsers {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap()
    }

    /// What the browser of this id holds now; without a browser, the id itself.
    pub(crate) fn held(&self, id: &SessionId) -> SessionId {
        let known = self.known();
        let given = known.whose.get(id).and_then(|browser| known.given[*browser].last());
        given.map_or_else(|| id.clone(), |(_, value)| value.clone())
    }

    /// What a request of that browser has presented that saw this revision.
    fn seen(&self, id: &SessionId, seen: &Revision) -> SessionId {
        let known = self.known();
        let given = known.whose.get(id).map(|browser| &known.given[*browser]);
        let then = given.and_then(|given| given.iter().rev().find(|(revision, _)| revision == seen));
        let value = then.map(|(_, value)| value.clone());
        drop(known);
        value.unwrap_or_else(|| self.held(id))
    }

    /// Gives what was written to the browser of `id`, a new one if it has none.
    fn give(&self, id: &SessionId, written: &Written) {
        let Some(value) = written.present.as_deref().and_then(SessionId::parse) else { return };
        let mut known = self.known();
        let Known { whose, given } = &mut *known;
        let browser = *whose.entry(id.clone()).or_insert_with(|| {
            given.push(Vec::new());
            given.len() - 1
        });
        given[browser].push((written.revision.clone(), value.clone()));
        whose.insert(value, browser);
    }
}

/// An engine whose ids are browsers.
///
/// A load presents what the browser holds; a write presents what its request has seen, as a slow request
/// does. Nothing is taken from a browser that is logged out: whoever asks by its id then is somebody who
/// has kept a copy. After a rotation the new id is the browser, and the old one such a copy.
#[derive(Debug)]
pub(crate) struct Jar {
    inner: Arc<dyn SessionBackend>,
    browsers: Arc<Browsers>,
}

impl Jar {
    pub(crate) fn new(inner: Arc<dyn SessionBackend>, browsers: Arc<Browsers>) -> Self {
        Self { inner, browsers }
    }

    fn given(&self, id: &SessionId, saved: Saved) -> Saved {
        if let Saved::Written(written) = &saved {
            self.browsers.give(id, written);
        }
        saved
    }
}

#[async_trait]
impl SessionBackend for Jar {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.inner.index()
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        self.inner.walk()
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        self.inner.format()
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        self.inner.load(&self.browsers.held(id), read).await
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        self.inner.revision(&self.browsers.held(id)).await
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        Ok(self.given(id, self.inner.create(id, new).await?))
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        Ok(self.given(id, self.inner.save(&self.browsers.seen(id, seen), new, seen).await?))
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let touched = self.inner.touch(&self.browsers.seen(id, seen), until, seen).await?;
        if let Touched::Moved(written) = &touched {
            self.browsers.give(id, written);
        }
        Ok(touched)
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        Ok(self.given(to, self.inner.rotate(&self.browsers.seen(from, seen), to, new, seen).await?))
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let presented = seen.map_or_else(|| self.browsers.held(id), |seen| self.browsers.seen(id, seen));
        self.inner.delete(&presented, seen).await
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        self.inner.clear_expired(before, limit).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}
