//! A login where a user's sessions are limited: whether there is room for it, and making it.

use std::time::Duration;

use super::delivery::Commit;
use super::draft::{Draft, Verb};
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
        let own = match &draft.verb {
            Verb::Create => None,
            Verb::Save(held) | Verb::Rotate(held) => Some(&held.id),
        };
        let others = sessions.logged_in(user).await?;
        let others = others.iter().filter(|other| Some(&other.id) != own).count();
        if others < most(limit) { Ok(()) } else { Err(too_many()) }
    }

    /// After a login was stored: ends the oldest; or this one, if others were stored meanwhile and there is no room for all.
    ///
    /// # Errors
    ///
    /// `TooManySessions` if this one had to go. A store that fails now is no reason to fail what it has stored: the next
    /// login of this user looks again.
    pub(super) async fn make_room(&mut self) -> Result<()> {
        let Some((limit, user)) = self.limit().zip(self.logged_in.take()) else { return Ok(()) };
        let sessions = self.session.sessions();
        let outcome = match limit.policy {
            LoginPolicy::EndOldest => sessions.end_oldest(&user, most(limit), self.until).await,
            LoginPolicy::Refuse => match self.fits(&user, most(limit)).await {
                Ok(false) => {
                    self.session.flush();
                    self.end_doomed().await?;
                    return Err(too_many());
                }
                looked => looked.map(|_| ()),
            },
        };
        if let Err(error) = outcome {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the number of a user's sessions could not be limited"
            );
        }
        Ok(())
    }

    /// Whether a stored login may stay. It may once no more are there than are allowed: then no other can have been let in that
    /// would be one too many, as each looks after it was stored. Of several that met, the later ones step back at
    /// once, and the first ones wait for that.
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
