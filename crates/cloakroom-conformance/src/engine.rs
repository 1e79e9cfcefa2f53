//! What a case is given: an empty store, the clock it goes by, and ids and records to fill it with.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Addressing, Clock, ManualClock, Read, Record, Revision, Saved, SessionBackend, SessionId, SessionIndex,
    SessionKey, SessionOptions, Sessions, Sleep, Stamp, Stored, Timestamp,
};

use crate::Limit;
use crate::carried::Carried;
use crate::jar::{Browsers, Jar};
use crate::search::Effort;
use crate::storage::walk::walked;

/// When a case begins: in January 2027.
pub(crate) const START: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// No case needs as long, on any engine.
const TIME_LIMIT: Duration = Duration::from_mins(1);

/// An empty store, and what must live as long as it.
pub struct Setup {
    backend: Arc<dyn SessionBackend>,
    kept: Option<Box<dyn Any + Send + Sync>>,
}

impl Setup {
    /// An engine, and something to keep alive beside it.
    pub fn keeping(backend: impl SessionBackend, kept: impl Any + Send + Sync) -> Self {
        Self { backend: Arc::new(backend), kept: Some(Box::new(kept)) }
    }
}

impl<B: SessionBackend> From<B> for Setup {
    fn from(backend: B) -> Self {
        Self { backend: Arc::new(backend), kept: None }
    }
}

impl fmt::Debug for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup").field("backend", &self.backend).field("keeps", &self.kept.is_some()).finish()
    }
}

/// The engine under test. It derefs to the engine as a case sees it: by ids that stay.
#[derive(Debug)]
pub struct Engine {
    /// The engine itself.
    pub backend: Arc<dyn SessionBackend>,
    /// The same, given records that are sessions in its format, if it has one.
    pub(crate) carried: Arc<dyn SessionBackend>,
    /// That behind the visitors' browsers, if those bear their sessions.
    visited: Arc<dyn SessionBackend>,
    browsers: Option<Arc<Browsers>>,
    /// The clock it goes by.
    pub clock: ManualClock,
    sequence: AtomicU64,
    /// What must live as long as the engine.
    _setup: Setup,
}

/// Runs a case on an engine of its own, and fails it if it hangs.
pub async fn run<Making, Running>(
    make: impl FnOnce(Arc<dyn Clock>) -> Making,
    case: impl FnOnce(Engine) -> Running,
) where
    Making: Future<Output = Setup>,
    Running: Future<Output = ()>,
{
    let clock = ManualClock::at(START);
    let setup = make(Arc::new(clock.clone())).await;
    let engine = Engine::new(setup, clock);
    // Those that search take the time that they are given.
    let limit = TIME_LIMIT + Effort::from_environment().time * 2;
    tokio::time::timeout(limit, case(engine)).await.expect("the case hung");
}

impl Engine {
    fn new(setup: Setup, clock: ManualClock) -> Self {
        let backend = Arc::clone(&setup.backend);
        let presented = backend.capabilities().addressing == Addressing::Presented;
        let browsers = presented.then(Arc::default);
        let carried: Arc<dyn SessionBackend> = match backend.format() {
            None => Arc::clone(&backend),
            Some(_) => Arc::new(Carried::new(Arc::clone(&backend), clock.clone())),
        };
        let visited = visited(Arc::clone(&carried), browsers.as_ref());
        Self { backend, carried, visited, browsers, clock, sequence: AtomicU64::new(1), _setup: setup }
    }

    /// A fresh id, and the one that its session would get by rotation.
    pub fn ids(&self) -> (SessionId, SessionId) {
        let key = SessionKey::generate(self.backend.capabilities().addressing).unwrap();
        (key.id(), key.rotated().unwrap().id())
    }

    /// A fresh id.
    pub fn id(&self) -> SessionId {
        self.ids().0
    }

    /// A record that nobody owns and that lives for an hour, with a stamp of its own.
    pub fn record(&self, payload: &str) -> Record {
        self.record_for(payload, None)
    }

    /// The same, owned.
    pub fn record_for(&self, payload: &str, owner: Option<&str>) -> Record {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        let stamp = Stamp { sequence, nonce: sequence.wrapping_mul(0x9e37_79b9_7f4a_7c15) };
        let payload = Bytes::copy_from_slice(payload.as_bytes());
        Record::new(payload, self.now().plus(Duration::from_hours(1)), owner.map(str::to_owned), stamp)
    }

    /// What the clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Moves the clock.
    pub fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// Stores a record under an id that is free.
    pub async fn put(&self, id: &SessionId, record: &Record) -> Revision {
        written(self.visited.create(id, record).await.unwrap())
    }

    /// What lives under an id.
    pub async fn get(&self, id: &SessionId) -> Option<Stored> {
        self.visited.load(id, Read::Latest).await.unwrap()
    }

    /// The payload of what lives under an id.
    pub async fn payload(&self, id: &SessionId) -> Option<Bytes> {
        self.get(id).await.map(|stored| stored.record.payload)
    }

    /// The engine as cases call it that store what is no session: in its format, if it has one, as it is.
    pub(crate) fn bare(&self) -> Arc<dyn SessionBackend> {
        visited(Arc::clone(&self.backend), self.browsers.as_ref())
    }

    /// The engine's index. Without one, just the documented limit must show: listing and revoking are
    /// unsupported, and do not answer as if nobody had a session.
    pub async fn index_or_limit(&self) -> Option<&dyn SessionIndex> {
        if self.lacks(Limit::Index).await { None } else { self.backend.index() }
    }

    /// Whether a write that is sent once more is known again; else it is seen that it is not.
    pub async fn recognises_own_write(&self) -> bool {
        !self.lacks(Limit::OwnWrites).await
    }

    /// How many sessions are stored, where that can be asked.
    pub async fn records(&self) -> Option<usize> {
        match self.backend.walk() {
            Some(_) => Some(walked(&*self.backend, 1_000).await.unwrap().len()),
            None => None,
        }
    }

    /// Sessions in this engine, by the default rules.
    pub fn sessions(&self) -> Sessions {
        self.sessions_with(|_| {})
    }

    /// Sessions in this engine, by other rules.
    pub fn sessions_with(&self, change: impl FnOnce(&mut SessionOptions)) -> Sessions {
        self.sessions_over(Arc::clone(&self.backend), change)
    }

    /// Sessions in this engine that really wait between attempts, however the clock stands.
    pub fn sessions_that_wait(&self) -> Sessions {
        self.sessions_with(|options| options.clock = self.waiting_clock())
    }

    /// The case's clock, except that sleeping takes real time: for tasks that get in each other's way.
    pub fn waiting_clock(&self) -> Arc<dyn Clock> {
        Arc::new(Waiting(self.clock.clone()))
    }

    /// Sessions in a wrapper around this engine. Their visitors' browsers know all values that any sessions
    /// of this engine have handed out.
    pub fn sessions_over(
        &self,
        backend: impl SessionBackend,
        change: impl FnOnce(&mut SessionOptions),
    ) -> Sessions {
        self.sessions_by_value_over(visited(Arc::new(backend), self.browsers.as_ref()), change)
    }

    /// Sessions whose keys are what was handed out, and nothing else: a case that uses them sees to itself
    /// what a browser holds.
    pub fn sessions_by_value(&self, change: impl FnOnce(&mut SessionOptions)) -> Sessions {
        self.sessions_by_value_over(Arc::clone(&self.backend), change)
    }

    /// The same, in a wrapper around this engine.
    pub fn sessions_by_value_over(
        &self,
        backend: impl SessionBackend,
        change: impl FnOnce(&mut SessionOptions),
    ) -> Sessions {
        let mut options = SessionOptions::default();
        options.clock = Arc::new(self.clock.clone());
        change(&mut options);
        Sessions::with(backend, options)
    }
}

#[derive(Debug)]
struct Waiting(ManualClock);

impl Clock for Waiting {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

impl Deref for Engine {
    type Target = Arc<dyn SessionBackend>;

    fn deref(&self) -> &Self::Target {
        &self.visited
    }
}

/// A backend, behind the browsers if there are any.
fn visited(backend: Arc<dyn SessionBackend>, browsers: Option<&Arc<Browsers>>) -> Arc<dyn SessionBackend> {
    match browsers {
        Some(browsers) => Arc::new(Jar::new(backend, Arc::clone(browsers))),
        None => backend,
    }
}

/// The revision of a write that was done.
pub(crate) fn written(saved: Saved) -> Revision {
    match saved {
        Saved::Written(written) => written.revision,
        other => panic!("not written: {other:?}"),
    }
}
