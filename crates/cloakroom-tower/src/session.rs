//! A request's session.

use std::ops::Deref;

use http::Extensions;

use crate::{Error, Visit};

/// The session of the request at hand; it derefs to core's [`Session`](cloakroom_core::Session),
/// which has all the methods.
///
/// What is changed is committed when the handler has answered with a status below 500. Code that
/// outlives the answer (a streaming body, a WebSocket, a background task) calls `save` itself; a session that
/// needs a new key then ends as `TooLate`, since the browser can't be told any more. Where the cookie is the
/// session, any change does. docs/long-answers.md in the repository has the details.
#[derive(Clone, Debug)]
pub struct Session(pub(crate) cloakroom_core::Session);

impl Session {
    /// The session of the request with these extensions. The first call loads it, all others get
    /// the same one.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the store does not answer; `Misconfigured` if the request came through no
    /// [`SessionLayer`](crate::SessionLayer).
    pub async fn of(extensions: &Extensions) -> Result<Self, Error> {
        let visit = extensions.get::<Visit>().cloned().ok_or_else(Error::missing_layer)?;
        Ok(Self(visit.ask().await?.clone()))
    }
}

impl Deref for Session {
    type Target = cloakroom_core::Session;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
