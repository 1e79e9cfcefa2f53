//! A contender at work: its sessions are made, divided among tasks, and timed.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::Barrier;
use tokio::task::{JoinSet, coop::consume_budget};

use crate::contender::payload;
use crate::meter::Meter;
use crate::timing::{Pace, Share, Timed, joined, work};
use crate::{Contender, Operation, Result};

/// What has expired when a sweep begins, and what lives.
const EXPIRED: u64 = 100_000;
const ALIVE: u64 = 10_000;
/// How many tasks prepare and clean up, which nobody times.
const HELPERS: usize = 64;
/// A batch of deletes that takes less is too small to be timed.
const SHORTEST: Duration = Duration::from_millis(5);
const LARGEST_BATCH: u64 = 16_384;
/// What is not timed may take so many times as long as what is.
const PATIENCE: u32 = 6;

/// A [`Contender`] of whatever type.
#[async_trait]
pub trait Entrant: Send {
    /// Sees that there are so many sessions.
    async fn prepare(&mut self, live: u64) -> Result;
    /// How much its store keeps for each session.
    async fn bytes(&self) -> Result<Option<f64>>;
    /// Does it for a while.
    async fn run(&mut self, operation: Operation, tasks: usize, pace: Pace) -> Result<Timed>;
    /// Whether it can do that at all.
    fn does(&self, operation: Operation) -> bool;
}

/// A contender with its sessions.
pub struct Runner<C: Contender> {
    contender: Arc<C>,
    size: usize,
    live: u64,
    sessions: Vec<C::Session>,
    turn: u64,
}

impl<C: Contender> Runner<C> {
    /// Without a session yet, each of which will have `size` bytes.
    pub fn new(contender: C, size: usize) -> Self {
        Self { contender: Arc::new(contender), size, live: 0, sessions: Vec::new(), turn: 0 }
    }

    /// So many new sessions, untimed.
    async fn made(&mut self, number: u64) -> Result<Vec<C::Session>> {
        let mut tasks = JoinSet::new();
        for helper in 0..HELPERS as u64 {
            let (contender, size, first) = (Arc::clone(&self.contender), self.size, self.turn);
            tasks.spawn(async move {
                let mut made = Vec::new();
                for turn in (helper..number).step_by(HELPERS) {
                    made.push(contender.create(payload(size, first + turn)).await?);
                }
                Ok(made)
            });
        }
        self.turn += number;
        Ok(joined(tasks).await?.into_iter().flatten().collect())
    }

    /// Ends them, untimed.
    async fn unmade(&self, sessions: Vec<C::Session>) -> Result {
        self.share(sessions, HELPERS, Pace::Times(u64::MAX), Operation::Delete, 0).await.map(drop)
    }

    /// Divides the sessions among the tasks, lets all of them begin at once, and waits for the last.
    async fn share(
        &self,
        sessions: Vec<C::Session>,
        tasks: usize,
        pace: Pace,
        operation: Operation,
        turn: u64,
    ) -> Result<(Vec<C::Session>, Timed)> {
        let mut shares: Vec<Vec<C::Session>> = (0..tasks).map(|_| Vec::new()).collect();
        for (number, session) in sessions.into_iter().enumerate() {
            shares[number % tasks].push(session);
        }
        let start = Arc::new(Barrier::new(tasks + 1));
        let mut running = JoinSet::new();
        for (task, mine) in shares.into_iter().enumerate() {
            let (contender, start, size) = (Arc::clone(&self.contender), Arc::clone(&start), self.size);
            let turn = turn + ((task as u64) << 40);
            running.spawn(async move {
                ready(&start).await;
                work(&*contender, mine, pace, operation, size, turn).await
            });
        }
        let meter = begun(&start).await;
        let shares: Vec<Share<C>> = joined(running).await?;
        let mut timed = Timed { cost: meter.stop(), ..Timed::default() };
        let mut sessions = Vec::new();
        for share in shares {
            sessions.extend(share.sessions);
            timed.times.extend(share.times);
        }
        timed.times.sort_unstable();
        Ok((sessions, timed))
    }

    /// Deletes what was made for that: the making is not timed, and there is always enough to delete.
    async fn deleted(&mut self, tasks: usize, pace: Pace) -> Result<Timed> {
        let (mut sum, began) = (Timed::default(), Instant::now());
        let mut batch = tasks.max(HELPERS) as u64;
        loop {
            let left = match pace {
                Pace::For(_) => batch,
                Pace::Times(number) => {
                    batch.min((number * tasks as u64).saturating_sub(sum.times.len() as u64))
                }
            };
            let sessions = self.made(left).await?;
            let (_, batched) =
                self.share(sessions, tasks, Pace::Times(u64::MAX), Operation::Delete, self.turn).await?;
            let took = batched.cost.took;
            sum.cost.add(batched.cost);
            sum.times.extend(batched.times);
            let is_over = match pace {
                Pace::For(limit) => sum.cost.took >= limit || began.elapsed() >= limit * PATIENCE,
                Pace::Times(number) => sum.times.len() as u64 >= number * tasks as u64,
            };
            if is_over {
                sum.times.sort_unstable();
                return Ok(sum);
            }
            if took < SHORTEST {
                batch = (batch * 2).min(LARGEST_BATCH);
            }
        }
    }

    /// All tasks count up in one session, which is gone afterwards.
    async fn updated(&mut self, tasks: usize, pace: Pace) -> Result<Timed> {
        let shared = Arc::new(self.contender.shared(payload(self.size, 0)).await?);
        let (mut running, start) = (JoinSet::new(), Arc::new(Barrier::new(tasks + 1)));
        for _ in 0..tasks {
            let (contender, shared, start) =
                (Arc::clone(&self.contender), Arc::clone(&shared), Arc::clone(&start));
            running.spawn(async move {
                ready(&start).await;
                let (began, mut times) = (Instant::now(), Vec::new());
                while pace.goes_on(began, times.len()) {
                    let before = Instant::now();
                    contender.update(&shared).await?;
                    times.push(before.elapsed());
                    consume_budget().await;
                }
                Ok(times)
            });
        }
        let meter = begun(&start).await;
        let mut times: Vec<_> = joined(running).await?.into_iter().flatten().collect();
        let cost = meter.stop();
        times.sort_unstable();
        let kept = self.contender.counted(&shared).await?;
        if let Ok(shared) = Arc::try_unwrap(shared).map_err(drop) {
            self.contender.delete(shared).await?;
        }
        Ok(Timed { kept: Some(ratio(kept, times.len() as u64)), times, cost })
    }

    /// Somebody saves for as long as a sweep takes: the times are those of the saves.
    async fn swept(&mut self) -> Result<Timed> {
        self.contender.crowd(EXPIRED, ALIVE.saturating_sub(self.live)).await?;
        let sweeper = Arc::clone(&self.contender);
        let mut sessions = mem::take(&mut self.sessions);
        let meter = Meter::start();
        let sweep = tokio::spawn(async move { sweeper.sweep().await });
        let (mut times, all) = (Vec::new(), sessions.len());
        while !sweep.is_finished() {
            self.turn += 1;
            let text = payload(self.size, self.turn);
            let before = Instant::now();
            self.contender.save(&mut sessions[times.len() % all], text).await?;
            times.push(before.elapsed());
            consume_budget().await;
        }
        sweep.await??;
        let cost = meter.stop();
        self.sessions = sessions;
        times.sort_unstable();
        Ok(Timed { times, cost, kept: None })
    }
}

#[async_trait]
impl<C: Contender> Entrant for Runner<C> {
    async fn prepare(&mut self, live: u64) -> Result {
        if self.live >= live {
            return Ok(());
        }
        let more = live - self.live;
        // One by one as long as that is not too slow: so sessions are where an engine puts them.
        let filled = if live > ALIVE { self.contender.fill(more, ALIVE).await? } else { None };
        if let Some(some) = filled {
            self.sessions = some;
        } else {
            let made = self.made(more).await?;
            self.sessions.extend(made);
        }
        self.live = live;
        // Who stored less would be faster.
        for session in self.sessions.iter().take(10) {
            let stored = self.contender.load(session).await?;
            if stored < self.size {
                return Err(format!("it has stored {stored} bytes of {}", self.size).into());
            }
        }
        Ok(())
    }

    async fn bytes(&self) -> Result<Option<f64>> {
        self.contender.bytes(self.live).await
    }

    async fn run(&mut self, operation: Operation, tasks: usize, pace: Pace) -> Result<Timed> {
        match operation {
            Operation::Delete => return self.deleted(tasks, pace).await,
            Operation::Update => return self.updated(tasks, pace).await,
            Operation::Sweep => return self.swept().await,
            Operation::Create => {
                let (made, timed) = self.share(Vec::new(), tasks, pace, operation, self.turn).await?;
                self.turn += 1 << 20;
                self.unmade(made).await?;
                return Ok(timed);
            }
            _ => {}
        }
        let sessions = mem::take(&mut self.sessions);
        let (sessions, timed) = self.share(sessions, tasks, pace, operation, self.turn).await?;
        self.turn += 1 << 20;
        self.sessions = sessions;
        Ok(timed)
    }

    fn does(&self, operation: Operation) -> bool {
        !self.contender.lacks().contains(&operation)
    }
}

/// A task that goes when all are ready, and when somebody has looked at the clock since.
async fn ready(start: &Barrier) {
    start.wait().await;
    start.wait().await;
}

/// Lets all go that are ready. The clock runs before the first of them does, however late this one gets a processor again.
async fn begun(start: &Barrier) -> Meter {
    start.wait().await;
    let meter = Meter::start();
    start.wait().await;
    meter
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts that far")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

impl<C: Contender> fmt::Debug for Runner<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("size", &self.size).field("live", &self.live).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
