//! What a session handle knows: what was stored, what was changed since, and what waits.

use std::sync::Arc;

use bytes::Bytes;

use super::admission::Entrant;
use super::draft::Draft;
use crate::change::{Change, Changes, Origin};
use crate::content::Content;
use crate::sessions::Found;
use crate::{BrowserEnd, CookieChange, Revision, SessionId, SessionKey, Sessions, Stored, Timestamp};

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
    /// `id` is the key's: whoever has asked the store knows it, and a hash is not for nothing.
    pub(crate) fn new(key: SessionKey, id: SessionId, stored: &Stored) -> Self {
        Self {
            id,
            key,
            revision: stored.revision.clone(),
            sequence: stored.record.stamp.sequence,
            expires_at: stored.record.expires_at,
        }
    }
}

/// A flushed session whose record waits to be deleted.
#[derive(Clone, Debug)]
pub(super) struct Doomed {
    pub(super) key: SessionKey,
    /// It is the one that the browser has presented.
    pub(super) presented: bool,
    /// What was stored under it.
    pub(super) content: Arc<Content>,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
pub(super) struct State {
    /// None: nothing is stored yet.
    pub(super) held: Option<Held>,
    /// What is stored.
    pub(super) base: Arc<Content>,
    /// `base` with `changes` done to it.
    pub(super) view: Arc<Content>,
    pub(super) changes: Changes,
    /// Sent, and nobody knows whether it is stored.
    pub(super) unsettled: Option<Arc<Draft>>,
    /// It was given up since: if it is stored it counts, but it is not sent again.
    pub(super) unwanted: bool,
    /// What the browser has presented, if the session is that one, under whatever key by now.
    pub(super) presented: Option<SessionKey>,
    /// Sessions that were flushed and whose records still stand.
    pub(super) doomed: Vec<Doomed>,
    /// How many flushes there were: what was drafted before one is not of the session after it.
    pub(super) epoch: u64,
    /// Another request ended the session: this one's changes have nowhere to go.
    pub(super) interrupted: bool,
    /// What the browser must be told of the session that is stored.
    pub(super) announced: Option<(SessionKey, BrowserEnd)>,
    /// This request has ended the session whose key the browser has presented.
    pub(super) ended: bool,
    pub(super) headers_left: bool,
    /// The key that the browser has presented was replaced.
    pub(super) replaced: bool,
    /// Something was read or changed.
    pub(super) accessed: bool,
    pub(super) origin: Origin,
    /// Who has logged in with what was stored, until somebody has looked at the number of their sessions.
    pub(super) logged_in: Option<Entrant>,
}

impl State {
    pub(super) fn new(held: Option<Held>, content: Content) -> Self {
        let base = Arc::new(content);
        Self {
            presented: held.as_ref().map(|held| held.key.clone()),
            held,
            view: Arc::clone(&base),
            base,
            changes: Changes::default(),
            unsettled: None,
            unwanted: false,
            doomed: Vec::new(),
            epoch: 0,
            interrupted: false,
            announced: None,
            ended: false,
            headers_left: false,
            replaced: false,
            accessed: false,
            origin: Origin::default(),
            logged_in: None,
        }
    }

    /// Does a change, and notes it for the commit.
    pub(super) fn record(&mut self, change: Change) {
        self.accessed = true;
        change.apply(Arc::make_mut(&mut self.view));
        self.changes.record(change);
    }

    /// Binds the login to this, under a new key.
    pub(super) fn rebind(&mut self, proof: Bytes) {
        self.record(Change::Prove(proof));
        self.record(Change::Cycle);
    }

    /// Whether there is anything to commit or to be made up for: changes that cancel out are none.
    pub(super) fn waits(&self) -> bool {
        let changed = || match self.held {
            Some(_) => self.changes.wishes().any() || !self.view.says_the_same(&self.base),
            None => !self.view.is_blank(),
        };
        self.unsettled.is_some() || self.logged_in.is_some() || (!self.changes.is_empty() && changed())
    }

    /// Whether keys are renewed, and the one that is held is old enough; unless these changes bring a new one anyway,
    /// something that was sent is to be settled first, or the browser could not be told any more.
    pub(super) fn key_due(&self, sessions: &Sessions, now: Timestamp) -> bool {
        let due = |every| self.base.head.keyed_at.plus(every) <= now;
        let every = sessions.renews_keys();
        let free = self.held.is_some() && !self.interrupted && self.unsettled.is_none() && !self.headers_left;
        free && every.is_some_and(due) && !self.changes.wishes().rotate
    }

    /// Whether the browser holds a key that was replaced, and has not been told the one in its place.
    pub(super) fn untold(&self) -> bool {
        self.replaced && self.announced.is_none()
    }

    /// Whether the browser is to be told what it must hear of the key that it has, or of the one in its place, and somebody has to
    /// look before: by now a login in another tab may have given it another, which nothing may take from it.
    pub(super) fn tells_late(&self) -> bool {
        let unchanged = self.announced.as_ref().is_some_and(|(key, _)| self.presented.as_ref() == Some(key));
        (unchanged || self.untold()) && self.held.is_some() && !self.headers_left
    }

    /// The session as it is stored now, and under which key: another may have taken the place of the one that was held.
    pub(super) fn adopt(&mut self, key: SessionKey, found: Found) {
        if self.held.as_ref().is_some_and(|held| held.key != key) {
            self.replaced = true;
            self.announced = None;
        }
        self.held = Some(Held::new(key, found.id, &found.stored));
        self.rebase(Arc::new(found.content));
    }

    /// What becomes of the browser's cookie, by all that the store has acknowledged.
    pub(super) fn cookie(&self) -> CookieChange {
        match &self.announced {
            Some((key, end)) => CookieChange::Set(key.clone(), *end),
            None if self.ended => CookieChange::Remove,
            None => CookieChange::Keep,
        }
    }

    /// Notes what is about to be sent, so that a flush dooms it and the next commit finds it, should
    /// this one be dropped. Says no if the session it was made for has been flushed, or if the browser
    /// can't be told what it must hear any more.
    pub(super) fn announce(&mut self, draft: &Arc<Draft>) -> bool {
        let current = self.epoch == draft.epoch && !(self.headers_left && draft.must_be_told());
        if current {
            self.unsettled = Some(Arc::clone(draft));
            self.unwanted = false;
        }
        current
    }

    /// Another request has ended the session as it was before a flush of this epoch. Says whether that is news.
    pub(super) fn interrupt(&mut self, epoch: u64) -> bool {
        if self.epoch != epoch {
            return false;
        }
        // Whatever key this request was to announce is dead by now.
        self.announced = None;
        !std::mem::replace(&mut self.interrupted, true)
    }

    /// What is stored is what is shown, and changes that came meanwhile.
    pub(super) fn settle(&mut self, made: u64) {
        self.changes.stored(made);
        self.rebase(Arc::clone(&self.base));
    }

    /// Leaves the session for a fresh one; its record waits to be deleted, and so does what a commit
    /// may be storing at this moment.
    pub(super) fn flush(&mut self, now: Timestamp) {
        self.changes.forget();
        self.start_over(now);
    }

    /// The same, and what waits is of the fresh one.
    pub(super) fn start_over(&mut self, now: Timestamp) {
        let held = self.held.take().map(|held| held.key);
        let sent = self.unsettled.take().map(|draft| draft.key.clone());
        let presented = self.presented.take().is_some();
        for key in held.into_iter().chain(sent) {
            if !self.doomed.iter().any(|doomed| doomed.key == key) {
                self.doomed.push(Doomed { key, presented, content: Arc::clone(&self.base) });
            }
        }
        self.announced = None;
        self.replaced = false;
        self.logged_in = None;
        self.accessed = true;
        self.epoch += 1;
        self.interrupted = false;
        self.rebase(Arc::new(Content::new(now)));
    }

    /// Builds upon what the store turned out to hold.
    pub(super) fn rebase(&mut self, base: Arc<Content>) {
        let before = self.logged_in.as_ref().filter(|entrant| entrant.refused);
        let before = before.and_then(|entrant| entrant.taken_back(&base));
        self.view = before.map_or_else(|| Arc::clone(&base), Arc::new);
        self.base = base;
        if !self.changes.is_empty() {
            self.changes.apply(Arc::make_mut(&mut self.view), self.changes.now());
        }
    }
}
