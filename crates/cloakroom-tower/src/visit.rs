//! One request's way to its session, which is loaded when somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use cloakroom_core::{Result, Session, SessionKey, Sessions};
use cloakroom_http::CookiePolicy;
use http::{HeaderMap, HeaderValue, header};
use tokio::sync::OnceCell;

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Rules {
    pub(crate) sessions: Sessions,
    pub(crate) cookie: CookiePolicy,
    pub(crate) save_every_request: bool,
}

/// One request's cookie, and its session once it is loaded.
#[derive(Clone, Debug)]
pub(crate) struct Visit {
    request: Arc<Request>,
    /// What the layer around this one has put there, which goes by another cookie.
    outer: Option<Arc<Visit>>,
}

#[derive(Debug)]
struct Request {
    rules: Arc<Rules>,
    key: Option<SessionKey>,
    user_agent: Option<HeaderValue>,
    session: OnceCell<Session>,
    /// A handler has asked for the session, whether or not it got one.
    asked: AtomicBool,
    headers_left: AtomicBool,
}

impl Visit {
    pub(crate) fn new(rules: Arc<Rules>, headers: &HeaderMap, outer: Option<Self>) -> Self {
        let cookies = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let key = cloakroom_http::find(cookies, rules.cookie.name())
            .and_then(|value| rules.sessions.parse_key(value));
        let request = Request {
            rules,
            key,
            user_agent: headers.get(header::USER_AGENT).cloned(),
            session: OnceCell::new(),
            asked: AtomicBool::new(false),
            headers_left: AtomicBool::new(false),
        };
        Self { request: Arc::new(request), outer: outer.map(Arc::new) }
    }

    /// The visit by the cookie of this name, of this layer or one around it, in front of all others: handlers see it, and the
    /// others stay reachable.
    pub(crate) fn for_cookie(&self, name: &str) -> Option<Self> {
        let mut visit = self;
        while visit.rules().cookie.name() != name {
            visit = visit.outer.as_deref()?;
        }
        Some(Self { request: Arc::clone(&visit.request), outer: Some(Arc::new(self.clone())) })
    }

    pub(crate) fn is_nested(&self) -> bool {
        self.outer.is_some()
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.request.rules
    }

    /// The session, for a handler.
    pub(crate) async fn ask(&self) -> Result<&Session> {
        self.request.asked.store(true, Ordering::Relaxed);
        self.session().await
    }

    /// Whether the answer may depend on the session.
    pub(crate) fn asked(&self) -> bool {
        self.request.asked.load(Ordering::Relaxed)
    }

    /// The session, loaded by the first who asks.
    pub(crate) async fn session(&self) -> Result<&Session> {
        let load = || async {
            let session = self.rules().sessions.load(self.request.key.clone()).await?;
            if let Some(name) = self.request.user_agent.as_ref().and_then(|value| value.to_str().ok()) {
                session.set_user_agent(name);
            }
            Ok(session)
        };
        let session = self.request.session.get_or_try_init(load).await?;
        // Either this sees that the headers have left, or whoever lets them leave sees the session.
        fence(Ordering::SeqCst);
        if self.request.headers_left.load(Ordering::Relaxed) {
            session.headers_left();
        }
        Ok(session)
    }

    /// The headers leave now, or never will: no session of this visit can be given a key any more, nor can
    /// one that a task loads later.
    pub(crate) fn headers_left(&self) {
        self.request.headers_left.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if let Some(session) = self.loaded() {
            session.headers_left();
        }
    }

    /// The session, if anybody has asked for it.
    pub(crate) fn loaded(&self) -> Option<&Session> {
        self.request.session.get()
    }

    /// Whether the session must be looked at although nobody asked: the visitor bears a key, and
    /// visits count.
    pub(crate) fn counts(&self) -> bool {
        self.request.key.is_some()
            && (self.rules().save_every_request || self.rules().sessions.watches_visits())
    }
}
