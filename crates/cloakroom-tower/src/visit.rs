//! One request's way to its session, which is loaded when somebody asks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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
pub(crate) struct Visit(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rules: Arc<Rules>,
    key: Option<SessionKey>,
    user_agent: Option<HeaderValue>,
    session: OnceCell<Session>,
    /// The store could not be read when somebody asked for the session.
    failed: AtomicBool,
}

impl Visit {
    pub(crate) fn new(rules: Arc<Rules>, headers: &HeaderMap) -> Self {
        let cookies = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
        let key = cloakroom_http::find(cookies, rules.cookie.name())
            .and_then(|value| rules.sessions.parse_key(value));
        let user_agent = headers.get(header::USER_AGENT).cloned();
        Self(Arc::new(Inner {
            rules,
            key,
            user_agent,
            session: OnceCell::new(),
            failed: AtomicBool::new(false),
        }))
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.0.rules
    }

    /// The session, loaded by the first who asks.
    pub(crate) async fn session(&self) -> Result<&Session> {
        let load = || async {
            let loaded = self.rules().sessions.load(self.0.key.clone()).await;
            let session = loaded.inspect_err(|_| self.0.failed.store(true, Ordering::Relaxed))?;
            if let Some(name) = self.0.user_agent.as_ref().and_then(|value| value.to_str().ok()) {
                session.set_user_agent(name);
            }
            Ok(session)
        };
        self.0.session.get_or_try_init(load).await
    }

    /// The session, if anybody has asked for it.
    pub(crate) fn loaded(&self) -> Option<&Session> {
        self.0.session.get()
    }

    /// Whether somebody asked for the session and the store could not be read.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Relaxed)
    }

    /// Whether the session must be looked at although nobody asked: the visitor bears a key, and
    /// visits count.
    pub(crate) fn counts(&self) -> bool {
        self.0.key.is_some() && (self.rules().save_every_request || self.rules().sessions.watches_visits())
    }
}
