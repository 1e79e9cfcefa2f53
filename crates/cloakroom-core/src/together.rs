//! For engines whose store does many things at once as easily as one: calls that come while others are under way wait for them,
//! and are then made together.
//!
//! ```
//! use std::time::Duration;
//!
//! use cloakroom_core::together::{Line, Together, Turn};
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
//!
//!     fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
//!         tokio::spawn(work);
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let line = Line::new(Doubles, 2);
//! let by = Instant::now() + Duration::from_secs(4);
//! let doubled = match line.join(|| 21, by, by).await {
//!     // Few are about: it is made here, and until the lead is dropped one fewer may be.
//!     Ok(Turn::Own(_lead)) => 2 * 21,
//!     Ok(Turn::Made(doubled)) => doubled,
//!     Err(late) => panic!("{late:?}"),
//! };
//! assert_eq!(doubled, 42);
//! # });
//! ```

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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

    /// Whether one more may be made at the same time as `group`. What not even an empty group takes is to be made without the line: there it
    /// would wait for as long as others come. Asked under the line's lock: it must be quick, and must not use the line.
    fn takes(&self, group: &[Self::Call], call: &Self::Call) -> bool;

    /// Makes them, within a time of its own, and answers each in their order. Whoever gets no answer, since there are fewer than calls or it
    /// panics, is told [`Late::Making`].
    fn make(&self, group: Vec<Self::Call>) -> impl Future<Output = Vec<Self::Answer>> + Send;

    /// Begins `work`, which makes groups, in a task of its own; where there can be none, drops it. It is best done where the
    /// connections' own tasks run: a worker that is busy would hold everybody up.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static);
}

/// A line of calls.
///
/// While few are about, each is made at once, by its own task: nobody waits for company. Others wait, and when one of
/// the first is done, all that wait are made together, in a task that goes on until nobody waits. A caller who goes away holds up
/// nobody; what was begun for it in a group is finished. Calls under way at the same time have no order among them. Clones are one line.
pub struct Line<T: Together>(Arc<Inner<T>>);

struct Inner<T: Together> {
    work: T,
    /// How many calls or groups may be under way.
    leaders: usize,
    state: Mutex<State<T>>,
    /// Told when nothing is under way.
    idle: Notify,
}

struct State<T: Together> {
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
    /// The call is to be made by who asked, who keeps the lead until it is made. None: for a second nothing has come out of the line. The call
    /// is to be made all the same; it does not count among those under way.
    Own(Option<Lead<T>>),
    /// It was made with others, and this is what came of it.
    Made(T::Answer),
}

/// Why there is neither.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Late {
    /// It was not made, and will not be.
    Waiting,
    /// It is being made, and nobody says what came of it.
    Making,
}

/// The right to have a call under way. When it is dropped, a group of those begins who wait.
#[must_use = "others wait until it is dropped"]
pub struct Lead<T: Together> {
    line: Line<T>,
    /// Whose work makes groups.
    gathers: bool,
}

impl<T: Together> Line<T> {
    /// An empty line, of which so many calls or groups, at least one, may be under way.
    pub fn new(work: T, leaders: usize) -> Self {
        let state = Mutex::new(State { leading: 0, moves: 0, next_ticket: 0, waiting: VecDeque::new() });
        Self(Arc::new(Inner { work, leaders: leaders.max(1), state, idle: Notify::new() }))
    }

    /// Waits for a turn until `turn`; and if the call is made with others, for what comes of it until `by`. `call` is asked
    /// for only if there is a wait, under the line's lock.
    ///
    /// # Errors
    ///
    /// [`Late`], when there was no turn or no answer by then.
    ///
    /// # Panics
    ///
    /// Outside of a runtime of tokio that tells the time, if it has to wait.
    pub async fn join(
        &self,
        call: impl FnOnce() -> T::Call,
        turn: Instant,
        by: Instant,
    ) -> Result<Turn<T>, Late> {
        let Place { ticket, mut moves, mut told } = match self.enter(call) {
            Ok(lead) => return Ok(Turn::Own(Some(lead))),
            Err(place) => place,
        };
        while Instant::now() < turn {
            if let Ok(told) = timeout_at(turn.min(Instant::now() + STANDSTILL), &mut told).await {
                return told.map_err(|_| Late::Making);
            }
            let before = std::mem::replace(&mut moves, self.state().moves);
            if moves == before && Instant::now() < turn && self.leave(ticket) {
                return Ok(Turn::Own(None));
            }
        }
        if self.leave(ticket) {
            return Err(Late::Waiting);
        }
        timeout_at(by, told).await.ok().and_then(Result::ok).ok_or(Late::Making)
    }

    /// Waits until no lead is held, no group is under way, and nobody waits.
    pub async fn drained(&self) {
        loop {
            let idle = self.0.idle.notified();
            if self.state().leading == 0 {
                return;
            }
            idle.await;
        }
    }

    fn enter(&self, call: impl FnOnce() -> T::Call) -> Result<Lead<T>, Place<T>> {
        let mut state = self.state();
        if state.leading < self.0.leaders {
            state.leading += 1;
            return Ok(Lead { line: self.clone(), gathers: false });
        }
        let (turn, told) = oneshot::channel();
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.waiting.push_back(Waiting { ticket, call: call(), turn });
        Err(Place { ticket, moves: state.moves, told })
    }

    /// Whether it was still in the line.
    fn leave(&self, ticket: u64) -> bool {
        let mut state = self.state();
        // Tickets ascend along the line.
        let place = state.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket);
        place.ok().and_then(|place| state.waiting.remove(place)).is_some()
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        #[cfg(test)]
        cloakroom_interleavings::point();
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
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
            let answers = self.line.0.work.make(calls).await;
            for (turn, answer) in turns.into_iter().zip(answers) {
                // Who asked may have gone away.
                let _ = turn.send(Turn::Made(answer));
            }
        }
    }

    /// Takes out of the line what can be made together: the others wait on.
    fn gather(&self) -> (Vec<T::Call>, Vec<oneshot::Sender<Turn<T>>>) {
        let mut state = self.line.state();
        let (mut calls, mut turns) = (Vec::new(), Vec::new());
        state.moves += 1;
        for waiting in std::mem::take(&mut state.waiting) {
            if self.line.0.work.takes(&calls, &waiting.call) {
                // Nobody waits for the answer to a call of somebody who has gone away.
                if !waiting.turn.is_closed() {
                    calls.push(waiting.call);
                    turns.push(waiting.turn);
                }
            } else {
                state.waiting.push_back(waiting);
            }
        }
        (calls, turns)
    }

    /// Gives this turn to the first who still waits, to be made by itself; if nobody does, it ends.
    fn pass_on(&self) {
        loop {
            let mut state = self.line.state();
            state.moves += 1;
            let Some(Waiting { turn, .. }) = state.waiting.pop_front() else {
                state.leading -= 1;
                if state.leading == 0 {
                    self.line.0.idle.notify_waiters();
                }
                return;
            };
            drop(state);
            // Outside of the lock: a turn that is not taken comes back here by its own drop.
            if !turn.is_closed() {
                let _ = turn.send(Turn::Own(Some(Lead { line: self.line.clone(), gathers: false })));
                return;
            }
        }
    }
}

impl<T: Together> Drop for Lead<T> {
    fn drop(&mut self) {
        let nobody_waits = self.line.state().waiting.is_empty();
        // A task that ends with somebody in the line may be on a runtime that ends: one begun there might never run.
        if nobody_waits || self.gathers {
            self.pass_on();
        } else {
            let lead = Self { line: self.line.clone(), gathers: true };
            self.line.0.work.spawn(lead.work());
        }
    }
}

impl<T: Together> Clone for Line<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "no turn in time",
            Self::Making => "no answer in time",
        })
    }
}

impl Error for Late {}

impl<T: Together> fmt::Debug for Line<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Line")
            .field("leading", &state.leading)
            .field("waiting", &state.waiting.len())
            .finish()
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
