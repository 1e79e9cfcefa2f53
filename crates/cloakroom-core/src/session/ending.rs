//! Sessions that end under a commit's hands: by its own request's flush, by another request, or not at all, since their
//! key was renewed.

use super::attempts::Attempts;
use super::delivery::{Commit, interrupted};
use super::draft::{Draft, Verb, too_late};
use super::state::Doomed;
use crate::{Deleted, ErrorKind, Read, Result, notice};

impl Commit<'_> {
    /// Deletes the records of sessions that were flushed, and notes whether that ended one.
    pub(super) async fn end_doomed(&mut self) -> Result<()> {
        loop {
            // In the order they were doomed: should a rotation still be on its way, its source goes first, and
            // it finds nothing to rotate.
            let Some(doomed) = self.session.state().doomed.first().cloned() else { return Ok(()) };
            let id = doomed.key.id();
            let mut attempts = Attempts::new(self.sessions(), self.until);
            let deleted = loop {
                // Deleting twice is harmless, so a lost answer is asked for again on any engine.
                match attempts.bound(self.sessions().backend().delete(&id, None)).await {
                    Ok(deleted) => break deleted,
                    Err(error) => attempts.again(error, true).await?,
                }
            };
            let mut gone = deleted == Deleted::Ended;
            if deleted == Deleted::Absent {
                // Another request may have renewed its key: what is meant is the session.
                if let Some(key) = self.sessions().renewed(&doomed.key, self.until).await? {
                    let mut state = self.session.state();
                    state.doomed.retain(|other| other.key != doomed.key);
                    state.doomed.push(Doomed { key, ..doomed });
                    continue;
                }
                gone = self.sessions().end_renewed(&id, &doomed.content).await?;
            }
            let mut state = self.session.state();
            // A session that the visitor bears ends where the browser lets go of it, if it can still be told.
            if state.headers_left && self.sessions().are_presented() {
                return Err(too_late());
            }
            state.doomed.retain(|other| other.key != doomed.key);
            // A lost answer may have been ours as well; then the browser keeps a dead key, which is better
            // than to take a living one from it.
            if gone {
                self.ended = true;
                state.ended |= doomed.presented;
            }
        }
    }

    /// What a draft was to replace is not there: its key was renewed, and the session goes on under another, or
    /// another request has ended it.
    pub(super) async fn follow_or_end(&self, draft: &Draft) -> Result<()> {
        let (Verb::Save(held) | Verb::Rotate(held)) = &draft.verb else { return Ok(()) };
        let found = match self.sessions().follow(&held.key, Read::Latest, self.until).await {
            Err(error) if error.kind() == ErrorKind::Corrupt => return Err(self.unreadable(draft, &error)),
            found => found?,
        };
        let mut state = self.session.state();
        match found {
            Some((key, found)) if state.epoch == draft.epoch => {
                state.adopt(key, found);
            }
            Some(_) => {}
            None => {
                let news = state.interrupt(draft.epoch);
                drop(state);
                tell_interruption(news);
            }
        }
        Ok(())
    }

    /// Builds upon what is stored now.
    pub(super) async fn reload(&mut self) -> Result<()> {
        self.settle(true).await?;
        self.make_room().await?;
        let (held, epoch) = {
            let state = self.session.state();
            if state.interrupted {
                return Err(interrupted());
            }
            (state.held.clone(), state.epoch)
        };
        let Some(held) = held else { return Ok(()) };
        let sessions = self.sessions();
        let found = match sessions.find(&held.key, Read::Latest, self.until).await? {
            Some(found) => Some((held.key, found)),
            None => sessions.follow(&held.key, Read::Latest, self.until).await?,
        };
        let mut state = self.session.state();
        if state.epoch != epoch {
            // Flushed meanwhile: it is another session that is read and changed now.
            return Ok(());
        }
        let Some((key, found)) = found else {
            let news = state.interrupt(epoch);
            drop(state);
            tell_interruption(news);
            return Err(interrupted());
        };
        state.adopt(key, found);
        Ok(())
    }
}

/// Told once, by whoever finds out: what the handle is asked for afterwards fails without a look at the store. The state's
/// lock is not held, since whoever listens may be the application.
pub(super) fn tell_interruption(news: bool) {
    if news {
        notice::interrupted();
    }
}
