//! The layer: an engine, the rules and a cookie.

use std::sync::Arc;

use cloakroom_core::{SessionBackend, Sessions};
use cloakroom_http::{CookiePolicy, Rules};
use tower_layer::Layer;

use crate::SessionService;

/// Puts a session around every request. It is not generic over the engine: neither an application's
/// state nor its handlers name one. Cloning is cheap.
///
/// Layers of one cookie's name within each other share one session, which the outermost loads and commits by its own rules: the
/// others' engine and rules are not used. Layers of two
/// cookies make two; a handler has the one of the layer next to it, and a middleware between the layers the
/// outer one.
///
/// ```
/// use cloakroom_core::Memory;
/// use cloakroom_tower::SessionLayer;
///
/// let layer = SessionLayer::new(Memory::new()).save_every_request(true);
/// ```
#[must_use = "it does nothing until it is around a service"]
#[derive(Clone, Debug)]
pub struct SessionLayer(Arc<Rules>);

impl SessionLayer {
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

impl<S> Layer<S> for SessionLayer {
    type Service = SessionService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SessionService { inner, rules: Arc::clone(&self.0) }
    }
}
