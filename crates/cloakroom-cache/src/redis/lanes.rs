//! A few long-lived connections that everybody shares, and their replacement.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Result};
use deadpool::managed::{Object, Pool};
use redis::{RedisError, ServerError, ServerErrorKind};
use tokio::runtime::Handle;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::Connection;
use super::failure;
use super::maker::{Maker, of_pool};

/// One server answers in a second or not at all; a Sentinel is asked first, and a Cluster about its slots.
const CONNECT_LIMIT: Duration = Duration::from_millis(2_500);
/// After so many answers in a row that did not come, a connection is taken for dead.
const MOST_LATE: u32 = 3;

/// Connections, each used by many callers at once: none is checked out, and none is asked whether it lives.
/// When one fails all are replaced, since the others may still be with a server that no longer counts: by the
/// next caller, while others who come wait for the outcome of that attempt.
pub(super) struct Lanes {
    pool: Pool<Maker>,
    pub(super) shared: Box<[Lane]>,
    durable: Box<[Lane]>,
    turn: AtomicUsize,
    /// Counts failures. A connection from before the last one is not used any more.
    era: AtomicU64,
    /// Where the connections' tasks run: the runtime that opened them, and not that of a worker that may end.
    pub(super) home: Handle,
    shown: String,
    /// There was a connection: it can't be the settings that keep the next one from being made.
    reached: AtomicBool,
}

/// Who uses a connection.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Everybody.
    Shared,
    /// Who waits for replicas: whoever comes behind waits as well.
    Durable,
}

#[derive(Default)]
pub(super) struct Lane {
    used: RwLock<Option<Used>>,
    /// Held by who connects. When the last attempt failed, and how.
    mending: Mutex<Option<(Instant, Error)>>,
}

struct Used {
    live: Arc<Live>,
    /// The pool's: what it holds the place for.
    place: Object<Maker>,
}

/// A connection, as long as it works.
pub(super) struct Live {
    connection: Connection,
    era: u64,
    late: AtomicU32,
}

impl Live {
    pub(super) fn connection(&self) -> Connection {
        self.connection.clone()
    }

    /// An answer came. From a Cluster's other nodes answers come all the same when one of them is dead.
    pub(super) fn is_well(&self) {
        if !self.connection.is_cluster() && self.late.load(Ordering::Relaxed) > 0 {
            self.late.store(0, Ordering::Relaxed);
        }
    }
}

impl Lanes {
    /// So many lanes, none of them connected yet. Within a runtime of tokio.
    ///
    /// # Errors
    ///
    /// `Misconfigured` outside of one.
    pub(super) fn new(maker: Maker, shared: usize, durable: usize, shown: &str) -> Result<Self> {
        let home = Handle::try_current().map_err(|source| {
            Error::caused(ErrorKind::Misconfigured, "a session cache needs a runtime of tokio", source)
        })?;
        let pool = Pool::builder(maker).max_size(shared + durable).build().map_err(|source| {
            Error::caused(ErrorKind::Misconfigured, "the session cache has no connections", source)
        })?;
        let lanes = |count| std::iter::repeat_with(Lane::default).take(count).collect();
        Ok(Self {
            pool,
            shared: lanes(shared),
            durable: lanes(durable),
            turn: AtomicUsize::new(0),
            era: AtomicU64::new(0),
            home,
            shown: shown.to_owned(),
            reached: AtomicBool::new(false),
        })
    }

    /// Whose turn it is.
    pub(super) fn turn(&self) -> usize {
        self.turn.fetch_add(1, Ordering::Relaxed)
    }

    /// The connection whose turn it is, if there is one.
    pub(super) fn ready(&self, kind: Kind, turn: usize) -> Option<Arc<Live>> {
        self.peek(self.at(kind, turn))
    }

    /// The same, or a new one.
    ///
    /// # Errors
    ///
    /// What kept it from connecting by `until`: nothing was sent.
    pub(super) async fn connected(&self, kind: Kind, turn: usize, until: Instant) -> Result<Arc<Live>> {
        let lane = self.at(kind, turn);
        match self.peek(lane) {
            Some(live) => Ok(live),
            // Another will do if this one can't be had.
            None => self
                .mend(lane, until)
                .await
                .or_else(|error| self.all(kind).iter().find_map(|lane| self.peek(lane)).ok_or(error)),
        }
    }

    fn at(&self, kind: Kind, turn: usize) -> &Lane {
        let lanes = self.all(kind);
        &lanes[turn % lanes.len()]
    }

    fn all(&self, kind: Kind) -> &[Lane] {
        match kind {
            Kind::Shared => &self.shared,
            Kind::Durable => &self.durable,
        }
    }

    fn peek(&self, lane: &Lane) -> Option<Arc<Live>> {
        #[cfg(test)]
        cloakroom_interleavings::point();
        let used = lane.used.read().unwrap_or_else(PoisonError::into_inner);
        let live = used.as_ref().map(|used| &used.live);
        live.filter(|live| live.era == self.era.load(Ordering::Acquire)).cloned()
    }

    async fn mend(&self, lane: &Lane, until: Instant) -> Result<Arc<Live>> {
        let asked = Instant::now();
        let mending = timeout_at(until, lane.mending.lock()).await;
        let mut mending = mending.map_err(|_| self.unreached())?;
        if let Some(live) = self.peek(lane) {
            return Ok(live);
        }
        if let Some((failed, error)) = &*mending
            && *failed >= asked
        {
            return Err(error.clone());
        }
        // Its place is needed.
        lane.put(None);
        let era = self.era.load(Ordering::Acquire);
        let connected = timeout_at(until, self.connect()).await.unwrap_or_else(|_| Err(self.unreached()));
        match connected {
            Ok(place) => {
                let live = Arc::new(Live { connection: place.clone(), era, late: AtomicU32::new(0) });
                self.reached.store(true, Ordering::Relaxed);
                lane.put(Some(Used { live: Arc::clone(&live), place }));
                Ok(live)
            }
            Err(error) => {
                *mending = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    async fn connect(&self) -> Result<Object<Maker>> {
        let pool = self.pool.clone();
        let connecting = self.home.spawn(async move { timeout(CONNECT_LIMIT, pool.get()).await });
        let connected = match connecting.await {
            Ok(connected) => connected,
            // That runtime has ended.
            Err(_) => timeout(CONNECT_LIMIT, self.pool.get()).await,
        };
        connected.map_err(|_| self.unreached())?.map_err(|error| {
            let error = failure::while_connecting(&self.shown, of_pool(error));
            // A server with too many clients refuses them as it refuses a wrong password.
            match error.kind() {
                ErrorKind::Misconfigured if self.reached.load(Ordering::Relaxed) => {
                    Error::caused(ErrorKind::Unavailable, error.to_string(), error)
                }
                _ => error,
            }
        })
    }

    fn unreached(&self) -> Error {
        let message = format!("the session cache {:?} can't be reached in time", self.shown);
        Error::new(ErrorKind::Unavailable, message)
    }

    /// No answer came in time.
    pub(super) fn late(&self, live: &Live) {
        if live.late.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_LATE {
            self.discard(live);
        }
    }

    /// The connection has failed. A Cluster's mends itself, as long as its task lives.
    pub(super) fn failed(&self, live: &Live, error: &RedisError) {
        if live.connection.is_cluster() {
            self.late(live);
        } else if error.is_unrecoverable_error() {
            self.discard(live);
        }
    }

    /// The server has refused. One that has become a replica will go on: a new connection finds the primary.
    pub(super) fn refused(&self, live: &Live, refusal: &ServerError) {
        if refusal.kind() == Some(ServerErrorKind::ReadOnly) {
            self.discard(live);
        }
    }

    /// Who waits for an answer may still get it. Many may notice one failure: it counts once.
    fn discard(&self, live: &Live) {
        #[cfg(test)]
        cloakroom_interleavings::point();
        let _ = self.era.compare_exchange(live.era, live.era + 1, Ordering::AcqRel, Ordering::Relaxed);
    }

    /// Lets go of all connections. What was sent is still answered.
    pub(super) fn close(&self) {
        self.pool.close();
        for lane in self.shared.iter().chain(&self.durable) {
            lane.put(None);
        }
    }
}

impl Lane {
    fn put(&self, used: Option<Used>) {
        #[cfg(test)]
        cloakroom_interleavings::point();
        let before = std::mem::replace(&mut *self.used.write().unwrap_or_else(PoisonError::into_inner), used);
        // Its end is not waited for under the lock. What was in use is not the pool's any more: in there are only
        // connections whose callers had left before they were made.
        drop(before.map(|used| Object::take(used.place)));
    }
}

#[cfg(test)]
mod tests;
