//! A few connections, each in one call's hands at a time.
//!
//! sqlx's own pool asks a connection how it is whenever it comes back: one more flight for every call,
//! and the next one waits for it. Here a connection that has answered is trusted. Whoever finds one dead
//! lets go of all that lie idle, since what has ended one, a restart, has ended them all.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::{ConnectOptions, Connection, Executor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

/// Behind a connection that has been silent for longer a server may have gone away: a write, which must
/// not get lost there, asks first.
const SILENCE: Duration = Duration::from_secs(1);
/// For the answer to that.
const PING_WAIT: Duration = Duration::from_secs(1);
/// One that has been idle for longer is closed, before a firewall on the way forgets it.
const IDLE: Duration = Duration::from_mins(3);
/// For what is under way when the pool is closed: longer than any call.
const DRAIN_WAIT: Duration = Duration::from_secs(6);
/// For saying goodbye.
const GOODBYE_WAIT: Duration = Duration::from_secs(1);

type Options<DB> = <<DB as sqlx::Database>::Connection as Connection>::Options;

/// Clones are one pool.
pub(crate) struct Pool<DB: sqlx::Database>(Arc<Inner<DB>>);

struct Inner<DB: sqlx::Database> {
    options: Options<DB>,
    set_up: Option<&'static str>,
    /// A server is at the other end, which can go away.
    remote: bool,
    size: u32,
    turns: Arc<Semaphore>,
    /// The one that was used last is the last.
    idle: Mutex<Vec<Idle<DB>>>,
}

struct Idle<DB: sqlx::Database> {
    connection: DB::Connection,
    since: Instant,
}

/// A connection, for one call. Unless it is given back, it is closed.
pub(crate) struct Lease<DB: sqlx::Database> {
    pub(crate) connection: DB::Connection,
    /// It may have died since it was used last.
    pub(crate) reused: bool,
    pool: Pool<DB>,
    _turn: OwnedSemaphorePermit,
}

impl<DB: sqlx::Database> Pool<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    /// Of up to `size` connections, of which none is made before it is needed.
    pub(crate) fn new(options: Options<DB>, size: u32, remote: bool, set_up: Option<&'static str>) -> Self {
        // sqlx would log the text of slow statements, and that may hold values.
        let options = options.disable_statement_logging();
        let turns = Arc::new(Semaphore::new(size as usize));
        Self(Arc::new(Inner { options, set_up, remote, size, turns, idle: Mutex::default() }))
    }

    /// A connection, once it is this call's turn: one that answers now, for a write.
    ///
    /// # Errors
    ///
    /// Nothing was sent but what opens a connection.
    pub(crate) async fn lease(&self, writes: bool, until: Instant) -> sqlx::Result<Lease<DB>> {
        timeout_at(until, self.take(writes)).await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    async fn take(&self, writes: bool) -> sqlx::Result<Lease<DB>> {
        let closed = |_| sqlx::Error::PoolClosed;
        let turn = Arc::clone(&self.0.turns).acquire_owned().await.map_err(closed)?;
        let newest = self.idle().pop();
        if let Some(Idle { mut connection, since }) = newest {
            let silent = if self.0.remote { since.elapsed() } else { Duration::ZERO };
            let alive = if writes && silent > SILENCE {
                matches!(timeout(PING_WAIT, connection.ping()).await, Ok(Ok(())))
            } else {
                silent <= IDLE
            };
            if alive {
                return Ok(Lease { connection, reused: true, pool: self.clone(), _turn: turn });
            }
            self.forget_idle().detach_all();
        }
        let mut connection = self.0.options.connect().await?;
        if let Some(words) = self.0.set_up {
            connection.execute(sqlx::raw_sql(words)).await?;
        }
        Ok(Lease { connection, reused: false, pool: self.clone(), _turn: turn })
    }

    /// Waits until all are back, then closes them. Whether all came.
    pub(crate) async fn close(&self) -> bool {
        let all = timeout(DRAIN_WAIT, self.0.turns.acquire_many(self.0.size)).await;
        // While they are held, so that nobody slips in.
        self.0.turns.close();
        self.forget_idle().join_all().await;
        // An error: it had been closed before.
        all.is_ok()
    }
}

impl<DB: sqlx::Database> Pool<DB> {
    /// Closes all that lie idle.
    fn forget_idle(&self) -> JoinSet<()> {
        let idle = std::mem::take(&mut *self.idle());
        idle.into_iter().map(|idle| say_goodbye(idle.connection)).collect()
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle<DB>>> {
        self.0.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<DB: sqlx::Database> Lease<DB> {
    /// It has answered in full: the next call may have it.
    pub(crate) fn give_back(self) {
        let now = Instant::now();
        let mut idle = self.pool.idle();
        idle.push(Idle { connection: self.connection, since: now });
        let outlived = |oldest: &Idle<DB>| self.pool.0.remote && now - oldest.since > IDLE;
        let oldest = if idle.first().is_some_and(outlived) { Some(idle.remove(0)) } else { None };
        drop(idle);
        if let Some(Idle { connection, .. }) = oldest {
            tokio::spawn(say_goodbye(connection));
        }
    }

    /// It is dead, and so may be all that were not used since.
    pub(crate) fn bury(self) {
        self.pool.forget_idle().detach_all();
    }
}

/// Servers log a connection that is closed without a word.
async fn say_goodbye(connection: impl Connection) {
    // It is closed all the same.
    let _ = timeout(GOODBYE_WAIT, connection.close()).await;
}

impl<DB: sqlx::Database> Clone for Pool<DB> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
