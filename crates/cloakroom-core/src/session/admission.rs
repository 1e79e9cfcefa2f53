//! A login where a user's sessions are limited: whether there is room for it, and making it.

use std::sync::Arc;
use std::time::Duration;

use super::delivery::{Commit, interrupted};
use super::draft::Draft;
use crate::change::Change;
use crate::content::Content;
use crate::{Error, ErrorKind, LoginLimit, LoginPolicy, Result};

/// How long a login that met others waits for them to step back, and how often.
const PAUSE: Duration = Duration::from_millis(10);
const LOOKS: u32 = 20;

impl Commit<'_> {
    /// Before a login is sent: sees that it can be looked after, and refuses it while there is no room.
    ///
    /// # Errors
    ///
    /// `TooManySessions`, `Unsupported` on an engine without an index, and those of listing.
    pub(super) async fn admit(&self, draft: &Draft) -> Result<()> {
        let Some(limit) = self.limit().filter(|_| draft.login) else { return Ok(()) };
        let sessions = self.session.sessions();
        if limit.policy == LoginPolicy::EndOldest {
            return sessions.owner_index().map(|_| ());
        }
        let Some(user) = &draft.record.owner else { return Ok(()) };
        let others = sessions.logged_in(user).await?.len();
        if others < most(limit) { Ok(()) } else { Err(too_many()) }
    }

    /// After a login was stored: ends the oldest; or this one, if others were stored meanwhile and there is no room for all.
    ///
    /// # Errors
    ///
    /// `TooManySessions` or `Interrupted` if it was this one that had to go. A look that fails is no reason to fail what
    /// was stored: the next login of this user looks again.
    pub(super) async fn make_room(&mut self) -> Result<()> {
        // Noted until it is done: should this be dropped, the next commit looks.
        let logged_in = self.session.state().logged_in.clone();
        let Some((limit, (user, before))) = self.limit().zip(logged_in) else { return Ok(()) };
        let stays = match limit.policy {
            LoginPolicy::EndOldest => self.outlives_the_oldest(&user, most(limit)).await,
            LoginPolicy::Refuse => self.fits(&user, most(limit)).await,
        };
        if self.session.state().logged_in.take().is_none() {
            // Flushed meanwhile: what is there now is another session.
            return Ok(());
        }
        match stays {
            Ok(true) => Ok(()),
            Ok(false) if limit.policy == LoginPolicy::Refuse => {
                if let Err(error) = self.leave(before).await {
                    // It waits for the next commit, and is not given up with what else waits.
                    tracing::warn!(error = &error as &dyn std::error::Error, "a refused login still stands");
                }
                Err(too_many())
            }
            Ok(false) => {
                self.session.flush();
                self.end_doomed().await?;
                Err(interrupted())
            }
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the number of a user's sessions could not be limited"
                );
                Ok(())
            }
        }
    }

    /// Takes a stored login back: the visitor has what they had before, under one more key. Whoever has logged in since takes its
    /// place without that.
    async fn leave(&mut self, before: Arc<Content>) -> Result<()> {
        let empty = {
            let mut state = self.session.state();
            if !state.changes.wishes().login {
                state.record(Change::Leave(before));
            }
            state.view.is_blank()
        };
        if empty {
            self.session.flush();
        }
        Box::pin(self.run(&mut |_| Ok(()))).await.map(|_| ())
    }

    async fn outlives_the_oldest(&self, user: &str, most: usize) -> Result<bool> {
        let own = self.session.id();
        let ended = self.session.sessions().end_oldest(user, most, own.as_ref(), self.until).await?;
        Ok(!ended)
    }

    /// Whether a stored login may stay. Each login is stored, and looks then: whoever finds no more than are allowed stays, and so no
    /// more than are allowed can. Of several that meet the later ones step back at once, and the first ones wait for that
    /// a while, so that not all of them do.
    async fn fits(&self, user: &str, most: usize) -> Result<bool> {
        let sessions = self.session.sessions();
        let own = self.session.id();
        for _ in 0..LOOKS {
            let logged_in = sessions.logged_in(user).await?;
            if logged_in.len() <= most {
                return Ok(true);
            }
            let place = logged_in.iter().position(|one| Some(&one.id) == own.as_ref());
            if place.is_none_or(|place| place >= most) || sessions.now().plus(PAUSE) >= self.until {
                break;
            }
            sessions.options().clock.sleep(PAUSE).await;
        }
        Ok(false)
    }

    fn limit(&self) -> Option<LoginLimit> {
        self.session.sessions().options().login_limit
    }
}

fn most(limit: LoginLimit) -> usize {
    usize::try_from(limit.most.get()).unwrap_or(usize::MAX)
}

fn too_many() -> Error {
    Error::new(ErrorKind::TooManySessions, "this user has as many sessions as are allowed")
}
