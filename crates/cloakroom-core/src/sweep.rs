//! Removing what has expired: at once, or from time to time beside a site that is served.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::{ErrorKind, Result, Sessions, Timestamp, notice};

/// The fewest and the most records that one step removes.
const BATCHES: (u32, u32) = (50, 1_000);
/// A step that takes longer was too large: writers wait for it. One that takes less than half was too small.
const STEP: Duration = Duration::from_millis(20);

/// What one step of a sweep has come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Swept {
    /// How many records it has removed.
    pub removed: u64,
    /// Whether more may be left: the limit was reached, or the time that a step may take.
    pub more: bool,
}

impl Swept {
    /// A step that ends only at its limit.
    pub fn of(removed: u64, limit: u32) -> Self {
        Self { removed, more: removed >= u64::from(limit) }
    }
}

impl Sessions {
    /// Removes all records whose deadline is `before` or earlier, and says how many. What is removed in one
    /// step is kept so small that other writers wait for a few hundredths of a second at most, and after
    /// each step the store has as long for them.
    ///
    /// Beside a site, pass a moment an hour ago, as [`ClearExpired`] does: a host whose clock runs fast
    /// then removes nobody's living session.
    ///
    /// # Errors
    ///
    /// As [`SessionBackend::clear_expired`](crate::SessionBackend::clear_expired); what was removed by then
    /// stays removed.
    pub async fn clear_expired(&self, before: Timestamp) -> Result<u64> {
        self.clear_expired_telling(before, |_| {}).await
    }

    /// The same, and tells after each step how many are removed by then.
    ///
    /// # Errors
    ///
    /// As [`clear_expired`](Sessions::clear_expired).
    pub async fn clear_expired_telling(
        &self,
        before: Timestamp,
        mut tell: impl FnMut(u64) + Send,
    ) -> Result<u64> {
        let clock = &self.options().clock;
        let (mut batch, mut cleared) = (BATCHES.0, 0);
        loop {
            let began = clock.now();
            let step = self.backend().clear_expired(before, batch);
            let Swept { removed, more } =
                self.bounded(self.options().time_limit, ErrorKind::Unknown, step).await?;
            cleared += removed;
            tell(cleared);
            if !more {
                return Ok(cleared);
            }
            let took = clock.now().since(began);
            if took > STEP {
                batch = (batch / 2).max(BATCHES.0);
            } else if took < STEP / 2 {
                batch = (batch * 2).min(BATCHES.1);
            }
            if !took.is_zero() {
                clock.sleep(took).await;
            }
        }
    }
}

/// Sweeps from time to time, as long as an application runs. Several processes may do it at once.
///
/// ```
/// use cloakroom_core::{ClearExpired, Memory, Sessions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let sessions = Sessions::new(Memory::new());
/// let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
/// let sweeps = tokio::spawn(ClearExpired::new(&sessions).run(async { drop(stopped.await) }));
/// // … the application is served …
/// drop(stop);
/// sweeps.await.unwrap();
/// # }
/// ```
#[must_use = "nothing is swept until it runs"]
#[derive(Clone, Debug)]
pub struct ClearExpired {
    sessions: Sessions,
    every: Duration,
    margin: Duration,
}

impl ClearExpired {
    /// Sweeps `sessions` at once and then every ten minutes, of what has been over for an hour.
    pub fn new(sessions: &Sessions) -> Self {
        Self { sessions: sessions.clone(), every: Duration::from_mins(10), margin: Duration::from_hours(1) }
    }

    /// How long it rests between two sweeps.
    pub fn every(mut self, span: Duration) -> Self {
        self.every = span;
        self
    }

    /// How long a record has been over before it is removed. It is by so much that a host's clock may be
    /// fast without ending anybody's session.
    pub fn margin(mut self, span: Duration) -> Self {
        self.margin = span;
        self
    }

    /// Sweeps until `shutdown` resolves. It stops at once, between two steps or within one, whose removals
    /// stand. A sweep that fails is told of by a warning event, and the next one goes on where it stopped.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = pin!(shutdown);
        let mut sweeps = pin!(self.sweeps());
        poll_fn(|context| match shutdown.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(()),
            Poll::Pending => sweeps.as_mut().poll(context),
        })
        .await;
    }

    /// Never ends by itself.
    async fn sweeps(&self) {
        let clock = &self.sessions.options().clock;
        loop {
            let before = clock.now().minus(self.margin);
            if let Err(error) = self.sessions.clear_expired(before).await {
                notice::sweep_fails(&error);
            }
            clock.sleep(self.every).await;
        }
    }
}
