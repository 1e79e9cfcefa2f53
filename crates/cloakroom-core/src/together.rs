//! For engines whose store does many things at once as easily as one: calls that come while others are under way wait for them,
//! and are then made together.
//!
//! ```
//! use std::time::Duration;
//!
//! use cloakroom_core::together::{Queue, Together, Turn};
//! use tokio::time::Instant;
//!
//! /// Doubles numbers.
//! struct Doubles;
//!
//! impl Together for Doubles {
//!     type Call = u32;
//!     type Answer = u32;
//!
//!     fn takes(&self, group: &[u32], _: &u32) -> bool {
//!         group.len() < 64
//!     }
//!
//!     async fn make(&self, group: Vec<u32>) -> Vec<u32> {
//!         group.into_iter().map(|number| 2 * number).collect()
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let queue = Queue::new(Doubles, 2);
//! let by = Instant::now() + Duration::from_secs(4);
//! let doubled = match queue.join(|| 21, by, by).await {
//!     // Few are about: it is made here, and until the lead is dropped one fewer may be.
//!     Ok(Turn::Own(_lead)) => 2 * 21,
//!     Ok(Turn::Made(doubled)) => doubled,
//!     Err(late) => panic!("{late:?}"),
//! };
//! assert_eq!(doubled, 42);
//! # });
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};

/// A line that does not move for so long has leaders that nobody drives: futures that are not polled, a runtime that stands still.
const STANDSTILL: Duration = Duration::from_secs(1);

/// Makes several calls at once.
pub trait Together: Send + Sync + 'static {
    /// What is asked for.
    type Call: Send + 'static;
    /// What comes of one call.
    type Answer: Send + 'static;

    /// Whether one more may be made at the same time as `group`. What not even an empty group takes must not be brought into the line.
    fn takes(&self, group: &[Self::Call], call: &Self::Call) -> bool;

    /// Makes them, within a time of its own, and answers each in their order.
    fn make(&self, group: Vec<Self::Call>) -> impl Future<Output = Vec<Self::Answer>> + Send;
}

/// A line of calls.
///
/// While few are about, each is made at once, by its own task: nobody waits for company. Others wait, and when one of
/// the first is done, all that wait are made together, in a task that goes on until nobody waits. A caller who goes away holds up
/// nobody; what was begun for it is finished. Clones are one line.
pub struct Queue<T: Together>(Arc<Inner<T>>);

struct Inner<T: Together> {
    work: T,
    /// How many calls or groups may be under way.
    leaders: usize,
    line: Mutex<Line<T>>,
    /// Told when nothing is under way.
    idle: Notify,
}

struct Line<T: Together> {
    leading: usize,
    /// How often something came out of the line.
    moves: u64,
    next_ticket: u64,
    waiting: VecDeque<Waiting<T>>,
}

struct Waiting<T: Together> {
    ticket: u64,
    call: T::Call,
    turn: oneshot::Sender<Turn<T>>,
}

/// Of somebody in the line.
struct Place<T: Together> {
    ticket: u64,
    /// How often something had come out of it before.
    moves: u64,
    told: oneshot::Receiver<Turn<T>>,
}

/// What comes of waiting.
pub enum Turn<T: Together> {
    /// The call is to be made by who asked; without the right to it, if those who have that do nothing.
    Own(Option<Lead<T>>),
    /// It was made with others, and this is what came of it.
    Made(T::Answer),
}

/// Why there is neither.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Late {
    /// It was not made, and will not be.
    Waiting,
    /// It is being made, and nobody says what came of it.
    Making,
}

/// The right to have something under way. When it is dropped, those have it who wait.
pub struct Lead<T: Together> {
    queue: Queue<T>,
    /// Whose work makes groups.
    gathers: bool,
}

impl<T: Together> Queue<T> {
    /// An empty line, of which so many calls or groups may be under way.
    pub fn new(work: T, leaders: usize) -> Self {
        let line = Line { leading: 0, moves: 0, next_ticket: 0, waiting: VecDeque::new() };
        Self(Arc::new(Inner { work, leaders, line: Mutex::new(line), idle: Notify::new() }))
    }

    /// Waits for a turn until `turn`; and if the call is made with others, for what comes of it until `by`. `call` is asked
    /// for only if there is a wait. Within a runtime of tokio that tells the time.
    ///
    /// # Errors
    ///
    /// [`Late`], when there was no turn or no answer by then.
    pub async fn join(
        &self,
        call: impl FnOnce() -> T::Call,
        turn: Instant,
        by: Instant,
    ) -> Result<Turn<T>, Late> {
        let Place { ticket, moves, mut told } = match self.enter(call) {
            Ok(lead) => return Ok(Turn::Own(Some(lead))),
            Err(place) => place,
        };
        if let Ok(told) = timeout_at(turn.min(Instant::now() + STANDSTILL), &mut told).await {
            return told.map_err(|_| Late::Making);
        }
        if self.line().moves == moves && self.leave(ticket) {
            return if Instant::now() < turn { Ok(Turn::Own(None)) } else { Err(Late::Waiting) };
        }
        if let Ok(told) = timeout_at(turn, &mut told).await {
            return told.map_err(|_| Late::Making);
        }
        if self.leave(ticket) {
            return Err(Late::Waiting);
        }
        timeout_at(by, told).await.ok().and_then(Result::ok).ok_or(Late::Making)
    }

    /// Waits until nothing is under way, and nobody waits.
    pub async fn drained(&self) {
        loop {
            let idle = self.0.idle.notified();
            if self.line().leading == 0 {
                return;
            }
            idle.await;
        }
    }

    fn enter(&self, call: impl FnOnce() -> T::Call) -> Result<Lead<T>, Place<T>> {
        let mut line = self.line();
        if line.leading < self.0.leaders {
            line.leading += 1;
            return Ok(Lead { queue: self.clone(), gathers: false });
        }
        let (turn, told) = oneshot::channel();
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        line.waiting.push_back(Waiting { ticket, call: call(), turn });
        Err(Place { ticket, moves: line.moves, told })
    }

    /// Whether it was still in the line.
    fn leave(&self, ticket: u64) -> bool {
        let mut line = self.line();
        // Tickets ascend along the line.
        let place = line.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket);
        place.ok().and_then(|place| line.waiting.remove(place)).is_some()
    }

    fn line(&self) -> MutexGuard<'_, Line<T>> {
        #[cfg(test)]
        cloakroom_interleavings::point();
        self.0.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Together> Lead<T> {
    /// Makes what waits, group by group.
    async fn work(self) {
        loop {
            let (calls, turns) = self.gather();
            if calls.is_empty() {
                return;
            }
            let answers = self.queue.0.work.make(calls).await;
            for (turn, answer) in turns.into_iter().zip(answers) {
                // Who asked may have gone away.
                let _ = turn.send(Turn::Made(answer));
            }
        }
    }

    /// Takes out of the line what can be made together: the others wait on.
    fn gather(&self) -> (Vec<T::Call>, Vec<oneshot::Sender<Turn<T>>>) {
        let mut line = self.queue.line();
        let (mut calls, mut turns) = (Vec::new(), Vec::new());
        line.moves += 1;
        for waiting in std::mem::take(&mut line.waiting) {
            if self.queue.0.work.takes(&calls, &waiting.call) {
                // Nobody waits for the answer to a call of somebody who has gone away.
                if !waiting.turn.is_closed() {
                    calls.push(waiting.call);
                    turns.push(waiting.turn);
                }
            } else {
                line.waiting.push_back(waiting);
            }
        }
        (calls, turns)
    }

    /// Gives this turn to the first who still waits, to be made by itself; if nobody does, it ends.
    fn pass_on(&self) {
        loop {
            let mut line = self.queue.line();
            line.moves += 1;
            let Some(Waiting { turn, .. }) = line.waiting.pop_front() else {
                line.leading -= 1;
                if line.leading == 0 {
                    self.queue.0.idle.notify_waiters();
                }
                return;
            };
            drop(line);
            // Outside of the lock: a turn that is not taken comes back here by its own drop.
            if !turn.is_closed() {
                let _ = turn.send(Turn::Own(Some(Lead { queue: self.queue.clone(), gathers: false })));
                return;
            }
        }
    }
}

impl<T: Together> Drop for Lead<T> {
    fn drop(&mut self) {
        let nobody_waits = self.queue.line().waiting.is_empty();
        match Handle::try_current() {
            // A task that ends with somebody in the line may be on a runtime that ends: one begun there might never run.
            Ok(runtime) if !nobody_waits && !self.gathers => {
                let lead = Self { queue: self.queue.clone(), gathers: true };
                runtime.spawn(lead.work());
            }
            _ => self.pass_on(),
        }
    }
}

impl<T: Together> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Together> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line();
        f.debug_struct("Queue").field("leading", &line.leading).field("waiting", &line.waiting.len()).finish()
    }
}

impl<T: Together> fmt::Debug for Lead<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lead").field("gathers", &self.gathers).finish_non_exhaustive()
    }
}

impl<T: Together> fmt::Debug for Turn<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own(_) => "Own",
            Self::Made(_) => "Made",
        })
    }
}

#[cfg(test)]
mod tests;
