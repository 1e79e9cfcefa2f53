//! What a commit sends: a record, under which id, over which revision.

use std::sync::Arc;

use super::Session;
use super::admission::Entrant;
use super::delivery::{Force, Work, ended, interrupted};
use super::renewal::Renewal;
use super::state::Held;
use crate::change::Wishes;
use crate::content::Content;
use crate::expiry::moved;
use crate::{BrowserEnd, Error, ErrorKind, Record, Result, SessionId, SessionKey, Stamp, Timestamp, random};

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
    /// Somebody logs in with it, who was not logged in before.
    pub(super) login: bool,
    /// It renews the key: somebody may have followed there by the time that this is known.
    pub(super) renews: bool,
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
struct Snapshot {
    base: Arc<Content>,
    content: Content,
    held: Option<Held>,
    made: u64,
    epoch: u64,
    wishes: Wishes,
    /// The browser holds a key that was replaced.
    untold: bool,
    headers_left: bool,
}

/// What is to be written, under which key.
#[expect(clippy::struct_excessive_bools, reason = "independent facts")]
struct Outline {
    content: Content,
    held: Option<Held>,
    key: SessionKey,
    made: u64,
    epoch: u64,
    login: bool,
    renews: bool,
    /// The browser hears of it in any case.
    tell: bool,
    headers_left: bool,
}

impl Session {
    /// What is stored, with this request's changes and `work` done to it; `force` stores it also where
    /// that changes nothing.
    pub(super) fn draft(&self, force: Force, work: &mut Work<'_>) -> Result<Drafted> {
        let Snapshot { base, mut content, held, made, epoch, wishes, untold, headers_left } =
            self.snapshot()?;
        // Outside the lock: this runs the application's own code.
        work(&mut content)?;

        let wanted = match held {
            Some(_) => force != Force::No || wishes.any() || !content.says_the_same(&base),
            None => !content.is_blank(),
        };
        if !wanted {
            let mut state = self.state();
            if state.epoch == epoch {
                state.settle(made);
            }
            return Ok(Drafted::Nothing);
        }

        let now = self.sessions().now();
        content.head.saved_at = now;
        if held.is_none() {
            content.head.created_at = now;
            // It may have been asked for before.
            content.head.authenticated_at = content.head.authenticated_at.map(|_| now);
        }
        if self.sessions().options().lifetime.deadline(&content.head, now) <= now {
            let mut state = self.state();
            if state.epoch != epoch {
                return Ok(Drafted::Overtaken);
            }
            state.flush(now);
            // Asked for, it is done; else it came to pass while the request went on.
            return if wishes.expire { Ok(Drafted::Ended) } else { Err(ended()) };
        }
        let key = match &held {
            None => self.sessions().new_key()?,
            Some(held) if wishes.rotate => held.key.rotated()?,
            Some(held) => held.key.clone(),
        };
        let login = wishes.login && content.owner != base.owner;
        let tell = wishes.expire || force == Force::Tell || untold;
        self.fill_in(
            Outline { content, held, key, made, epoch, login, renews: false, tell, headers_left },
            now,
        )
    }

    /// What is stored, as it is, under the key of a renewal: this request's changes go on waiting. Nothing if another request
    /// has replaced the key that it was made for, or a login came in between: to its key no way may lead.
    pub(super) fn draft_renewal(&self, renewal: &Renewal) -> Result<Drafted> {
        let Snapshot { base, held, epoch, wishes, headers_left, .. } = self.snapshot()?;
        let now = self.sessions().now();
        let over = self.sessions().options().lifetime.deadline(&base.head, now) <= now;
        let Some(held) = held.filter(|held| held.key == renewal.from && !wishes.rotate && !over) else {
            return Ok(Drafted::Nothing);
        };
        let outline = Outline {
            content: (*base).clone(),
            held: Some(held),
            key: renewal.to.clone(),
            // None of this request's changes are in it.
            made: 0,
            epoch,
            login: false,
            renews: true,
            tell: false,
            headers_left,
        };
        self.fill_in(outline, now)
    }

    /// What the session was before a login that is refused: this request's changes go on waiting. If there was nothing worth a
    /// record, the session is left for a fresh one; nothing is to be done if the login is not what is stored.
    pub(super) fn draft_return(&self, entrant: &Entrant) -> Result<Drafted> {
        let Snapshot { base, held, epoch, headers_left, .. } = self.snapshot()?;
        let Some((mut content, held)) = entrant.taken_back(&base).zip(held) else {
            return Ok(Drafted::Nothing);
        };
        let now = self.sessions().now();
        content.head.saved_at = now;
        if content.is_blank() || self.sessions().options().lifetime.deadline(&content.head, now) <= now {
            let mut state = self.state();
            if state.epoch == epoch {
                state.start_over(now);
            }
            return Ok(Drafted::Ended);
        }
        // The key of the login will do where the browser could not be told another.
        let key = if headers_left { held.key.clone() } else { held.key.rotated()? };
        let outline = Outline {
            content,
            held: Some(held),
            key,
            // None of this request's changes are in it.
            made: 0,
            epoch,
            login: false,
            renews: false,
            tell: false,
            headers_left,
        };
        self.fill_in(outline, now)
    }

    fn fill_in(&self, outline: Outline, now: Timestamp) -> Result<Drafted> {
        let Outline { mut content, held, key, made, epoch, login, renews, tell, headers_left } = outline;
        let sessions = self.sessions();
        let options = sessions.options();
        let borne = sessions.are_presented();
        let rotate = held.as_ref().is_some_and(|held| held.key != key);
        let issue = borne || rotate || held.is_none();
        if issue && headers_left {
            return Err(too_late());
        }
        if issue {
            content.head.keyed_at = now;
        }
        let end = options.lifetime.browser_end(&content.head, now);
        // What the browser does not hear of any more it is told with a later answer.
        let tell = !headers_left && (issue || tell || moved(content.head.told, end, now));
        if tell {
            content.head.told = Some(end);
        }
        let sequence = held.as_ref().map_or(0, |held| held.sequence).saturating_add(1);
        let stamp = Stamp { sequence, nonce: random::number()? };
        let payload = sessions.encode(&content)?;
        let deadline = options.lifetime.deadline(&content.head, now);
        Ok(Drafted::Write(Arc::new(Draft {
            id: held.as_ref().filter(|_| !rotate).map_or_else(|| key.id(), |held| held.id.clone()),
            key,
            record: Record::new(payload, deadline, content.owner.clone(), stamp),
            content: Arc::new(content),
            made,
            epoch,
            tell: tell.then_some(end),
            borne,
            login,
            renews,
            verb: match held {
                None => Verb::Create,
                Some(held) if rotate => Verb::Rotate(held),
                Some(held) => Verb::Save(held),
            },
        })))
    }

    fn snapshot(&self) -> Result<Snapshot> {
        let state = self.state();
        if state.interrupted {
            return Err(interrupted());
        }
        let mut content = (*state.base).clone();
        let made = state.changes.now();
        let wishes = state.changes.wishes();
        state.changes.apply(&mut content, made);
        if wishes.login || state.held.is_none() && content.owner.is_none() {
            state.origin.note(&mut content);
        }
        Ok(Snapshot {
            base: Arc::clone(&state.base),
            content,
            held: state.held.clone(),
            made,
            epoch: state.epoch,
            wishes,
            untold: state.untold(),
            headers_left: state.headers_left,
        })
    }
}
