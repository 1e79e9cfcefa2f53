//! What all requests of an adapter's layer share.

use cloakroom_core::Sessions;
use tokio::runtime::Handle;

use crate::CookiePolicy;

/// The sessions, their cookie, and what becomes of both at the end of each request.
#[derive(Clone, Debug)]
pub struct Rules {
    pub(crate) sessions: Sessions,
    pub(crate) cookie: CookiePolicy,
    pub(crate) save_every_request: bool,
    /// Where the application was put together: it outlives the workers that some servers have.
    pub(crate) home: Option<Handle>,
}

impl Rules {
    /// Only what was changed is stored. The runtime that this is called within, if there is one, ends the commits
    /// of those that stop before it.
    pub fn new(sessions: Sessions, cookie: CookiePolicy) -> Self {
        Self { sessions, cookie, save_every_request: false, home: Handle::try_current().ok() }
    }

    /// Whether every request of a visitor who has a session stores it and sends the cookie again.
    pub fn save_every_request(&self, every: bool) -> Self {
        Self { save_every_request: every, ..self.clone() }
    }

    /// The engine and the rules of core.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}
