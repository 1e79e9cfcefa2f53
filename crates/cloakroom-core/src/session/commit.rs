//! Sending a session's changes to the store: compare-and-swap, and what to do with each answer.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::entries::{check, parse, to_json};
use super::state::Held;
use super::{CookieChange, Session};
use crate::content::Content;
use crate::data::Piece;
use crate::expiry::moved;
use crate::queue::Turn;
use crate::{
    Deleted, Error, ErrorKind, Record, Result, Saved, SessionId, SessionKey, Sessions, Stamp, Stored,
    Timestamp, Touched, Written, payload, random,
};

/// What a commit does to the content besides the recorded changes.
type Work<'w> = dyn FnMut(&mut Content) -> Result<()> + Send + 'w;

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(256);

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
    /// - `TooLarge` over [`SessionOptions::payload_limit`](crate::SessionOptions::payload_limit).
    /// - `TooLate` if the session needs a new key, and the response's headers have left.
    /// - `Unavailable` if it surely was not stored within the time limit, `Unknown` if it may have been.
    ///
    /// After an error the changes still wait.
    pub async fn save(&self) -> Result<()> {
        self.commit(false, &mut |_| Ok(())).await
    }

    /// As [`save`](Session::save), and stores the session also where nothing was changed, so that its
    /// age starts anew and the browser hears of it.
    ///
    /// # Errors
    ///
    /// As [`save`](Session::save).
    pub async fn renew(&self) -> Result<()> {
        self.commit(true, &mut |_| Ok(())).await
    }

    /// Reads the value under `name`, or the type's default, lets `change` change it, and commits it with
    /// what was changed before; returns what was stored. Exact under any parallelism: of a hundred
    /// parallel increments each counts once. `change` may run more than once, on a fresh value each
    /// time; what it captures sees all its runs.
    ///
    /// # Errors
    ///
    /// As [`save`](Session::save); `Mismatch` if the stored value is no `T`, `Invalid` if the new one does
    /// not serialise or the name is reserved. After `Unknown` it may have been counted: do not repeat it.
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
        let mut outcome: Option<Result<T, E>> = None;
        let committed = self
            .commit(false, &mut |content| {
                let mut value =
                    content.data.get(name).map_or_else(|| Ok(T::default()), |json| parse(name, &json))?;
                let changed = change(&mut value);
                let json = to_json(name, &value)?;
                let refused = changed.is_err();
                outcome = Some(changed.map(|()| value));
                if refused {
                    return Err(Error::new(ErrorKind::Invalid, "the change was refused"));
                }
                content.data.set(name, json);
                Ok(())
            })
            .await;
        match (committed, outcome) {
            (_, Some(Err(refused))) => Err(refused),
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()), None) => {
                Err(Error::new(ErrorKind::Unavailable, "the session expired as it was updated").into())
            }
        }
    }

    /// Notes this visit: moves an idle session's deadline, if that moves by a tenth of the idle timeout
    /// or more. The data, its revision and the cookie stay.
    ///
    /// # Errors
    ///
    /// `Unavailable` or `Unknown` if the store does not answer within the time limit.
    pub async fn touch(&self) -> Result<()> {
        let _turn = self.0.turn.lock().await;
        let sessions = self.sessions();
        let Some((held, until)) = ({
            let state = self.state();
            let lifetime = &sessions.options().lifetime;
            state.held.as_ref().and_then(|held| {
                let until = lifetime.touch(&state.base.head, held.expires_at, sessions.now())?;
                Some((held.clone(), until))
            })
        }) else {
            return Ok(());
        };
        let touch = sessions.backend().touch(&held.id, until, &held.revision);
        let touched = sessions.bounded(sessions.options().time_limit, ErrorKind::Unknown, touch).await?;
        if let (Touched::Moved(_), Some(held)) = (touched, &mut self.state().held) {
            held.expires_at = until;
        }
        Ok(())
    }

    /// Deletes the record of a session that was flushed, and commits nothing else. Says whether it was
    /// this request that ended it.
    ///
    /// # Errors
    ///
    /// `Unavailable` or `Unknown` if the store does not answer within the time limit; the delete still
    /// waits then.
    pub async fn end(&self) -> Result<bool> {
        let _turn = self.0.turn.lock().await;
        self.end_doomed(self.sessions().time_limit_from_now()).await
    }

    async fn commit(&self, force: bool, work: &mut Work<'_>) -> Result<()> {
        let _turn = self.0.turn.lock().await;
        let until = self.sessions().time_limit_from_now();
        self.end_doomed(until).await?;
        let mut commit = Commit { session: self, until, force, queue: None, conflicts: 0 };
        commit.run(work).await?;
        // An expiry that had passed has doomed the session instead of saving it.
        self.end_doomed(until).await.map(|_| ())
    }

    async fn end_doomed(&self, until: Timestamp) -> Result<bool> {
        let Some(key) = self.state().doomed.clone() else { return Ok(false) };
        let id = self.sessions().id(&key);
        let mut attempts = Attempts::new(self.sessions(), until);
        let ended = loop {
            // Deleting twice is harmless, so a lost answer is asked for again on any engine.
            match attempts.bound(self.sessions().backend().delete(&id, None)).await {
                Ok(deleted) => break deleted == Deleted::Ended || attempts.lost.is_some(),
                Err(error) => attempts.again(error, true).await?,
            }
        };
        let mut state = self.state();
        state.doomed = None;
        if ended {
            state.cookie = CookieChange::Remove;
        }
        Ok(ended)
    }
}

/// One commit, from its first attempt to its last.
struct Commit<'s> {
    session: &'s Session,
    until: Timestamp,
    /// Store it also where nothing was changed.
    force: bool,
    /// One's place among this process's writers of the session, after the first conflict.
    queue: Option<Turn<'s>>,
    conflicts: u32,
}

/// What is about to be sent.
struct Draft {
    content: Content,
    /// The last change that is in it.
    made: u64,
    key: SessionKey,
    id: SessionId,
    record: Record,
    verb: Verb,
    cookie: Option<CookieChange>,
}

enum Verb {
    Create,
    Save(Held),
    Rotate(Held),
}

impl Commit<'_> {
    async fn run(&mut self, work: &mut Work<'_>) -> Result<()> {
        while let Some(draft) = self.draft(work)? {
            match self.send(&draft).await? {
                Saved::Written(written) => {
                    self.accept(draft, &written);
                    break;
                }
                Saved::Conflict(stored) => self.step_back(&draft, stored).await?,
                // A dead record has the id; the next draft draws another.
                Saved::Gone if matches!(draft.verb, Verb::Create) => {}
                Saved::Gone => {
                    let mut state = self.session.state();
                    state.interrupted = true;
                    // Whatever key this request was to announce is dead by now.
                    state.cookie = CookieChange::Keep;
                    return Err(interrupted());
                }
            }
            if self.sessions().now() >= self.until {
                let message = "other requests kept changing the session";
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
        }
        Ok(())
    }

    /// What to send: what is stored, with this request's changes. None: nothing.
    fn draft(&self, work: &mut Work<'_>) -> Result<Option<Draft>> {
        let (base, held, mut content, made, rotate, expire, user_agent) = {
            let state = self.session.state();
            if state.interrupted {
                return Err(interrupted());
            }
            let mut content = (*state.base).clone();
            let made = state.changes.now();
            state.changes.apply(&mut content, made);
            let (rotate, expire) = (state.changes.rotate(), state.changes.expire());
            (
                Arc::clone(&state.base),
                state.held.clone(),
                content,
                made,
                rotate,
                expire,
                state.user_agent.clone(),
            )
        };
        // Outside the lock: this runs the application's own code.
        work(&mut content)?;

        let idle = match held {
            Some(_) => !self.force && !rotate && content.says_the_same(&base),
            None => content.is_blank(),
        };
        if idle {
            self.session.state().changes.stored(made);
            return Ok(None);
        }

        let now = self.sessions().now();
        let options = self.sessions().options();
        content.head.saved_at = now;
        if held.is_none() {
            content.head.created_at = now;
            content.head.user_agent = content.head.user_agent.or(user_agent.map(Piece::Own));
        }
        let deadline = options.lifetime.deadline(&content.head, now);
        if deadline <= now {
            self.session.state().flush(now);
            return Ok(None);
        }
        let end = options.lifetime.browser_end(&content.head, now);
        let issue = held.is_none() || rotate;
        if issue && self.session.state().headers_left {
            let message = "the response's headers have left: the browser can't be given a new key";
            return Err(Error::new(ErrorKind::TooLate, message));
        }
        let tell = issue || expire || self.force || moved(content.head.told, end, now);
        if tell {
            content.head.told = Some(end);
        }

        let key = match &held {
            None => SessionKey::generate()?,
            Some(held) if rotate => held.key.rotated()?,
            Some(held) => held.key.clone(),
        };
        let sequence = held.as_ref().map_or(0, |held| held.sequence) + 1;
        let stamp = Stamp { sequence, nonce: random::number()? };
        let payload = payload::encode(&content, options.payload_limit)?;
        Ok(Some(Draft {
            made,
            id: self.sessions().id(&key),
            record: Record::new(payload, deadline, content.owner.clone(), stamp),
            cookie: tell.then(|| CookieChange::Set(key.clone(), end)),
            key,
            content,
            verb: match held {
                None => Verb::Create,
                Some(held) if rotate => Verb::Rotate(held),
                Some(held) => Verb::Save(held),
            },
        }))
    }

    /// Sends a draft until its fate is known. It keeps its stamp, so a lost answer is asked for again
    /// where the engine can tell what it has stored.
    async fn send(&self, draft: &Draft) -> Result<Saved> {
        let backend = self.sessions().backend();
        let (id, record) = (&draft.id, &draft.record);
        let mut attempts = Attempts::new(self.sessions(), self.until);
        loop {
            let sent = match &draft.verb {
                Verb::Create => backend.create(id, record),
                Verb::Save(held) => backend.save(id, record, &held.revision),
                Verb::Rotate(held) => backend.rotate(&held.id, id, record, &held.revision),
            };
            match attempts.bound(sent).await {
                // Somebody has written since: whether over our own write, nobody can tell.
                Ok(Saved::Conflict(_)) if attempts.lost.is_some() => return Err(attempts.given_up()),
                Ok(saved) => return Ok(saved),
                Err(error) => attempts.again(error, self.sessions().recognises_own_write()).await?,
            }
        }
    }

    fn accept(&mut self, draft: Draft, written: &Written) {
        let Draft { content, made, mut key, mut id, record, cookie, .. } = draft;
        if let Some(turn) = &mut self.queue {
            *turn.latest = Some(Stored::new(record.clone(), written.revision.clone()));
        }
        if let Some(shown) = written.present.as_deref().and_then(|shown| self.sessions().key(shown)) {
            id = self.sessions().id(&shown);
            key = shown;
        }
        let mut state = self.session.state();
        match (cookie, &written.present) {
            (Some(CookieChange::Set(_, end)), _) => state.cookie = CookieChange::Set(key.clone(), end),
            (_, Some(_)) => {
                let end =
                    self.sessions().options().lifetime.browser_end(&content.head, self.sessions().now());
                state.cookie = CookieChange::Set(key.clone(), end);
            }
            _ => {}
        }
        let stored = Stored::new(record, written.revision.clone());
        state.held = Some(Held::new(key, id, &stored));
        state.changes.stored(made);
        state.rebase(content);
    }

    /// After a conflict: build upon what is there now, and get in line with the other writers.
    async fn step_back(&mut self, draft: &Draft, stored: Stored) -> Result<()> {
        let (Verb::Save(held) | Verb::Rotate(held)) = &draft.verb else {
            // The id was taken; the next draft draws another.
            return Ok(());
        };
        self.rebase(&stored)?;
        // Somebody has just stored it: that is as good as storing it again.
        self.force = false;
        self.conflicts += 1;
        if self.queue.is_some() {
            // In line already: this was another process. Make room, a random while.
            let pause = Duration::from_micros(random::number()? % (1_000 << self.conflicts.min(8)));
            self.sessions().options().clock.sleep(pause).await;
            return Ok(());
        }
        let limit = self.until.since(self.sessions().now());
        let enter = async { Ok(self.session.sessions().queues().enter(&held.id).await) };
        let turn = self.sessions().bounded(limit, ErrorKind::Unavailable, enter).await?;
        let newer =
            turn.latest.as_ref().filter(|latest| latest.record.stamp.sequence > stored.record.stamp.sequence);
        if let Some(latest) = newer.cloned() {
            self.rebase(&latest)?;
        }
        self.queue = Some(turn);
        Ok(())
    }

    fn rebase(&self, stored: &Stored) -> Result<()> {
        let content = payload::decode(&stored.record.payload, stored.record.owner.clone())?;
        let mut state = self.session.state();
        if let Some(held) = &mut state.held {
            *held = Held::new(held.key.clone(), held.id.clone(), stored);
        }
        state.rebase(content);
        Ok(())
    }

    fn sessions(&self) -> &Sessions {
        self.session.sessions()
    }
}

/// The attempts at one step, until a moment: whether an answer was lost, and how long to pause.
struct Attempts<'s> {
    sessions: &'s Sessions,
    until: Timestamp,
    lost: Option<Error>,
    made: u32,
}

impl<'s> Attempts<'s> {
    fn new(sessions: &'s Sessions, until: Timestamp) -> Self {
        Self { sessions, until, lost: None, made: 0 }
    }

    async fn bound<T>(&self, step: impl Future<Output = Result<T>>) -> Result<T> {
        let limit = self.until.since(self.sessions.now());
        self.sessions.bounded(limit, ErrorKind::Unknown, step).await
    }

    /// Returns when it is worth trying again, else the error to report. Only a lost answer is: what
    /// surely was not done is the caller's to repeat.
    async fn again(&mut self, error: Error, repeatable: bool) -> Result<()> {
        match error.kind() {
            ErrorKind::Unknown => self.lost = Some(error),
            ErrorKind::Unavailable if self.lost.is_some() => {}
            _ => return Err(error),
        }
        let pause = LONGEST_PAUSE.min(Duration::from_millis(10 * u64::from(self.made)));
        if !repeatable || self.sessions.now().plus(pause) >= self.until {
            return Err(self.given_up());
        }
        self.made += 1;
        if !pause.is_zero() {
            self.sessions.options().clock.sleep(pause).await;
        }
        Ok(())
    }

    fn given_up(&self) -> Error {
        self.lost.clone().unwrap_or_else(|| Error::new(ErrorKind::Unknown, "the store's answer was lost"))
    }
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "another request has ended this session; nothing was stored")
}
