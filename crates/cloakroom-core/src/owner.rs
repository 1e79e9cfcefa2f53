//! A user's sessions: which there are, and ending one, the others, or all.

use std::fmt;
use std::time::Duration;

use crate::alias::OVERLAP;
use crate::content::Content;
use crate::expiry::lease;
use crate::{
    Deleted, Error, ErrorKind, Result, Session, SessionId, SessionIndex, Sessions, Stored, Timestamp,
};

const PAGE: u32 = 100;
/// Hosts' clocks are assumed to be this close to each other.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5);

/// What can be said of a living session without its data.
#[non_exhaustive]
#[derive(Clone)]
pub struct SessionInfo {
    /// Names it; [`Session::id`] is the current one's.
    pub id: SessionId,
    /// Who is logged in.
    pub user: Option<String>,
    /// When it was first stored; unknown where another framework's [format](crate::SessionBackend::format) does not say.
    pub created_at: Option<Timestamp>,
    /// When its user logged in.
    pub authenticated_at: Option<Timestamp>,
    /// Its last change; with an idle timeout its last visit, to a tenth of that timeout. In the last span
    /// before an end that no visit moves, the earliest moment that it can have been.
    pub last_seen: Timestamp,
    /// When it ends if nobody visits.
    pub expires_at: Timestamp,
    /// The browser it was created or logged in with, as that named itself.
    pub user_agent: Option<String>,
    /// From where, if the application says so ([`Session::set_address`]).
    pub address: Option<String>,
}

/// Without who and with what.
impl fmt::Debug for SessionInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionInfo")
            .field("created_at", &self.created_at)
            .field("authenticated_at", &self.authenticated_at)
            .field("last_seen", &self.last_seen)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

impl Sessions {
    /// The living sessions of `user`, by id.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the engine has no index, `Unavailable` if it does not answer.
    pub async fn of_user(&self, user: &str) -> Result<Vec<SessionInfo>> {
        let mut found = Vec::new();
        self.each_of(user, |id, stored| {
            found.extend(self.describe(id, &stored));
            None
        })
        .await?;
        Ok(found)
    }

    /// Ends every session of `user` that began before now, and says how many it ended. A rotation that
    /// happens meanwhile does not save its session; a login that happens within these seconds may be
    /// ended, too, since hosts' clocks differ.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the engine has no index, `Unavailable` or `Unknown` if it does not answer;
    /// what was ended by then stays ended, and asking again ends the rest.
    pub async fn revoke(&self, user: &str) -> Result<u64> {
        self.revoke_but(user, None).await
    }

    /// Ends one session of `user`, as [`of_user`](Sessions::of_user) has listed it, and says whether it was alive. What is
    /// somebody else's is left alone: an id may come from a visitor.
    ///
    /// It is found also if its key was replaced since it was listed, by a renewal or by a login: a new key keeps its place, by which
    /// one in 46,656 of the user's other sessions would be taken for it.
    ///
    /// # Errors
    ///
    /// `Unsupported` if the engine has no index, `Unavailable` or `Unknown` if it does not answer.
    pub async fn end(&self, user: &str, id: &SessionId) -> Result<bool> {
        let until = self.time_limit_from_now();
        loop {
            let mut listed = false;
            let mut moved = Vec::new();
            let ended = self.each_of(user, |one, _| {
                listed |= one == *id;
                if one != *id && one.place() == id.place() {
                    moved.push(one.clone());
                }
                (one == *id).then_some(one)
            });
            if ended.await? > 0 {
                return Ok(true);
            }
            // Listed and not found: its key is being replaced, and the next look shows it under its new one.
            if !listed {
                return self.end_each(moved).await;
            }
            self.give_up_at(until)?;
        }
    }

    /// Ends the session that had this id and this content, and whose key has been renewed so long ago that nothing leads from the old
    /// one to the new one any more. Says whether there was one. Of one that is nobody's nothing is known.
    pub(crate) async fn end_renewed(&self, id: &SessionId, was: &Content) -> Result<bool> {
        let renewed = |every| was.head.keyed_at.plus(every).plus(OVERLAP) <= self.now();
        let Some(user) = was.owner.as_deref().filter(|_| self.renews_keys().is_some_and(renewed)) else {
            return Ok(false);
        };
        if self.backend().index().is_none() {
            return Ok(false);
        }
        let was = Spared { id: id.clone(), created_at: Some(was.head.created_at) };
        let ended =
            self.each_of(user, |one, stored| was.is(&one, self.decode(&stored).ok().as_ref()).then_some(one));
        Ok(ended.await? > 0)
    }

    async fn end_each(&self, ids: Vec<SessionId>) -> Result<bool> {
        let mut ended = false;
        for id in ids {
            ended |= self.end_one(&id).await?;
        }
        Ok(ended)
    }

    /// Ends what lives under an id, and says whether anything did.
    pub(crate) async fn end_one(&self, id: &SessionId) -> Result<bool> {
        let delete = self.backend().delete(id, None);
        let deleted = self.bounded(self.options().time_limit, ErrorKind::Unknown, delete).await?;
        Ok(deleted == Deleted::Ended)
    }

    /// Sessions that get new keys while they are being ended are looked for again, but not for ever.
    pub(crate) fn give_up_at(&self, until: Timestamp) -> Result<()> {
        if self.now() < until {
            return Ok(());
        }
        let message = "sessions of this user kept moving while they were being ended";
        Err(Error::new(ErrorKind::Unavailable, message))
    }

    async fn revoke_but(&self, user: &str, spared: Option<&Spared>) -> Result<u64> {
        let newest = self.now().plus(CLOCKS_DIFFER);
        let until = self.time_limit_from_now();
        let mut revoked = 0;
        loop {
            let mut older = 0_u64;
            let ended = self
                .each_of(user, |id, stored| {
                    // What does not decode could be anything: it ends as well.
                    let content = self.decode(&stored).ok();
                    let began = content.as_ref().map_or(Timestamp::MIN, |content| content.head.started_at());
                    let spared = spared.is_some_and(|spared| spared.is(&id, content.as_ref()));
                    (began <= newest && !spared).then(|| {
                        older += 1;
                        id
                    })
                })
                .await?;
            revoked += ended;
            if older == 0 {
                return Ok(revoked);
            }
            self.give_up_at(until)?;
        }
    }

    /// Looks at each session of `user`, deletes those that `doom` names, and says how many lived.
    async fn each_of(
        &self,
        user: &str,
        mut doom: impl FnMut(SessionId, Stored) -> Option<SessionId>,
    ) -> Result<u64> {
        let limit = self.options().time_limit;
        let index = self.owner_index()?;
        let mut after = None;
        let mut ended = 0;
        loop {
            let page = index.of(user, after.as_ref(), PAGE);
            let page = self.bounded(limit, ErrorKind::Unavailable, page).await?;
            let Some((last, _)) = page.last() else { return Ok(ended) };
            after = Some(last.clone());
            for (id, stored) in page {
                if let Some(id) = doom(id, stored) {
                    ended += u64::from(self.end_one(&id).await?);
                }
            }
        }
    }

    pub(crate) fn owner_index(&self) -> Result<&dyn SessionIndex> {
        self.backend().index().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "this session engine can't list a user's sessions")
        })
    }

    pub(crate) fn describe(&self, id: SessionId, stored: &Stored) -> Option<SessionInfo> {
        let expires_at = stored.record.expires_at;
        let content = self.decode(stored).ok()?;
        let lifetime = &self.options().lifetime;
        if lifetime.is_over(&content.head, expires_at, self.now()) {
            return None;
        }
        let visited = lifetime.idle.map_or(Timestamp::MIN, |idle| expires_at.minus(lease(idle)));
        Some(SessionInfo {
            id,
            created_at: self.backend().format().is_none().then_some(content.head.created_at),
            authenticated_at: content.head.authenticated_at,
            last_seen: content.head.saved_at.max(visited),
            expires_at,
            user_agent: content.user_agent().map(str::to_owned),
            address: content.address().map(str::to_owned),
            user: content.owner,
        })
    }
}

impl Session {
    /// Ends this session and all others of its user, and says how many. Nobody logged in: none.
    ///
    /// # Errors
    ///
    /// As [`Sessions::revoke`].
    pub async fn logout_everywhere(&self) -> Result<u64> {
        // What was sent by now may have changed the key; and an earlier attempt may have logged out already.
        let own = u64::from(self.settle().await?);
        let Some(user) = self.user() else { return Ok(own) };
        // The others first: should that fail, this one can be asked again. This one by itself: then it is
        // this request that ended it, and its browser is told so.
        let others = self.sessions().revoke_but(&user, self.spared().as_ref()).await?;
        self.logout();
        let own = own + u64::from(self.finish().await?);
        // And whatever was taken for it.
        Ok(own + others + self.sessions().revoke(&user).await?)
    }

    /// Commits what was changed so far, ends all other sessions of this user, and says how many. Nobody logged in: none.
    ///
    /// # Errors
    ///
    /// As [`save`](Session::save) and [`Sessions::revoke`].
    pub async fn logout_others(&self) -> Result<u64> {
        self.save().await?;
        let Some(user) = self.user() else { return Ok(0) };
        self.sessions().revoke_but(&user, self.spared().as_ref()).await
    }

    fn spared(&self) -> Option<Spared> {
        Some(Spared { id: self.id()?, created_at: self.created_at() })
    }
}

/// A session that is to be left alone.
struct Spared {
    id: SessionId,
    /// Also under the key that another request may give it meanwhile, if this is known.
    created_at: Option<Timestamp>,
}

impl Spared {
    /// A new key keeps its place. What else was created in the same millisecond is taken for it by one in 46,656.
    fn is(&self, id: &SessionId, content: Option<&Content>) -> bool {
        let created_at = content.map(|content| content.head.created_at);
        let same = || created_at.is_some() && created_at == self.created_at && id.place() == self.id.place();
        *id == self.id || same()
    }
}
