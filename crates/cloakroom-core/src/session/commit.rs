//! The ways to the store: save, update, and what adapters call when a handler has answered.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::{Instrument as _, Span};

use super::Session;
use super::delivery::{Commit, Committed, Force, Work, ended};
use super::draft::too_late;
use super::entries::{check, parse, to_json};
use super::state::Held;
use crate::expiry::Touch;
use crate::{Error, ErrorKind, Result, Timestamp, Touched, notice};

impl Session {
    /// Commits what was changed so far, now. Without changes, and for a visitor with nothing to
    /// remember, nothing is sent.
    ///
    /// What another request has stored since the load is kept: this request's changes are applied to
    /// it, and its own value wins only where both have set the same name.
    ///
    /// # Errors
    ///
    /// - `Interrupted` if another request has ended the session: nothing is stored.
    /// - `TooManySessions` if this commits a login beyond
    ///   [`SessionOptions::login_limit`](crate::SessionOptions::login_limit); `Unsupported` if there is such a limit, and the engine
    ///   has no index.
    /// - `TooLarge` over [`SessionOptions::payload_limit`](crate::SessionOptions::payload_limit).
    /// - `TooLate` if the session needs a new key, and the response's headers have left; on an engine that
    ///   issues what visitors present, each commit does.
    /// - `Unavailable` if it surely was not stored within the time limit: the changes still wait.
    /// - `Unknown` if it may have been stored: the next commit finds out where the engine can tell,
    ///   and never applies it a second time.
    ///
    /// # Cancellation
    ///
    /// If the future is dropped, it may have been stored. The next commit of this session finds out, as
    /// after `Unknown`. What an adapter commits when a handler has answered goes on in a task.
    pub async fn save(&self) -> Result<()> {
        self.commit(Force::No, &mut |_| Ok(())).await.map(|_| ())
    }

    /// As [`save`](Session::save), and stores the session also where nothing was changed, so that its
    /// age starts anew and the browser hears of it.
    ///
    /// # Errors
    ///
    /// As [`save`](Session::save).
    pub async fn refresh(&self) -> Result<()> {
        self.commit(Force::Tell, &mut |_| Ok(())).await.map(|_| ())
    }

    /// Looks at what is stored now: what other requests have changed since is seen, below this request's own changes that
    /// wait. For what goes on for long: a stream, a WebSocket, a task in the background. What was sent and has lost its answer
    /// is settled first.
    ///
    /// # Errors
    ///
    /// `Interrupted` if the session has ended, `Unavailable` if the store does not answer, `Unknown` if what was sent
    /// before may be stored and nobody can tell, `TooManySessions` if that was a login beyond the limit; what is stored but does
    /// not decode is `Corrupt`.
    pub async fn reload(&self) -> Result<()> {
        let span = notice::reload();
        let work = async {
            let until = self.sessions().time_limit_from_now();
            let _turn = self.turn(until).await?;
            Commit::new(self, until, Force::No, &span).reload().await
        };
        let done = work.instrument(span.clone()).await;
        notice::end(&span, done)
    }

    /// Reads the value under `name`, or the type's default, lets `change` change it, and commits it with
    /// what was changed before; returns what was stored. Exact under any parallelism: of a hundred
    /// parallel increments each counts once. `change` may run more than once, on a fresh value each
    /// time; what it captures sees all its runs.
    ///
    /// # Errors
    ///
    /// As [`save`](Session::save); `Mismatch` if the stored value is no `T`, `Invalid` if the new one does
    /// not serialise or the name is reserved, `Interrupted` if an expiry that has passed ends the session.
    /// After `Unknown` it may have been counted: do not repeat it.
    ///
    /// # Cancellation
    ///
    /// As [`save`](Session::save).
    pub async fn update<T, F>(&self, name: &str, mut change: F) -> Result<T>
    where
        T: Default + DeserializeOwned + Serialize + Send,
        F: FnMut(&mut T) + Send,
    {
        self.try_update(name, |value| {
            change(value);
            Ok::<(), Error>(())
        })
        .await
    }

    /// As [`update`](Session::update), with a change that can refuse: its error is returned, and
    /// the value stays what it was.
    ///
    /// The error type must be named, as in `Err(SoldOut)`: a bare `?` inside the closure leaves it open.
    ///
    /// # Errors
    ///
    /// As [`update`](Session::update), converted to `E`; and whatever `change` returns.
    pub async fn try_update<T, E, F>(&self, name: &str, mut change: F) -> Result<T, E>
    where
        T: Default + DeserializeOwned + Serialize + Send,
        E: From<Error> + Send,
        F: FnMut(&mut T) -> Result<(), E> + Send,
    {
        check(name)?;
        let mut refused = None;
        let mut stored = None;
        let committed = self
            .commit(Force::No, &mut |content| {
                let known = content.data.get(name);
                let mut value = known.map_or_else(|| Ok(T::default()), |json| parse(name, &json))?;
                if let Err(refusal) = change(&mut value) {
                    refused = Some(refusal);
                    return Err(Error::new(ErrorKind::Invalid, "the change was refused"));
                }
                content.data.set(name, to_json(name, &value)?);
                stored = Some(value);
                Ok(())
            })
            .await;
        if let Some(refusal) = refused {
            return Err(refusal);
        }
        match committed? {
            Committed::Done => stored.ok_or_else(|| ended().into()),
            Committed::Ended => Err(ended().into()),
        }
    }

    /// Notes this visit: moves an idle session's deadline, if that moves by a tenth of the idle timeout
    /// or more, or for the last time. The data, its revision and the cookie stay, unless the visitor bears
    /// the session ([`Addressing::Presented`](crate::Addressing::Presented)): then it is a new cookie. A
    /// deadline that was stored when there was no idle timeout yet is brought nearer, by a save.
    ///
    /// # Errors
    ///
    /// `Unavailable` or `Unknown` if the store does not answer within the time limit; `TooLate` if it is a
    /// new cookie, and the response's headers have left.
    pub async fn touch(&self) -> Result<()> {
        let span = notice::touch();
        let done = self.note_visit(&span).instrument(span.clone()).await;
        notice::end(&span, done)
    }

    async fn note_visit(&self, span: &Span) -> Result<()> {
        let sessions = self.sessions();
        let until = sessions.time_limit_from_now();
        let _turn = self.turn(until).await?;
        let due = {
            let state = self.state();
            let touch = |held: &Held| {
                let touch =
                    sessions.options().lifetime.touch(&state.base.head, held.expires_at, sessions.now());
                Some((held.clone(), touch?))
            };
            state.held.as_ref().and_then(touch)
        };
        let Some((held, touch)) = due else { return Ok(()) };
        let Touch::Later(deadline) = touch else {
            return Commit::new(self, until, Force::Quiet, span).run(&mut |_| Ok(())).await.map(|_| ());
        };
        let touch = sessions.backend().touch(&held.id, deadline, &held.revision);
        let touched = sessions.bounded(sessions.left(until), ErrorKind::Unknown, touch).await?;
        let Touched::Moved(written) = touched else { return Ok(()) };
        let issued = sessions.issued(&written)?;
        let mut state = self.state();
        let end = sessions.options().lifetime.browser_end(&state.base.head, sessions.now());
        if issued.is_some() && state.headers_left {
            return Err(too_late());
        }
        let Some(seen) = state.held.as_mut().filter(|seen| seen.revision == held.revision) else {
            return Ok(());
        };
        seen.expires_at = deadline;
        if let Some(key) = issued {
            seen.id = key.id();
            seen.key = key.clone();
            state.announced = Some((key, end));
        }
        Ok(())
    }

    /// Commits nothing more: for adapters, where a handler failed. What was flushed is deleted, and what
    /// was sent by now, its answer lost or on its way, is looked for, so that the browser hears of it. If that was a login
    /// beyond the limit, what it must come to is done as well. Says whether it was this request that ended the session.
    ///
    /// # Errors
    ///
    /// `Unavailable` or `Unknown` if the store does not answer within the time limit; what waited still
    /// waits then.
    pub async fn finish(&self) -> Result<bool> {
        let span = notice::commit();
        let work = async {
            let until = self.sessions().time_limit_from_now();
            let _turn = self.turn(until).await?;
            let mut commit = Commit::new(self, until, Force::No, &span);
            // What can't be found out changes nothing about a failure that is told anyway.
            let _ = commit.settle(false).await;
            let _ = commit.make_room().await;
            commit.end_doomed().await?;
            Ok(commit.ended)
        };
        let done = work.instrument(span.clone()).await;
        notice::end(&span, done)
    }

    /// The same, and what was sent is sent again where that tells what became of it.
    pub(crate) async fn settle(&self) -> Result<bool> {
        let span = notice::commit();
        let work = async {
            let until = self.sessions().time_limit_from_now();
            let _turn = self.turn(until).await?;
            let mut commit = Commit::new(self, until, Force::No, &span);
            commit.settle(true).await?;
            commit.end_doomed().await?;
            Ok(commit.ended)
        };
        let done = work.instrument(span.clone()).await;
        notice::end(&span, done)
    }

    async fn commit(&self, force: Force, work: &mut Work<'_>) -> Result<Committed> {
        let span = notice::commit();
        let work = async {
            let until = self.sessions().time_limit_from_now();
            let _turn = self.turn(until).await?;
            let committed = Commit::new(self, until, force, &span).run(work).await?;
            if self.state().untold() {
                // Nothing was written that would have told it. What can't be looked at now the next request tells.
                let _ = self.tell_key(until).await;
            }
            Ok(committed)
        };
        let done = work.instrument(span.clone()).await;
        notice::end(&span, done)
    }

    /// One request's commits take turns, so that two first ones do not create two records.
    pub(super) async fn turn(&self, until: Timestamp) -> Result<tokio::sync::MutexGuard<'_, ()>> {
        let turn = async { Ok(self.0.turn.lock().await) };
        self.sessions().bounded(self.sessions().left(until), ErrorKind::Unavailable, turn).await
    }
}
