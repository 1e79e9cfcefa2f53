//! A request's session.

use std::ops::Deref;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use crate::{Error, Visit};

/// The session of the request at hand; it derefs to core's [`Session`](cloakroom_core::Session),
/// which has all the methods. It may go to other threads, as handlers' futures may not.
///
/// What is changed is committed when the handler has answered with a status below 500. Code that
/// outlives the answer (a streaming body, a WebSocket, a background task) calls `save` itself; a session that
/// needs a new key then ends as `TooLate`, since the browser can't be told any more. Where the cookie is the
/// session, any change does. docs/long-answers.md in the repository has the details.
#[derive(Clone, Debug)]
pub struct Session(cloakroom_core::Session);

impl Session {
    /// The session of this request, an `HttpRequest` or a `ServiceRequest`. The first call loads it, all others get
    /// the same one.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the store does not answer; `Misconfigured` if the request came through no
    /// [`SessionMiddleware`](crate::SessionMiddleware).
    pub async fn of(request: &impl HttpMessage) -> Result<Self, Error> {
        let visit = request.extensions().get::<Visit>().cloned();
        Self::found(visit).await
    }

    async fn found(visit: Option<Visit>) -> Result<Self, Error> {
        let visit = visit.ok_or_else(Error::missing_middleware)?;
        Ok(Self(visit.ask().await?.clone()))
    }
}

/// Loads the session, once per request, however many handlers and middlewares ask.
impl FromRequest for Session {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let visit = request.extensions().get::<Visit>().cloned();
        Box::pin(Self::found(visit))
    }
}

impl Deref for Session {
    type Target = cloakroom_core::Session;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
