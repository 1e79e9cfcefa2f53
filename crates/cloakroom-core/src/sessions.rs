//! Where sessions come from: an engine, and what holds for all sessions that it keeps.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tracing::{Instrument as _, Span};

use crate::alias::OVERLAP;
use crate::clock::in_time;
use crate::content::Content;
use crate::queue::Queues;
use crate::session::Held;
use crate::{
    Addressing, Capabilities, Clock, Error, ErrorKind, Lifetime, LoginLimit, Read, Result, Session,
    SessionBackend, SessionId, SessionKey, Stored, SystemClock, Timestamp, Written, format, notice, payload,
};

/// What holds for all sessions of a [`Sessions`].
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct SessionOptions {
    /// How long they live.
    pub lifetime: Lifetime,
    /// How old a session's key gets before a request that looks at the session gives it another; a minute at least.
    /// For one more minute the old key still works, so that requests that are on their way with it are served; each
    /// of them tells the browser the new one. Off. Where ids are no hashes
    /// ([`Addressing`](crate::Addressing)) there is nothing to renew, and nothing is.
    ///
    /// A handle that is kept for longer than that minute looks at the session in between ([`Session::reload`]), or loses its way
    /// to it.
    ///
    /// If a renewal was cut short, the key is renewed after the next sweep.
    ///
    /// A browser that hears nothing of the new key within that minute, since its connection broke and its user
    /// left, has lost its session. A key from a [login](Session::login) or from [`cycle_key`](Session::cycle_key) never
    /// leaves the old one alive.
    pub key_renewal: Option<Duration>,
    /// How many sessions a user may have. Off; it needs an engine that lists a user's sessions.
    pub login_limit: Option<LoginLimit>,
    /// The largest payload in bytes, before it is packed: 1 MiB. 16 MiB is the most that counts.
    pub payload_limit: usize,
    /// How long any operation may take, a commit with all its retries included: 5 s.
    pub time_limit: Duration,
    /// What tells the time. The engine has a clock as well, which must show the same.
    pub clock: Arc<dyn Clock>,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self {
            lifetime: Lifetime::default(),
            key_renewal: None,
            login_limit: None,
            payload_limit: 1 << 20,
            time_limit: Duration::from_secs(5),
            clock: Arc::new(SystemClock),
        }
    }
}

/// An engine and the rules for its sessions: what an application has one of. Cloning is cheap, and
/// clones share everything.
///
/// ```
/// use std::time::Duration;
/// use cloakroom_core::{Memory, SessionOptions, Sessions};
///
/// let mut options = SessionOptions::default();
/// options.lifetime.idle = Some(Duration::from_secs(900));
/// let sessions = Sessions::with(Memory::new(), options);
/// ```
#[derive(Clone, Debug)]
pub struct Sessions(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    backend: Arc<dyn SessionBackend>,
    capabilities: Capabilities,
    options: SessionOptions,
    queues: Queues,
}

/// A living session, as it is stored and as it reads.
#[derive(Debug)]
pub(crate) struct Found {
    /// Under which it is stored.
    pub(crate) id: SessionId,
    pub(crate) stored: Stored,
    pub(crate) content: Content,
}

impl Sessions {
    /// Sessions in `backend`, by Django's default rules.
    pub fn new(backend: impl SessionBackend) -> Self {
        Self::with(backend, SessionOptions::default())
    }

    /// Sessions in `backend`, by rules of your own.
    pub fn with(backend: impl SessionBackend, options: SessionOptions) -> Self {
        let capabilities = backend.capabilities();
        let queues = Queues::default();
        Self(Arc::new(Shared { backend: Arc::new(backend), capabilities, options, queues }))
    }

    /// What a browser sent, if it has the form of a key. Anything else is nobody's session, and no
    /// engine is asked for it.
    pub fn parse_key(&self, cookie: &str) -> Option<SessionKey> {
        SessionKey::parse(cookie, self.0.capabilities.addressing)
    }

    /// The session of the visitor who presents `key`; a fresh one if there is no key, or nothing
    /// living under it. A key that is unknown is never adopted: a fresh session gets its own, and
    /// only when it is stored.
    ///
    /// What is stored but does not decode is a fresh session too, with a warning event; the record
    /// is left as it is.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the store does not answer within the time limit; `Misconfigured` where the engine's sessions are in another
    /// framework's [format](SessionBackend::format), and an idle or absolute timeout is set, which that can't keep, or a cache is in front that may be late.
    pub async fn load(&self, key: Option<SessionKey>) -> Result<Session> {
        self.check()?;
        let Some(key) = key else { return Ok(self.fresh()) };
        let span = notice::load();
        self.look(&span, key).instrument(span.clone()).await
    }

    /// The session of the visitor who presents `key`, and in `span` what there was.
    async fn look(&self, span: &Span, key: SessionKey) -> Result<Session> {
        let until = self.time_limit_from_now();
        let loaded = match self.find(&key, Read::Any, until).await {
            Ok(None) => self.follow(&key, Read::Any, until).await,
            found => found.map(|found| Some((key.clone(), found?))),
        };
        match loaded {
            Ok(Some((current, found))) => {
                span.record("outcome", "found").record("bytes", found.stored.record.payload.len());
                let held = Held::new(current, found.id, &found.stored);
                Ok(Session::loaded(self.clone(), key, held, found.content))
            }
            Ok(None) => {
                span.record("outcome", "absent");
                Ok(self.fresh())
            }
            Err(error) => {
                notice::failed(span, &error);
                if error.kind() != ErrorKind::Corrupt {
                    return Err(error);
                }
                notice::unreadable(&error, "starting afresh");
                Ok(self.fresh())
            }
        }
    }

    /// What another framework's format keeps is no more than that framework knows, and it must never be read late.
    pub(crate) fn check(&self) -> Result<()> {
        if self.backend().format().is_none() {
            return Ok(());
        }
        let Lifetime { idle, absolute, .. } = self.options().lifetime;
        let wrong = if idle.is_some() {
            "sessions in another framework's format have no idle timeout"
        } else if absolute.is_some() {
            "sessions in another framework's format have no absolute timeout"
        } else if !self.0.capabilities.stale_read.is_zero() {
            "sessions in another framework's format can't be read through a cache that may be late"
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Misconfigured, wrong))
    }

    /// The living session under a key.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the store does not answer in time, `Corrupt` if what is there does not decode.
    pub(crate) async fn find(&self, key: &SessionKey, read: Read, until: Timestamp) -> Result<Option<Found>> {
        let id = key.id();
        let load = self.backend().load(&id, read);
        let there = self.bounded(self.left(until), ErrorKind::Unavailable, load).await?;
        let Some(stored) = there else { return Ok(None) };
        let content = self.decode(&stored)?;
        let over = self.options().lifetime.is_over(&content.head, stored.record.expires_at, self.now());
        Ok((!over).then_some(Found { id, stored, content }))
    }

    /// The session in a record.
    ///
    /// # Errors
    ///
    /// `Corrupt` if it holds none.
    pub(crate) fn decode(&self, stored: &Stored) -> Result<Content> {
        match self.backend().format() {
            None => payload::decode(&stored.record.payload, stored.record.owner.clone()),
            Some(format) => format::decode(format, stored, &self.options().lifetime),
        }
    }

    /// A session as a record's payload.
    ///
    /// # Errors
    ///
    /// `TooLarge` over the limit.
    pub(crate) fn encode(&self, content: &Content) -> Result<Bytes> {
        let limit = self.options().payload_limit;
        match self.backend().format() {
            None => payload::encode(content, limit),
            Some(format) => format::encode(format, content, limit),
        }
    }

    /// Whether every visit by cookie must look at its session: an idle timeout is on.
    pub fn watches_visits(&self) -> bool {
        self.options().lifetime.idle.is_some()
    }

    /// The engine.
    pub fn backend(&self) -> &dyn SessionBackend {
        &*self.0.backend
    }

    /// The engine, to be wrapped or used elsewhere.
    pub fn shared_backend(&self) -> Arc<dyn SessionBackend> {
        Arc::clone(&self.0.backend)
    }

    /// The rules.
    pub fn options(&self) -> &SessionOptions {
        &self.0.options
    }

    /// How old a key gets, if keys are renewed.
    pub(crate) fn renews_keys(&self) -> Option<Duration> {
        let every =
            self.options().key_renewal.filter(|_| self.0.capabilities.addressing == Addressing::Hashed);
        every.map(|every| every.max(OVERLAP))
    }

    fn fresh(&self) -> Session {
        Session::fresh(self.clone(), Content::new(self.now()))
    }

    pub(crate) fn new_key(&self) -> Result<SessionKey> {
        SessionKey::generate(self.0.capabilities.addressing)
    }

    /// The key that an engine has issued with a write, if it issues them.
    ///
    /// # Errors
    ///
    /// `Misconfigured` for a value that would never come back: the engine breaks its contract.
    pub(crate) fn issued(&self, written: &Written) -> Result<Option<SessionKey>> {
        let Some(value) = &written.present else { return Ok(None) };
        let refused = || Error::new(ErrorKind::Misconfigured, "the engine issued what no cookie can hold");
        self.parse_key(value).ok_or_else(refused).map(Some)
    }

    /// Whether visitors bear their sessions themselves: what the browser is not told is lost.
    pub(crate) fn are_presented(&self) -> bool {
        self.0.capabilities.addressing == Addressing::Presented
    }

    pub(crate) fn recognises_own_write(&self) -> bool {
        self.0.capabilities.recognises_own_write
    }

    pub(crate) fn queues(&self) -> &Queues {
        &self.0.queues
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.options().clock.now()
    }

    /// When an operation that begins now must be over.
    pub(crate) fn time_limit_from_now(&self) -> Timestamp {
        self.now().plus(self.options().time_limit)
    }

    /// How long that is from now; never longer than the limit, should the clock be set back.
    pub(crate) fn left(&self, until: Timestamp) -> Duration {
        until.since(self.now()).min(self.options().time_limit)
    }

    /// `work`, or an error of the kind `late` after `limit`.
    pub(crate) async fn bounded<T>(
        &self,
        limit: Duration,
        late: ErrorKind,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let answer = in_time(&*self.options().clock, limit, work).await;
        let silent = || Error::new(late, format!("the session store did not answer within {limit:?}"));
        answer.unwrap_or_else(|| Err(silent()))
    }
}
