//! A login where a user's sessions are limited: whether there is room for it, and making it.

use std::sync::Arc;
use std::time::Duration;

use super::delivery::{Commit, interrupted, kept_changing};
use super::draft::{Draft, Drafted};
use super::state::State;
use crate::content::Content;
use crate::{Error, ErrorKind, LoginLimit, LoginPolicy, Result, notice};

/// How long a login that met others waits for them to step back, and how often.
const PAUSE: Duration = Duration::from_millis(10);
const LOOKS: u32 = 20;

/// Who has logged in with what is stored, and whether they may stay.
#[derive(Clone, Debug)]
pub(super) struct Entrant {
    user: String,
    /// What the session was before.
    before: Arc<Content>,
    /// There is no room for them: the session is to be what it was.
    pub(super) refused: bool,
    /// A commit has ended as `TooManySessions`.
    told: bool,
}

impl Entrant {
    pub(super) fn new(user: String, before: Arc<Content>) -> Self {
        Self { user, before, refused: false, told: false }
    }

    /// What the session is without them; nothing if it is not theirs.
    pub(super) fn taken_back(&self, stored: &Content) -> Option<Content> {
        if stored.owner.as_ref() != Some(&self.user) {
            return None;
        }
        let mut content = match self.before.owner {
            None => (*self.before).clone(),
            // Of another user's session nothing is left.
            Some(_) => Content::new(stored.head.created_at),
        };
        content.head.told = stored.head.told;
        Some(content)
    }
}

impl State {
    /// Notes whether a stored login has to go, and says no if nobody is logged in with it any more.
    fn judge(&mut self, refused: bool) -> bool {
        let Some(entrant) = &mut self.logged_in else { return false };
        if refused {
            entrant.refused = true;
            self.rebase(Arc::clone(&self.base));
        } else {
            self.logged_in = None;
        }
        true
    }
}

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
        let Some((limit, entrant)) = self.limit().zip(logged_in) else { return Ok(()) };
        let stays = match limit.policy {
            LoginPolicy::EndOldest => self.outlives_the_oldest(&entrant.user, most(limit)).await,
            LoginPolicy::Refuse if entrant.refused => Ok(false),
            LoginPolicy::Refuse => self.fits(&entrant.user, most(limit)).await,
        };
        let refused = limit.policy == LoginPolicy::Refuse && matches!(stays, Ok(false));
        if !self.session.state().judge(refused) {
            // Flushed meanwhile: what is there now is another session.
            return Ok(());
        }
        match stays {
            Ok(true) => Ok(()),
            Ok(false) if refused => self.send_away(&entrant).await,
            Ok(false) => {
                self.session.flush();
                self.end_doomed().await?;
                Err(interrupted())
            }
            Err(error) => {
                notice::login_limit_fails(&error);
                Ok(())
            }
        }
    }

    /// Takes a refused login back, and says that it was refused. Where that was said before, it says only what keeps it from
    /// being taken back.
    async fn send_away(&mut self, entrant: &Entrant) -> Result<()> {
        let left = self.take_back(entrant).await;
        if entrant.told {
            return left;
        }
        if let Err(error) = left {
            // The next commit does it before anything else.
            notice::refusal_fails(&error);
            if let Some(entrant) = &mut self.session.state().logged_in {
                entrant.told = true;
            }
        }
        Err(too_many())
    }

    /// The visitor has what they had before, under one more key if the browser can be told. What waits goes on waiting, also
    /// a login that came since.
    async fn take_back(&mut self, entrant: &Entrant) -> Result<()> {
        self.settle(true).await?;
        while let Drafted::Write(draft) = self.session.draft_return(entrant)? {
            let announced = self.session.state().announce(&draft);
            if announced && self.deliver(&draft, None).await? {
                break;
            }
            if self.sessions().now() >= self.until {
                return Err(kept_changing());
            }
        }
        self.session.state().logged_in = None;
        self.end_doomed().await
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
