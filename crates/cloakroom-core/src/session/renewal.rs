//! Renewing keys: a session that has had its key for long gets another, and the old one leads there for a while.

use tracing::{Instrument as _, Span};

use super::Session;
use super::delivery::{Commit, Force};
use crate::{ErrorKind, Read, Result, Saved, SessionKey, Timestamp, alias, notice};

/// A key whose alias stands, and the key that it leads to.
#[derive(Clone, Debug)]
pub(super) struct Renewal {
    pub(super) from: SessionKey,
    pub(super) to: SessionKey,
}

impl Session {
    /// Gives the session another key if its own is old enough
    /// ([`SessionOptions::key_renewal`](crate::SessionOptions::key_renewal)). And where the browser is to be told the key that
    /// it has, or the one in its place, looks whether the session still lives under it: else a late answer could take from the
    /// browser what a login in another tab has given it. Otherwise it does nothing, without I/O. For adapters, before a
    /// request's last commit: what waits to be committed goes on waiting.
    ///
    /// Of requests that renew a key at once one does; the others go on under the key that it made, if that is there by then.
    ///
    /// # Errors
    ///
    /// As [`save`](Session::save). None of them is a reason to fail a request: the session stays usable under the key
    /// that it has, nothing that was changed is forgotten, and the next commit settles what was sent.
    pub async fn renew_key(&self) -> Result<()> {
        let now = self.sessions().now();
        let (due, tells_late) = {
            let state = self.state();
            (state.key_due(self.sessions(), now), state.tells_late())
        };
        if !due && !tells_late {
            return Ok(());
        }
        let span = notice::renew();
        let work = async {
            let until = self.sessions().time_limit_from_now();
            let _turn = self.turn(until).await?;
            let renewed = if due { self.renew(until, &span).await } else { Ok(()) };
            self.tell_key(until).await?;
            renewed
        };
        let done = work.instrument(span.clone()).await;
        notice::end(&span, done)
    }

    async fn renew(&self, until: Timestamp, span: &Span) -> Result<()> {
        match self.renewal(until).await? {
            Some(renewal) => Commit::new(self, until, Force::No, span).renew(&renewal).await,
            None => Ok(()),
        }
    }

    /// The key to come, and an alias that leads there. None if another request is about to renew it: its alias stands.
    async fn renewal(&self, until: Timestamp) -> Result<Option<Renewal>> {
        let sessions = self.sessions();
        let now = sessions.now();
        let key = {
            let state = self.state();
            state.held.as_ref().filter(|_| state.key_due(sessions, now)).map(|held| held.key.clone())
        };
        let Some(from) = key else { return Ok(None) };
        let to = from.rotated()?;
        let (id, record) = (alias::id(&from), alias::record(&from, &to, now)?);
        let create = sessions.backend().create(&id, &record);
        match sessions.bounded(sessions.left(until), ErrorKind::Unknown, create).await? {
            Saved::Written(_) => Ok(Some(Renewal { from, to })),
            Saved::Conflict(_) => self.follow(&from, until).await.map(|()| None),
            Saved::Gone => Ok(None),
        }
    }

    /// Another request has made the way to a new key. If the session is there by now, this one goes on there as well.
    async fn follow(&self, from: &SessionKey, until: Timestamp) -> Result<()> {
        let Some((key, found)) = self.sessions().follow(from, Read::Latest, until).await? else {
            return Ok(());
        };
        let mut state = self.state();
        if state.held.as_ref().is_some_and(|held| held.key == *from) && state.unsettled.is_none() {
            state.adopt(key, found);
        }
        Ok(())
    }

    /// Has the browser told the key that it should hold, if the session still lives under that, and else nothing.
    pub(super) async fn tell_key(&self, until: Timestamp) -> Result<()> {
        let held = {
            let state = self.state();
            state.held.clone().filter(|_| state.tells_late())
        };
        let Some(held) = held else { return Ok(()) };
        let sessions = self.sessions();
        let load = sessions.backend().load(&held.id, Read::Latest);
        let there = sessions.bounded(sessions.left(until), ErrorKind::Unavailable, load).await?;
        let mut state = self.state();
        if state.held.as_ref().is_some_and(|now| now.key == held.key) {
            let end = sessions.options().lifetime.browser_end(&state.base.head, sessions.now());
            state.announced = there.map(|_| (held.key, end));
        }
        Ok(())
    }
}
