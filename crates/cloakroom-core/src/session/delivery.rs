//! One commit, from its first attempt to its last: compare-and-swap, and what to do with each answer.

use std::sync::Arc;
use std::time::Duration;

use tracing::Span;

use super::Session;
use super::admission::Entrant;
use super::attempts::{Attempts, lost};
use super::draft::{Draft, Drafted, Verb};
use super::ending::tell_interruption;
use super::renewal::Renewal;
use super::state::Held;
use crate::content::Content;
use crate::notice::{self, Tally};
use crate::queue::Turn;
use crate::{Error, ErrorKind, Read, Result, Saved, Sessions, Stored, Timestamp, Written, random};

/// What a commit does to the content besides the recorded changes.
pub(super) type Work<'w> = dyn FnMut(&mut Content) -> Result<()> + Send + 'w;

/// Whether a session is stored that was not changed.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Force {
    No,
    /// Stored, and the browser hears nothing of it.
    Quiet,
    /// Stored, and the browser hears of its end.
    Tell,
}

/// How a commit ended.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Committed {
    /// What was wanted is stored.
    Done,
    /// The expiry that this request has set had passed: the session was ended instead.
    Ended,
}

/// How often a commit begins anew because the session was flushed under its hands. Whoever flushes it
/// in an update's closure does so each time.
const MOST_FLUSHES: u32 = 8;

/// How many new ids a commit finds taken. With keys at random not even one ever is.
const MOST_TAKEN: u32 = 3;

pub(super) struct Commit<'s> {
    pub(super) session: &'s Session,
    pub(super) until: Timestamp,
    force: Force,
    /// One's place among this process's writers of the session, after the first conflict.
    queue: Option<Turn<'s>>,
    conflicts: u32,
    tally: Tally,
    /// It has ended a session, by a flush or since a login was taken back.
    pub(super) ended: bool,
}

impl<'s> Commit<'s> {
    /// What it takes is told in `span`.
    pub(super) fn new(session: &'s Session, until: Timestamp, force: Force, span: &Span) -> Self {
        let tally = Tally::new(span);
        Self { session, until, force, queue: None, conflicts: 0, tally, ended: false }
    }

    pub(super) async fn run(&mut self, work: &mut Work<'_>) -> Result<Committed> {
        self.settle(true).await?;
        self.make_room().await?;
        let mut flushes = 0;
        loop {
            self.end_doomed().await?;
            let drafted = self.session.draft(self.force, work);
            match drafted {
                Ok(Drafted::Write(draft)) => {
                    self.admit(&draft).await?;
                    if self.session.state().announce(&draft) {
                        if self.deliver(&draft, None).await? {
                            self.make_room().await?;
                            return self.end_doomed().await.map(|()| Committed::Done);
                        }
                    } else {
                        flushes += 1;
                    }
                }
                Ok(Drafted::Overtaken) => flushes += 1,
                Ok(Drafted::Nothing) => return Ok(Committed::Done),
                Ok(Drafted::Ended) => return self.end_doomed().await.map(|()| Committed::Ended),
                Err(error) => {
                    // An end that has passed has doomed the session.
                    self.end_doomed().await?;
                    return Err(error);
                }
            }
            if flushes == MOST_FLUSHES {
                self.end_doomed().await?;
                return Err(ended());
            }
            if self.sessions().now() >= self.until {
                return Err(kept_changing());
            }
        }
    }

    /// Stores what is stored under another key, and changes nothing else.
    pub(super) async fn renew(&mut self, renewal: &Renewal) -> Result<()> {
        while let Drafted::Write(draft) = self.session.draft_renewal(renewal)? {
            let announced = self.session.state().announce(&draft);
            if !announced || self.deliver(&draft, None).await? || self.sessions().now() >= self.until {
                break;
            }
        }
        Ok(())
    }

    /// Finds out what became of an earlier commit whose answer was lost, or whose future was dropped.
    /// Sending it once more tells for sure; but what nobody wants any more, or what the browser could
    /// not be told, is only looked for.
    pub(super) async fn settle(&mut self, send: bool) -> Result<()> {
        let (draft, send) = {
            let mut state = self.session.state();
            let Some(draft) = state.unsettled.clone() else { return Ok(()) };
            if draft.borne {
                // What did not come back never came to be: its changes wait for the next draft.
                state.unsettled = None;
                return Ok(());
            }
            let send = send && !state.unwanted && !(state.headers_left && draft.issues());
            (draft, send && self.sessions().recognises_own_write())
        };
        if send {
            return self.deliver(&draft, Some(lost())).await.map(|_| ());
        }
        let look = self.sessions().backend().load(&draft.id, Read::Latest);
        let left = self.sessions().left(self.until);
        let there = match self.sessions().bounded(left, ErrorKind::Unavailable, look).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                self.give_up(&draft);
                return Err(self.unreadable(&draft, &error));
            }
            there => there?,
        };
        let wanted = !self.session.state().unwanted;
        match there {
            Some(there) if draft.issues() || there.record.stamp == draft.record.stamp => {
                self.accept(&draft, &Written::at(there.revision))
            }
            there => {
                if there.is_none() && !draft.issues() {
                    self.follow_or_end(&draft).await?;
                }
                self.give_up(&draft);
                if let Some(there) = there {
                    self.rebase(&draft, &there)?;
                }
                if wanted { Err(lost()) } else { Ok(()) }
            }
        }
    }

    /// Sends a draft, and says whether it is stored. If not, the next draft builds upon what is there.
    pub(super) async fn deliver(&mut self, draft: &Draft, earlier: Option<Error>) -> Result<bool> {
        let answer = self.send(draft, earlier).await;
        {
            let mut state = self.session.state();
            let came_to_nothing = match &answer {
                // It stays unsettled until it is accepted: who looks in between, for what the headers must say or
                // what a flush must end, would find neither.
                Ok(Saved::Written(_)) => false,
                Ok(_) => true,
                Err(error) => error.kind() != ErrorKind::Unknown,
            };
            if came_to_nothing && state.epoch == draft.epoch {
                state.unsettled = None;
            }
        }
        match answer {
            Ok(Saved::Written(written)) => self.accept(draft, &written).map(|()| true),
            _ if self.session.state().epoch != draft.epoch => Ok(false),
            Ok(Saved::Conflict(stored)) => self.step_back(draft, &stored).await.map(|()| false),
            // The id was taken, or nothing came of it; the next draft draws another. Once: what keeps
            // losing creates is in trouble, and each may still arrive.
            Ok(Saved::Gone) if matches!(draft.verb, Verb::Create) => {
                self.conflicts += 1;
                if self.conflicts > 1 {
                    self.give_up(draft);
                    return Err(lost());
                }
                Ok(false)
            }
            Ok(Saved::Gone) => {
                self.follow_or_end(draft).await?;
                // Those in line for the old key have nothing to do with the new one.
                self.queue = None;
                if self.session.state().interrupted { Err(interrupted()) } else { Ok(false) }
            }
            Err(error) if error.kind() == ErrorKind::Corrupt => Err(self.unreadable(draft, &error)),
            Err(error) => Err(error),
        }
    }

    /// Sends a draft until its fate is known. It keeps its stamp, so a lost answer is asked for again
    /// where the engine can tell what it has stored; a fresh id tells it on any engine.
    async fn send(&mut self, draft: &Draft, lost: Option<Error>) -> Result<Saved> {
        let backend = self.sessions().backend();
        let recognises = self.sessions().recognises_own_write();
        let (id, record) = (&draft.id, &draft.record);
        let mut attempts = Attempts::new(self.sessions(), self.until);
        attempts.lost = lost;
        loop {
            let again = attempts.lost.is_some();
            // Creating it once more might bring back what was ended meanwhile: ask, do not insert.
            let look = again && draft.issues() && (!recognises || matches!(draft.verb, Verb::Create));
            let answer = if look {
                let there = attempts.bound(backend.load(id, Read::Latest)).await;
                there.map(|there| {
                    there.map_or(Saved::Gone, |there| Saved::Written(Written::at(there.revision)))
                })
            } else {
                self.tally.attempts += 1;
                self.tally.bytes = record.payload.len();
                match &draft.verb {
                    Verb::Create => attempts.bound(backend.create(id, record)).await,
                    Verb::Save(held) => attempts.bound(backend.save(id, record, &held.revision)).await,
                    Verb::Rotate(held) => {
                        attempts.bound(backend.rotate(&held.id, id, record, &held.revision)).await
                    }
                }
            };
            match answer {
                Ok(Saved::Written(written)) => return Ok(Saved::Written(written)),
                // At our own sequence somebody took our place: ours was never stored.
                Ok(Saved::Conflict(there)) if there.record.stamp.sequence == record.stamp.sequence => {
                    return Ok(Saved::Conflict(there));
                }
                Ok(saved) if !again => return Ok(saved),
                // Nobody could have ended it: it holds no login to revoke, and its key was never told.
                Ok(Saved::Gone) if matches!(draft.verb, Verb::Create) && record.owner.is_none() => {
                    return Ok(Saved::Gone);
                }
                // Somebody has written or ended it since. Ours may lie under that, and nobody can tell.
                Ok(saved) => {
                    if saved == Saved::Gone && (!draft.issues() || draft.renews) {
                        // What can't be looked at now will be, by whoever asks next.
                        let _ = self.follow_or_end(draft).await;
                    }
                    self.give_up(draft);
                    return Err(attempts.given_up());
                }
                Err(error) => {
                    let passing = matches!(error.kind(), ErrorKind::Unknown | ErrorKind::Unavailable);
                    if let Err(error) = attempts.again(error, recognises || draft.issues()).await {
                        let tells = recognises || draft.issues();
                        if error.kind() == ErrorKind::Unknown && !(passing && tells) {
                            self.give_up(draft);
                        }
                        return Err(error);
                    }
                }
            }
        }
    }

    /// What may have been stored is never applied again: its changes are reported and forgotten.
    fn give_up(&self, draft: &Draft) {
        let mut state = self.session.state();
        if state.epoch == draft.epoch {
            state.unsettled = None;
            state.settle(draft.made);
        }
    }

    fn accept(&mut self, draft: &Draft, written: &Written) -> Result<()> {
        let stored = Stored::new(draft.record.clone(), written.revision.clone());
        if let Some(turn) = &mut self.queue {
            // After a rotation whoever is next in line holds a dead key, and must not see this.
            *turn.latest = matches!(draft.verb, Verb::Save(_)).then(|| stored.clone());
        }
        let issued = self.sessions().issued(written);
        let mut state = self.session.state();
        if state.epoch != draft.epoch {
            // Flushed meanwhile: that has doomed this key as well.
            return issued.map(|_| ());
        }
        state.unsettled = None;
        let (key, id) = match issued? {
            Some(key) => (key.clone(), key.id()),
            None => (draft.key.clone(), draft.id.clone()),
        };
        if draft.renews {
            state.replaced = true;
            state.announced = None;
        } else if let Some(end) = draft.tell {
            state.announced = Some((key.clone(), end));
        }
        if draft.login && self.sessions().options().login_limit.is_some() {
            let before = Arc::clone(&state.base);
            state.logged_in = draft.record.owner.clone().map(|user| Entrant::new(user, before));
        }
        state.held = Some(Held::new(key, id, &stored));
        state.changes.stored(draft.made);
        state.rebase(Arc::clone(&draft.content));
        Ok(())
    }

    /// After a conflict: build upon what is there now, and get in line with the other writers.
    async fn step_back(&mut self, draft: &Draft, stored: &Stored) -> Result<()> {
        let (Verb::Save(held) | Verb::Rotate(held)) = &draft.verb else {
            // The id was taken; the next draft draws another. Where that is taken as well, no other would be free.
            self.conflicts += 1;
            if self.conflicts == MOST_TAKEN {
                let message = "the session store says of every new id that it is taken";
                return Err(Error::new(ErrorKind::Unavailable, message));
            }
            return Ok(());
        };
        self.rebase(draft, stored)?;
        // Somebody has just stored it: that is as good as storing it again.
        self.force = Force::No;
        self.conflicts += 1;
        self.tally.conflicts += 1;
        notice::conflict();
        if self.queue.is_some() {
            // In line already: this was another process. Make room, a random while.
            let pause = Duration::from_micros(random::number()? % (1_000 << self.conflicts.min(8)));
            self.sessions().options().clock.sleep(pause).await;
            return Ok(());
        }
        let limit = self.sessions().left(self.until);
        let enter = async { Ok(self.session.sessions().queues().enter(&held.id).await) };
        let turn = self.sessions().bounded(limit, ErrorKind::Unavailable, enter).await?;
        let newer =
            turn.latest.as_ref().filter(|latest| latest.record.stamp.sequence > stored.record.stamp.sequence);
        if let Some(latest) = newer {
            self.rebase(draft, latest)?;
        }
        self.queue = Some(turn);
        Ok(())
    }

    fn rebase(&self, draft: &Draft, stored: &Stored) -> Result<()> {
        let content = self.sessions().decode(stored).map_err(|error| self.unreadable(draft, &error))?;
        let mut state = self.session.state();
        if state.epoch != draft.epoch {
            return Ok(());
        }
        if let Some(held) = &mut state.held {
            *held = Held::new(held.key.clone(), held.id.clone(), stored);
        }
        state.rebase(Arc::new(content));
        Ok(())
    }

    /// What is there now does not decode: nothing of ours may go over it.
    pub(super) fn unreadable(&self, draft: &Draft, error: &Error) -> Error {
        notice::unreadable(error, "its changes are dropped");
        let news = self.session.state().interrupt(draft.epoch);
        tell_interruption(news);
        interrupted()
    }

    pub(super) fn sessions(&self) -> &'s Sessions {
        self.session.sessions()
    }
}

pub(super) fn ended() -> Error {
    Error::new(ErrorKind::Interrupted, "the session's end has passed meanwhile; nothing was stored")
}

pub(super) fn kept_changing() -> Error {
    Error::new(ErrorKind::Unavailable, "other requests kept changing the session")
}

pub(super) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "another request has ended this session; nothing was stored")
}
