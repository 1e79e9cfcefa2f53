//! One task that is timed, and when it stops.

use std::time::{Duration, Instant};

use tokio::task::{JoinSet, coop::consume_budget};

use crate::contender::payload;
use crate::meter::Cost;
use crate::{Contender, Operation, Result};

/// When a task stops.
#[derive(Clone, Copy, Debug)]
pub enum Pace {
    /// After so long.
    For(Duration),
    /// After so many operations.
    Times(u64),
}

/// What has been measured.
#[derive(Debug, Default)]
pub struct Timed {
    /// The operations' times, sorted.
    pub times: Vec<Duration>,
    /// From the first task's start to the last one's end.
    pub cost: Cost,
    /// What part of the updates was there in the end.
    pub kept: Option<f64>,
}

/// What one task has done.
pub(crate) struct Share<C: Contender> {
    pub(crate) sessions: Vec<C::Session>,
    pub(crate) times: Vec<Duration>,
}

/// One task: it draws its sessions in turn, which are nobody else's.
pub(crate) async fn work<C: Contender>(
    contender: &C,
    mut sessions: Vec<C::Session>,
    pace: Pace,
    operation: Operation,
    size: usize,
    mut turn: u64,
) -> Result<Share<C>> {
    let (began, mut times) = (Instant::now(), Vec::with_capacity(1 << 12));
    let all = sessions.len();
    while pace.goes_on(began, times.len()) && (operation != Operation::Delete || !sessions.is_empty()) {
        turn += 1;
        let next = times.len() % all.max(1);
        let before = Instant::now();
        match operation {
            Operation::Load => drop(contender.load(&sessions[next]).await?),
            Operation::Save => contender.save(&mut sessions[next], payload(size, turn)).await?,
            Operation::Touch => contender.touch(&mut sessions[next]).await?,
            Operation::Rotate => contender.rotate(&mut sessions[next], payload(size, turn)).await?,
            Operation::Delete => {
                if let Some(session) = sessions.pop() {
                    contender.delete(session).await?;
                }
            }
            _ => sessions.push(contender.create(payload(size, turn)).await?),
        }
        times.push(before.elapsed());
        // What never waits must let the others go on, too.
        consume_budget().await;
    }
    Ok(Share { sessions, times })
}

impl Pace {
    pub(crate) fn goes_on(self, began: Instant, done: usize) -> bool {
        match self {
            Self::For(limit) => began.elapsed() < limit,
            Self::Times(times) => (done as u64) < times,
        }
    }
}

/// What all tasks have done.
pub(crate) async fn joined<T: 'static>(mut tasks: JoinSet<Result<T>>) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(tasks.len());
    while let Some(one) = tasks.join_next().await {
        all.push(one??);
    }
    Ok(all)
}
