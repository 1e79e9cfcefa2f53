//! A login where a user's sessions are limited: whether there is room for it, and making it.

use super::delivery::Commit;
use super::draft::{Draft, Verb};
use crate::{Error, ErrorKind, LoginLimit, LoginPolicy, Result};

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

    /// After a login was stored: ends the oldest; or this one, if others came first and it must not have been.
    ///
    /// # Errors
    ///
    /// `TooManySessions` if others came first. A store that fails now is no reason to fail what it has stored: the next
    /// login of this user looks again.
    pub(super) async fn make_room(&mut self) -> Result<()> {
        let Some((limit, user)) = self.limit().zip(self.logged_in.take()) else { return Ok(()) };
        let sessions = self.session.sessions();
        let outcome = match limit.policy {
            LoginPolicy::EndOldest => sessions.end_oldest(&user, most(limit), self.until).await,
            LoginPolicy::Refuse => {
                let own = self.session.id();
                let among_the_first = sessions.logged_in(&user).await.map(|logged_in| {
                    logged_in.iter().position(|one| Some(&one.id) == own.as_ref()).unwrap_or(0) < most(limit)
                });
                match among_the_first {
                    Ok(false) => {
                        self.session.flush();
                        self.end_doomed().await?;
                        return Err(too_many());
                    }
                    looked => looked.map(|_| ()),
                }
            }
        };
        if let Err(error) = outcome {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the number of a user's sessions could not be limited"
            );
        }
        Ok(())
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
