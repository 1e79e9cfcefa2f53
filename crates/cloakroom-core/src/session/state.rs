//! What a session handle knows: what was stored, what was changed since, and what waits.

use std::sync::Arc;

use bytes::Bytes;

use crate::change::{Change, Changes};
use crate::content::Content;
use crate::{CookieChange, Revision, SessionId, SessionKey, Stored, Timestamp};

/// A living record as it was last seen.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) key: SessionKey,
    pub(crate) id: SessionId,
    pub(crate) revision: Revision,
    pub(crate) sequence: u64,
    pub(crate) expires_at: Timestamp,
}

impl Held {
    pub(crate) fn new(key: SessionKey, id: SessionId, stored: &Stored) -> Self {
        Self {
            key,
            id,
            revision: stored.revision.clone(),
            sequence: stored.record.stamp.sequence,
            expires_at: stored.record.expires_at,
        }
    }
}

#[derive(Debug)]
pub(super) struct State {
    /// None: nothing is stored yet.
    pub(super) held: Option<Held>,
    /// What is stored.
    pub(super) base: Arc<Content>,
    /// `base` with `changes` done to it.
    pub(super) view: Arc<Content>,
    pub(super) changes: Changes,
    /// A session that was flushed and whose record still stands.
    pub(super) doomed: Option<SessionKey>,
    /// Another request ended the session: this one's changes have nowhere to go.
    pub(super) interrupted: bool,
    pub(super) cookie: CookieChange,
    pub(super) headers_left: bool,
    pub(super) user_agent: Option<Bytes>,
}

impl State {
    pub(super) fn new(held: Option<Held>, content: Content) -> Self {
        let base = Arc::new(content);
        Self {
            held,
            view: Arc::clone(&base),
            base,
            changes: Changes::default(),
            doomed: None,
            interrupted: false,
            cookie: CookieChange::Keep,
            headers_left: false,
            user_agent: None,
        }
    }

    /// Does a change, and notes it for the commit.
    pub(super) fn record(&mut self, change: Change) {
        change.apply(Arc::make_mut(&mut self.view));
        self.changes.record(change);
    }

    /// Leaves the session for a fresh one; its record waits to be deleted.
    pub(super) fn flush(&mut self, now: Timestamp) {
        if let Some(held) = self.held.take() {
            self.doomed = Some(held.key);
        }
        self.changes.forget();
        self.interrupted = false;
        self.rebase(Content::new(now));
    }

    /// Builds upon what the store turned out to hold.
    pub(super) fn rebase(&mut self, base: Content) {
        self.base = Arc::new(base);
        self.view = Arc::clone(&self.base);
        if !self.changes.is_empty() {
            self.changes.apply(Arc::make_mut(&mut self.view), self.changes.now());
        }
    }
}
