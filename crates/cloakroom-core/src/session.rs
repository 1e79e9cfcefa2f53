//! A visitor's session within one request.

mod admission;
mod attempts;
mod commit;
mod delivery;
mod draft;
mod ending;
mod entries;
#[cfg(test)]
mod interleavings;
mod login;
mod renewal;
mod state;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::change::Change;
use crate::content::Content;
use crate::{BrowserEnd, Expiry, SessionId, SessionKey, Sessions, Timestamp};

pub(crate) use state::Held;
use state::State;

/// A visitor's session: a map of names to JSON values, with an end and perhaps a user.
///
/// Once loaded it reads and changes without waiting; it *records* what was changed. [`save`] commits
/// that now, [`update`] commits it together with an exact read-modify-write, and an adapter commits
/// the rest when the request ends. A commit never overwrites what another request has stored
/// meanwhile: it applies this request's changes to that.
///
/// A clone is another handle on the same session. No lock is held while your closures or
/// `Serialize` implementations run, so those may use the session too.
///
/// ```
/// use cloakroom_core::{Memory, Sessions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cloakroom_core::Error> {
/// let sessions = Sessions::new(Memory::new());
/// let session = sessions.load(None).await?;
///
/// session.insert("theme", "dark")?;
/// let visits = session.update("visits", |n: &mut u64| *n += 1).await?;
///
/// assert_eq!(visits, 1);
/// assert_eq!(session.names(), ["theme", "visits"]);
/// # Ok(())
/// # }
/// ```
///
/// [`save`]: Session::save
/// [`update`]: Session::update
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    sessions: Sessions,
    state: Mutex<State>,
    /// One request's commits take turns, so that two first ones do not create two records.
    turn: tokio::sync::Mutex<()>,
}

impl Session {
    pub(crate) fn fresh(sessions: Sessions, content: Content) -> Self {
        Self::over(sessions, State::new(None, content))
    }

    /// `presented` is the key that the browser has, which may have been replaced by the one that is held.
    pub(crate) fn loaded(sessions: Sessions, presented: SessionKey, held: Held, content: Content) -> Self {
        let mut state = State::new(Some(held), content);
        state.replaced = state.presented.as_ref() != Some(&presented);
        state.presented = Some(presented);
        Self::over(sessions, state)
    }

    fn over(sessions: Sessions, state: State) -> Self {
        Self(Arc::new(Inner { sessions, state: Mutex::new(state), turn: tokio::sync::Mutex::default() }))
    }

    /// The engine and the rules it lives by.
    pub fn sessions(&self) -> &Sessions {
        &self.0.sessions
    }

    /// The visitor's key, if the session is stored. Where visitors bear their sessions themselves
    /// ([`Addressing::Presented`](crate::Addressing::Presented)) each write makes it another.
    pub fn key(&self) -> Option<SessionKey> {
        self.state().held.as_ref().map(|held| held.key.clone())
    }

    /// The session's name in the store, if it is stored. It tells nothing of the key where the engine is
    /// addressed by a hash; else it is the key itself, and as secret.
    pub fn id(&self) -> Option<SessionId> {
        self.state().held.as_ref().map(|held| held.id.clone())
    }

    /// When the session was first stored, if its [format](crate::SessionBackend::format) keeps that.
    pub fn created_at(&self) -> Option<Timestamp> {
        let state = self.state();
        let known = state.held.is_some() && self.sessions().backend().format().is_none();
        known.then(|| state.view.head.created_at)
    }

    // --- the key

    /// Ends the session: its data is gone now, its record with the next commit, whatever the
    /// response's status. What is inserted afterwards belongs to a new session under a new key.
    pub fn flush(&self) {
        self.state().flush(self.0.sessions.now());
    }

    /// Gives up what was changed and not committed: the session is again what was last stored, or a
    /// fresh one. A flush is not taken back, nor what a commit has sent by now, nor the end of a login that was refused.
    pub fn discard(&self) {
        let mut state = self.state();
        state.unwanted = true;
        let all = state.changes.now();
        state.settle(all);
    }

    /// Gives the session a new key with the next commit; its data stays, the old key is dead at once, also for
    /// requests that are on their way with it.
    pub fn cycle_key(&self) {
        self.state().record(Change::Cycle);
    }

    // --- when it ends

    /// Sets when this session ends: a [`Duration`] after each change, a moment, with the browser, or
    /// [`Expiry::Default`]. Setting it is a change, also to what it was: its time starts anew. One that has
    /// passed ends the session with the next commit.
    pub fn set_expiry(&self, expiry: impl Into<Expiry>) {
        self.state().record(Change::Expire(expiry.into()));
    }

    /// What [`set_expiry`](Session::set_expiry) has set.
    pub fn expiry(&self) -> Expiry {
        self.view().head.expiry
    }

    /// When the session ends if nobody visits any more.
    pub fn expiry_date(&self) -> Timestamp {
        let now = self.0.sessions.now();
        let mut state = self.state();
        state.accessed = true;
        match &state.held {
            Some(held) if !state.waits() => held.expires_at,
            _ => {
                let mut head = state.view.head.clone();
                head.saved_at = now;
                self.0.sessions.options().lifetime.deadline(&head, now)
            }
        }
    }

    /// How long that is from now.
    pub fn expiry_age(&self) -> Duration {
        self.expiry_date().since(self.0.sessions.now())
    }

    /// Whether the browser forgets the session when it closes.
    pub fn expires_at_browser_close(&self) -> bool {
        self.0.sessions.options().lifetime.ends_at_browser_close(self.expiry())
    }

    // --- for adapters

    /// What waits to be committed, and what the browser must be told of what has been.
    pub fn activity(&self) -> Activity {
        let now = self.0.sessions.now();
        let state = self.state();
        let touch =
            |held: &Held| self.0.sessions.options().lifetime.touch(&state.base.head, held.expires_at, now);
        Activity {
            stored: state.held.is_some(),
            ending: !state.doomed.is_empty(),
            changed: state.waits(),
            unsettled: state.unsettled.is_some() || state.logged_in.is_some(),
            touch_due: state.held.as_ref().and_then(touch).is_some(),
            key_due: state.tells_late() || state.key_due(&self.0.sessions, now),
            cookie: state.cookie(),
        }
    }

    /// The response's headers leave now. From here on a commit that would need a new key ends as
    /// `TooLate`: the browser could not be told, and would be left without a session. Where visitors bear
    /// their sessions themselves ([`Addressing::Presented`](crate::Addressing::Presented)) that is every commit,
    /// a logout's and a visit's as well: nothing is acknowledged that the browser does not hear of.
    ///
    /// A commit of another handle may have sent one just before: if [`activity`](Session::activity) is
    /// `unsettled` now, an adapter takes [`finish`](Session::finish) before it writes the headers.
    pub fn headers_left(&self) {
        self.state().headers_left = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        #[cfg(test)]
        cloakroom_interleavings::point();
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session as this request sees it. The lock is released: callers may run any code on it.
    fn view(&self) -> Arc<Content> {
        let mut state = self.state();
        state.accessed = true;
        Arc::clone(&state.view)
    }
}

/// What a request has done to its session: all that an adapter needs to know.
#[non_exhaustive]
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts, in any combination")]
pub struct Activity {
    /// The session has a living record.
    pub stored: bool,
    /// A flush or a logout waits to be committed.
    pub ending: bool,
    /// Changes wait to be committed.
    pub changed: bool,
    /// A commit was sent, by a future that was dropped or is still under way, or its answer was lost.
    pub unsettled: bool,
    /// The idle timeout is on, and this visit moves the deadline by enough to be noted.
    pub touch_due: bool,
    /// Keys are renewed, and the session's is due; or what the browser is to be told of its key has to be looked at once more.
    pub key_due: bool,
    /// What the browser must be told of what the store has acknowledged.
    pub cookie: CookieChange,
}

/// What becomes of the browser's cookie.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum CookieChange {
    /// It stays as it is.
    #[default]
    Keep,
    /// It becomes this key, until then.
    Set(SessionKey, BrowserEnd),
    /// It goes: this request ended its session.
    Remove,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Session")
            .field("stored", &state.held.is_some())
            .field("entries", &state.view.data.entries.len())
            .field("changed", &state.waits())
            .finish_non_exhaustive()
    }
}
