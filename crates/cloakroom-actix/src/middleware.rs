//! The middleware: an engine, the rules and a cookie.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use cloakroom_core::{SessionBackend, Sessions};
use cloakroom_http::{CookiePolicy, Rules};

use crate::SessionService;

/// Puts a session around every request. It is not generic over the engine: neither an application's
/// data nor its handlers name one. Cloning is cheap, and clones share everything: make one in `main`, and have the factory
/// wrap each worker's `App` in a clone.
///
/// Middlewares of one cookie's name within each other share one session, which the outermost loads and commits by its own rules: the
/// others' engine and rules are not used. Those of two
/// cookies make two sessions; a handler has the one of the middleware next to it, and what is between the two the
/// outer one.
///
/// ```
/// use cloakroom_actix::SessionMiddleware;
/// use cloakroom_core::Memory;
///
/// let middleware = SessionMiddleware::new(Memory::new()).save_every_request(true);
/// ```
#[derive(Clone, Debug)]
pub struct SessionMiddleware(Arc<Rules>);

impl SessionMiddleware {
    /// Sessions in `backend`, by Django's default lifetimes, behind the cookie
    /// `sessionid; HttpOnly; SameSite=Lax; Secure; Path=/`.
    pub fn new(backend: impl SessionBackend) -> Self {
        Self::with(Sessions::new(backend), CookiePolicy::default())
    }

    /// Sessions by rules of your own, behind a cookie of your own.
    pub fn with(sessions: Sessions, cookie: CookiePolicy) -> Self {
        Self(Arc::new(Rules::new(sessions, cookie)))
    }

    /// Whether every request of a visitor who has a session stores it again and sends the cookie
    /// again, so that the session's age counts from the last request. Off; an idle timeout
    /// ([`Lifetime::idle`](cloakroom_core::Lifetime::idle)) costs less.
    pub fn save_every_request(self, every: bool) -> Self {
        Self(Arc::new(self.0.save_every_request(every)))
    }

    /// The engine and the rules: to list and end a user's sessions, or to sweep.
    pub fn sessions(&self) -> &Sessions {
        self.0.sessions()
    }
}

impl<S, B> Transform<S, ServiceRequest> for SessionMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = SessionService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(SessionService { inner, rules: Arc::clone(&self.0) }))
    }
}
