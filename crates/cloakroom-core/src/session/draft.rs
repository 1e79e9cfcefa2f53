//! What a commit sends: a record, under which id, over which revision.

use std::sync::Arc;

use super::Session;
use super::delivery::{Force, Work, ended, interrupted};
use super::renewal::Renewal;
use super::state::Held;
use crate::content::Content;
use crate::expiry::moved;
use crate::{BrowserEnd, Error, ErrorKind, Record, Result, SessionId, SessionKey, Stamp, payload, random};

/// A write, made once and sent until its fate is known.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) content: Arc<Content>,
    /// The last change that is in it.
    pub(super) made: u64,
    /// The session it was made for: a flush begins another.
    pub(super) epoch: u64,
    pub(super) key: SessionKey,
    pub(super) id: SessionId,
    pub(super) record: Record,
    pub(super) verb: Verb,
    /// The end that the browser must hear of once this is stored.
    pub(super) tell: Option<BrowserEnd>,
    /// The visitor bears it: until the browser has it, nothing does.
    pub(super) borne: bool,
    /// Somebody logs in with it.
    pub(super) login: bool,
}

impl Draft {
    /// Whether it gives the session a key that the browser must be told. Its id is fresh then: what is
    /// found under it is its own.
    pub(super) fn issues(&self) -> bool {
        !matches!(self.verb, Verb::Save(_))
    }

    /// Whether it is lost, and the visitor with it, unless the browser hears of it.
    pub(super) fn must_be_told(&self) -> bool {
        self.borne || self.issues()
    }
}

pub(super) fn too_late() -> Error {
    let message = "the response's headers have left: the browser can't be told any more";
    Error::new(ErrorKind::TooLate, message)
}

#[derive(Debug)]
pub(super) enum Verb {
    Create,
    Save(Held),
    Rotate(Held),
}

/// What there is to send.
pub(super) enum Drafted {
    Write(Arc<Draft>),
    /// What is stored is what is wanted.
    Nothing,
    /// This request has set an expiry that has passed: the session was flushed instead.
    Ended,
    /// The session was flushed while the draft was made.
    Overtaken,
}

/// What a draft is made from, taken in one look.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
struct Snapshot {
    base: Arc<Content>,
    content: Content,
    held: Option<Held>,
    made: u64,
    epoch: u64,
    rotate: bool,
    expire: bool,
    marked: bool,
    login: bool,
    /// Of the key that is held.
    renewal: Option<Renewal>,
    /// The browser holds a key that was replaced.
    untold: bool,
    headers_left: bool,
}

impl Session {
    /// What is stored, with this request's changes and `work` done to it; `force` and a renewal store it also where
    /// that changes nothing.
    pub(super) fn draft(
        &self,
        force: Force,
        renewal: Option<&Renewal>,
        work: &mut Work<'_>,
    ) -> Result<Drafted> {
        let snapshot = self.snapshot(renewal)?;
        let Snapshot { base, mut content, held, made, epoch, renewal, headers_left, .. } = snapshot;
        // Outside the lock: this runs the application's own code.
        work(&mut content)?;

        let Snapshot { rotate, expire, marked, .. } = snapshot;
        let changed = match held {
            Some(_) => force != Force::No || rotate || expire || marked || !content.says_the_same(&base),
            None => !content.is_blank(),
        };
        if !changed && renewal.is_none() {
            let mut state = self.state();
            if state.epoch == epoch {
                state.settle(made);
            }
            return Ok(Drafted::Nothing);
        }

        let sessions = self.sessions();
        let now = sessions.now();
        let options = sessions.options();
        if changed {
            content.head.saved_at = now;
        }
        if held.is_none() {
            content.head.created_at = now;
        }
        let deadline = options.lifetime.deadline(&content.head, now);
        if deadline <= now {
            let mut state = self.state();
            if state.epoch != epoch {
                return Ok(Drafted::Overtaken);
            }
            if !changed {
                return Ok(Drafted::Nothing);
            }
            state.flush(now);
            // Asked for, it is done; else it came to pass while the request went on.
            return if expire { Ok(Drafted::Ended) } else { Err(ended()) };
        }
        let borne = sessions.are_presented();
        let rotate = rotate || renewal.is_some();
        let issue = borne || held.is_none() || rotate;
        if issue && headers_left {
            return Err(too_late());
        }
        let end = options.lifetime.browser_end(&content.head, now);
        let wished = issue || expire || force == Force::Tell;
        // What the browser does not hear of any more it is told with a later answer.
        let tell = !headers_left && (wished || snapshot.untold || moved(content.head.told, end, now));
        if tell {
            content.head.told = Some(end);
        }

        let key = match (&held, renewal) {
            (None, _) => sessions.new_key()?,
            (Some(_), Some(renewal)) => renewal.to,
            (Some(held), None) if rotate => held.key.rotated()?,
            (Some(held), None) => held.key.clone(),
        };
        if issue {
            content.head.keyed_at = now;
        }
        let sequence = held.as_ref().map_or(0, |held| held.sequence).saturating_add(1);
        let stamp = Stamp { sequence, nonce: random::number()? };
        let payload = payload::encode(&content, options.payload_limit)?;
        Ok(Drafted::Write(Arc::new(Draft {
            id: key.id(),
            key,
            record: Record::new(payload, deadline, content.owner.clone(), stamp),
            content: Arc::new(content),
            made,
            epoch,
            tell: tell.then_some(end),
            borne,
            login: snapshot.login,
            verb: match held {
                None => Verb::Create,
                Some(held) if rotate => Verb::Rotate(held),
                Some(held) => Verb::Save(held),
            },
        })))
    }

    fn snapshot(&self, renewal: Option<&Renewal>) -> Result<Snapshot> {
        let state = self.state();
        if state.interrupted {
            return Err(interrupted());
        }
        // Another request may have replaced the key that it was made for; and no way may lead to the key of a login.
        let current = |renewal: &&Renewal| state.held.as_ref().is_some_and(|held| held.key == renewal.from);
        let renewal = renewal.filter(current).filter(|_| !state.changes.rotate()).cloned();
        let mut content = (*state.base).clone();
        let made = state.changes.now();
        state.changes.apply(&mut content, made);
        if state.held.is_none() && content.owner.is_none() {
            state.origin.note(&mut content);
        }
        Ok(Snapshot {
            base: Arc::clone(&state.base),
            content,
            held: state.held.clone(),
            made,
            epoch: state.epoch,
            rotate: state.changes.rotate(),
            expire: state.changes.expire(),
            marked: state.changes.marked(),
            login: state.changes.login(),
            renewal,
            untold: state.untold(),
            headers_left: state.headers_left,
        })
    }
}
