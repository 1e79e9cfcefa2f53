//! What is committed when a handler has answered, and what the browser is told.
//!
//! Two pure functions, one before the commit and one after it, so that every adapter does the same.
//! The branches are those of Django's SessionMiddleware, with the differences that docs name: above
//! all, a cookie is taken away only by the request that itself ended the session.

use std::fmt;

use cloakroom_core::{Activity, CookieChange, ErrorKind, Result, Session, Timestamp};

use crate::{CookiePolicy, cookie};

/// What an adapter has a session do when its handler has answered.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Delete what was flushed, look for what was sent, and commit no more.
    Finish,
    /// Commit everything.
    Save,
    /// Commit everything, and tell the browser its end.
    SaveAndTell,
    /// Store the session although nothing was changed.
    Refresh,
    /// Note the visit, and renew the key if that is due.
    Touch,
}

impl Step {
    /// Takes the step.
    ///
    /// # Errors
    ///
    /// As the method of [`Session`] that it calls. A visit that could not be noted is no error: the
    /// answer stands, and the next visit will be; nor is a key that could not be renewed, nor a session that ended
    /// as it was renewed.
    pub async fn take(self, session: &Session) -> Result<()> {
        if self != Self::Finish {
            let _ = session.renew_key().await;
        }
        match self {
            Self::Finish => session.finish().await.map(|_| ()),
            Self::Save => session.save().await,
            Self::SaveAndTell => session.refresh().await,
            Self::Refresh => session.refresh().await.or_else(|error| match error.kind() {
                ErrorKind::Interrupted => Ok(()),
                _ => Err(error),
            }),
            Self::Touch => session.touch().await.or(Ok(())),
        }
    }
}

/// What a session needs at the end of a request that is answered with `status`.
///
/// From 500 on nothing is committed any more, but what was flushed ends all the same, and of what was
/// sent by then the browser hears.
pub fn plan(activity: &Activity, status: u16, save_every_request: bool) -> Option<Step> {
    if status >= 500 {
        (activity.ending || activity.unsettled).then_some(Step::Finish)
    } else if activity.changed && save_every_request {
        Some(Step::SaveAndTell)
    } else if activity.changed || activity.ending {
        Some(Step::Save)
    } else if activity.stored && save_every_request {
        Some(Step::Refresh)
    } else {
        (activity.touch_due || activity.key_due).then_some(Step::Touch)
    }
}

/// What an adapter adds to the response of a request that has looked at its session.
#[non_exhaustive]
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Headers {
    /// `Set-Cookie`. It holds the key: keep it out of logs.
    pub set_cookie: Option<String>,
    /// `Cookie` belongs into `Vary`, unless it [is there](crate::varies): always, as the answer may depend on
    /// who asks.
    pub vary_cookie: bool,
    /// `Cache-Control: no-store`, unless the handler chose one itself.
    pub no_store: bool,
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Headers")
            .field("sets_cookie", &self.set_cookie.is_some())
            .field("vary_cookie", &self.vary_cookie)
            .field("no_store", &self.no_store)
            .finish()
    }
}

/// The headers for a response, whatever its status: what the store has acknowledged, the browser
/// must hear of. `cookie` is [`Activity::cookie`] after the commit.
pub fn headers(cookie: &CookieChange, policy: &CookiePolicy, now: Timestamp) -> Headers {
    let set_cookie = match cookie {
        CookieChange::Keep => None,
        CookieChange::Set(key, end) => Some(cookie::set(policy, key, *end, now)),
        CookieChange::Remove => Some(cookie::remove(policy)),
    };
    Headers { vary_cookie: true, no_store: set_cookie.is_some(), set_cookie }
}

/// The status that answers a failed session operation.
pub fn status(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::Unavailable | ErrorKind::Unknown => 503,
        ErrorKind::Interrupted => 400,
        ErrorKind::TooManySessions => 409,
        ErrorKind::TooLarge => 413,
        ErrorKind::Unsupported => 501,
        _ => 500,
    }
}

/// What a visitor may read of it: a sentence that tells nothing of the store.
pub fn sentence(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unavailable | ErrorKind::Unknown => "The session store can not be reached.",
        ErrorKind::Interrupted => "This session was ended by another request.",
        ErrorKind::TooLarge => "The session would become too large.",
        ErrorKind::TooManySessions => "This user has as many sessions as are allowed.",
        ErrorKind::Unsupported => "This session engine can not do that.",
        _ => "The session could not be used.",
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_core::{Addressing, BrowserEnd, SessionKey};

    use super::*;

    fn activity(flags: &str) -> Activity {
        let mut activity = Activity::default();
        activity.stored = flags.contains("stored");
        activity.ending = flags.contains("ending");
        activity.changed = flags.contains("changed");
        activity.touch_due = flags.contains("touch");
        activity.key_due = flags.contains("key");
        activity.unsettled = flags.contains("unsettled");
        activity
    }

    #[test]
    fn the_plan_of_every_branch() {
        let table = [
            // what it did, status, every request, step
            ("", 200, false, None),
            ("stored", 200, false, None),
            ("changed", 200, false, Some(Step::Save)),
            ("stored changed", 404, false, Some(Step::Save)),
            ("stored changed", 499, false, Some(Step::Save)),
            ("stored changed", 500, false, None),
            ("stored changed", 503, true, None),
            ("ending", 200, false, Some(Step::Save)),
            ("ending changed", 200, false, Some(Step::Save)),
            ("ending", 500, false, Some(Step::Finish)),
            ("ending changed", 503, false, Some(Step::Finish)),
            ("", 200, true, None),
            ("stored", 200, true, Some(Step::Refresh)),
            ("stored touch", 200, true, Some(Step::Refresh)),
            ("stored changed", 200, true, Some(Step::SaveAndTell)),
            ("ending", 200, true, Some(Step::Save)),
            ("stored unsettled", 500, false, Some(Step::Finish)),
            ("stored touch", 200, false, Some(Step::Touch)),
            ("stored touch changed", 200, false, Some(Step::Save)),
            ("stored touch", 500, false, None),
            ("stored key", 200, false, Some(Step::Touch)),
            ("stored key", 500, false, None),
        ];
        for (did, status, every, step) in table {
            assert_eq!(plan(&activity(did), status, every), step, "{did:?} {status} {every}");
        }
    }

    #[test]
    fn the_browser_hears_of_a_new_key_and_of_an_end_and_of_nothing_else() {
        let policy = CookiePolicy::default();
        let kept = headers(&CookieChange::Keep, &policy, Timestamp::MIN);
        assert_eq!(kept, Headers { set_cookie: None, vary_cookie: true, no_store: false });

        let key = SessionKey::generate(Addressing::Hashed).unwrap();
        let set = headers(&CookieChange::Set(key.clone(), BrowserEnd::Close), &policy, Timestamp::MIN);
        assert!(set.no_store && set.vary_cookie);
        assert!(!format!("{set:?}").contains(key.expose()));
        assert!(set.set_cookie.unwrap().starts_with(&format!("sessionid={};", key.expose())));

        let removed = headers(&CookieChange::Remove, &policy, Timestamp::MIN);
        assert!(removed.no_store && removed.set_cookie.unwrap().starts_with("sessionid=;"));
    }
}
