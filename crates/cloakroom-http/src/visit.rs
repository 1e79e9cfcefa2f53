//! One request's way to its session, which is loaded when somebody asks.

use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};

use cloakroom_core::{Result, Session, SessionKey};
use tokio::sync::OnceCell;

use crate::{Headers, Rules, find, headers};

/// The value of a User-Agent header, as a framework has it.
pub trait UserAgent: AsRef<[u8]> + Send + Sync + 'static {}

impl<T: AsRef<[u8]> + Send + Sync + 'static> UserAgent for T {}

/// One request's cookie, and its session once it is loaded. An adapter puts it where handlers find it. A clone
/// is the same visit.
#[derive(Debug)]
pub struct Visit<Agent> {
    request: Arc<Request<Agent>>,
    /// What the layer around this one has put there, which goes by another cookie.
    outer: Option<Arc<Visit<Agent>>>,
}

impl<Agent> Clone for Visit<Agent> {
    fn clone(&self) -> Self {
        Self { request: Arc::clone(&self.request), outer: self.outer.clone() }
    }
}

#[derive(Debug)]
struct Request<Agent> {
    rules: Arc<Rules>,
    key: Option<SessionKey>,
    user_agent: Option<Agent>,
    session: OnceCell<Session>,
    /// A handler has asked for the session, whether or not it got one.
    asked: AtomicBool,
    headers_left: AtomicBool,
    told: Told,
}

/// The Set-Cookie of layers within this one, for sessions that they have stored.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl std::fmt::Debug for Told {
    /// They hold keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Told").finish_non_exhaustive()
    }
}

/// What a layer does with a request that arrives.
#[derive(Debug)]
pub enum Entered<Agent> {
    /// It is a visit to this layer, which commits it.
    Here(Visit<Agent>),
    /// A layer around this one has the same cookie, and commits it: two would each set the cookie.
    Elsewhere(Visit<Agent>),
}

impl<Agent: UserAgent> Visit<Agent> {
    /// A request arrives at a layer with these rules. `outer` is the visit that a layer around this one has put
    /// into the request; `cookies` are its Cookie headers.
    pub fn enter<'h>(
        rules: &Arc<Rules>,
        outer: Option<Self>,
        cookies: impl IntoIterator<Item = &'h [u8]>,
        user_agent: Option<Agent>,
    ) -> Entered<Agent> {
        if let Some(visit) = outer.as_ref().and_then(|outer| outer.for_cookie(rules.cookie.name())) {
            return Entered::Elsewhere(visit);
        }
        let key = find(cookies, rules.cookie.name()).and_then(|value| rules.sessions.parse_key(value));
        let request = Request {
            rules: Arc::clone(rules),
            key,
            user_agent,
            session: OnceCell::new(),
            asked: AtomicBool::new(false),
            headers_left: AtomicBool::new(false),
            told: Told::default(),
        };
        Entered::Here(Self { request: Arc::new(request), outer: outer.map(Arc::new) })
    }

    /// The visit by the cookie of this name, of this layer or one around it, in front of all others: handlers see it, and the
    /// others stay reachable.
    fn for_cookie(&self, name: &str) -> Option<Self> {
        let visit = self.outwards().find(|visit| visit.rules().cookie.name() == name)?;
        Some(Self { request: Arc::clone(&visit.request), outer: Some(Arc::new(self.clone())) })
    }

    /// This visit, and those of the layers around.
    fn outwards(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |visit| visit.outer.as_deref())
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.request.rules
    }

    /// The session, for a handler. The first who asks loads it.
    ///
    /// # Errors
    ///
    /// As [`Sessions::load`](cloakroom_core::Sessions::load).
    pub async fn ask(&self) -> Result<&Session> {
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
            if let Some(name) = self.request.user_agent.as_ref().and_then(|value| visible(value.as_ref())) {
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

    /// The headers leave: what the adapter adds to them.
    pub fn tell(&self) -> Headers {
        self.headers_left();
        let Some(session) = self.loaded() else {
            return Headers { vary_cookie: self.asked(), ..Headers::default() };
        };
        let Rules { sessions, cookie, .. } = self.rules();
        let headers = headers(&session.activity().cookie, cookie, sessions.options().clock.now());
        if let Some(cookie) = &headers.set_cookie {
            for outer in self.outwards().skip(1) {
                outer.told().push(cookie.clone());
            }
        }
        headers
    }

    /// Set-Cookie of the layers within this one, in their order: what they have stored. A response that takes the place of
    /// theirs, since this one's commit has failed, says it again. It holds keys, as
    /// [`Headers::set_cookie`] does.
    pub fn told_within(&self) -> Vec<String> {
        self.told().clone()
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.request.told.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A header's value as a text, if all of it can be seen.
fn visible(value: &[u8]) -> Option<&str> {
    let seen = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t');
    std::str::from_utf8(value).ok().filter(|_| value.iter().all(seen))
}
