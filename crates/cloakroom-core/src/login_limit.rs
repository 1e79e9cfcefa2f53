//! How many sessions a user may have, and what becomes of one more.

use std::num::NonZeroU32;

use crate::{Result, SessionId, Sessions, Timestamp};

/// The most sessions that one user may be logged in with, as
/// [`SessionOptions::login_limit`](crate::SessionOptions::login_limit) sets it.
///
/// It is looked at when a login is committed, and holds also for logins that race: of those that are logged in at once the
/// ones that came first count as older, by the clocks of their hosts.
///
/// ```
/// use std::num::NonZeroU32;
/// use cloakroom_core::{LoginLimit, LoginPolicy, Memory, SessionOptions, Sessions};
///
/// let mut options = SessionOptions::default();
/// options.login_limit = NonZeroU32::new(3).map(|three| LoginLimit::new(three, LoginPolicy::EndOldest));
/// let three_devices_at_a_time = Sessions::with(Memory::new(), options);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct LoginLimit {
    /// How many.
    pub most: NonZeroU32,
    /// What becomes of one more.
    pub policy: LoginPolicy,
}

impl LoginLimit {
    /// So many, and this becomes of one more.
    pub const fn new(most: NonZeroU32, policy: LoginPolicy) -> Self {
        Self { most, policy }
    }
}

/// What becomes of a login beyond a [`LoginLimit`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum LoginPolicy {
    /// The session that was logged in longest ago ends. Of logins that race that can be one that was committed at this
    /// moment: it ends as `Interrupted`.
    #[default]
    EndOldest,
    /// It is refused as `TooManySessions`, and the visitor goes on with what they had; where logins race, under another key,
    /// and if that was another user's session, without it.
    Refuse,
}

/// A session that somebody is logged in with, older ones first.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct LoggedIn {
    pub(crate) since: Timestamp,
    pub(crate) id: SessionId,
}

impl Sessions {
    /// The sessions that `user` is logged in with, the oldest login first.
    ///
    /// # Errors
    ///
    /// As [`Sessions::of_user`].
    pub(crate) async fn logged_in(&self, user: &str) -> Result<Vec<LoggedIn>> {
        let living = self.of_user(user).await?.into_iter();
        let mut logged_in: Vec<_> = living
            .map(|info| LoggedIn {
                since: info.authenticated_at.or(info.created_at).unwrap_or(Timestamp::MIN),
                id: info.id,
            })
            .collect();
        logged_in.sort_unstable();
        Ok(logged_in)
    }

    /// Ends the oldest sessions of `user` until no more than `most` are left, and says whether `own` was among them.
    ///
    /// # Errors
    ///
    /// As [`Sessions::revoke`].
    pub(crate) async fn end_oldest(
        &self,
        user: &str,
        most: usize,
        own: Option<&SessionId>,
        until: Timestamp,
    ) -> Result<bool> {
        let mut own_ended = false;
        loop {
            let logged_in = self.logged_in(user).await?;
            let Some(surplus) = logged_in.len().checked_sub(most).filter(|surplus| *surplus > 0) else {
                return Ok(own_ended);
            };
            for oldest in logged_in.iter().take(surplus) {
                own_ended |= Some(&oldest.id) == own;
                self.end_one(&oldest.id).await?;
            }
            self.give_up_at(until)?;
        }
    }
}
