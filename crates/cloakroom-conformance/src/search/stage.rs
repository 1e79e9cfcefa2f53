//! Where the requests of a history meet: they are polled by hand, and each waits at its next step until the history
//! lets it go on.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake, Waker};

use cloakroom_core::Result;

use crate::Fault;

/// One request, from its begin to its end.
pub(super) type Act<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The places where acts wait. Shared with the engine that they call.
#[derive(Debug, Default)]
pub(crate) struct Gates {
    /// Whose turn it is to be polled.
    acting: AtomicUsize,
    seats: Mutex<Vec<Seat>>,
    /// Calls that the engine is busy with.
    busy: AtomicUsize,
}

/// An act's place.
#[derive(Debug, Default)]
struct Seat {
    stand: Stand,
    /// What becomes of its next calls.
    faults: VecDeque<Fault>,
    /// How many of its calls have failed, and futures of it were dropped.
    suffered: usize,
}

#[derive(Debug, Default)]
enum Stand {
    #[default]
    Away,
    Waits(Waker),
    MayGo,
}

impl Gates {
    /// Waits until the history lets this act go on.
    pub(crate) async fn pass(&self) {
        poll_fn(|context| {
            let mut seats = self.seats();
            let Some(seat) = seats.get_mut(self.acting()) else { return Poll::Ready(()) };
            if matches!(seat.stand, Stand::MayGo) {
                seat.stand = Stand::Away;
                return Poll::Ready(());
            }
            seat.stand = Stand::Waits(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// The same, for a call, and says how it fails.
    pub(crate) async fn pass_call(&self) -> Option<Fault> {
        self.pass().await;
        let mut seats = self.seats();
        let seat = seats.get_mut(self.acting())?;
        let fault = seat.faults.pop_front();
        seat.suffered += usize::from(fault.is_some());
        fault
    }

    /// A future of the act that is being polled is dropped.
    pub(super) fn suffer(&self) {
        if let Some(seat) = self.seats().get_mut(self.acting()) {
            seat.suffered += 1;
        }
    }

    /// How many calls of an act have failed, and futures of it were dropped.
    pub(super) fn suffered(&self, act: usize) -> usize {
        self.seats()[act].suffered
    }

    /// The same of all acts.
    pub(super) fn faults(&self) -> usize {
        self.seats().iter().map(|seat| seat.suffered).sum()
    }

    /// Whether the engine has nothing to do: who waits now waits at a gate, for another, or for the clock.
    pub(super) fn are_quiet(&self) -> bool {
        self.busy.load(Ordering::Relaxed) == 0
    }

    /// A call that the engine is busy with until it answers, or is dropped.
    pub(crate) async fn busy<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        struct Busy<'g>(&'g AtomicUsize);
        impl Drop for Busy<'_> {
            fn drop(&mut self) {
                self.0.fetch_sub(1, Ordering::Relaxed);
            }
        }
        self.busy.fetch_add(1, Ordering::Relaxed);
        let _busy = Busy(&self.busy);
        call.await
    }

    /// Who waits, in the order of their begin.
    pub(super) fn waiting(&self) -> Vec<usize> {
        let waits = |(at, seat): (usize, &Seat)| matches!(seat.stand, Stand::Waits(_)).then_some(at);
        self.seats().iter().enumerate().filter_map(waits).collect()
    }

    /// Lets one go on, and has its next calls fail like this.
    pub(super) fn open(&self, act: usize, faults: impl IntoIterator<Item = Fault>) {
        if let Some(seat) = self.seats().get_mut(act)
            && let Stand::Waits(waker) = std::mem::replace(&mut seat.stand, Stand::MayGo)
        {
            seat.faults.extend(faults);
            waker.wake();
        }
    }

    fn acting(&self) -> usize {
        self.acting.load(Ordering::Relaxed)
    }

    fn seats(&self) -> MutexGuard<'_, Vec<Seat>> {
        self.seats.lock().unwrap()
    }
}

/// Polls acts, each only when it was woken, until none can go on.
pub(super) struct Stage<'a> {
    gates: Arc<Gates>,
    acts: Vec<Option<Act<'a>>>,
    calls: Vec<Arc<Call>>,
}

/// That an act was woken, and who is to hear of it.
#[derive(Debug, Default)]
struct Call {
    woken: AtomicBool,
    stage: Mutex<Option<Waker>>,
}

impl Wake for Call {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::SeqCst);
        if let Some(stage) = self.stage.lock().unwrap().take() {
            stage.wake();
        }
    }
}

impl<'a> Stage<'a> {
    pub(super) fn new(gates: Arc<Gates>) -> Self {
        gates.seats().clear();
        Self { gates, acts: Vec::new(), calls: Vec::new() }
    }

    pub(super) fn enter(&mut self, act: Act<'a>) {
        self.gates.seats().push(Seat::default());
        let call = Call { woken: AtomicBool::new(true), stage: Mutex::default() };
        self.calls.push(Arc::new(call));
        self.acts.push(Some(act));
    }

    /// Drops an act wherever it is, and puts what follows in its place.
    pub(super) fn replace(&mut self, act: usize, next: Option<Act<'a>>) {
        // What is dropped may look at the gates.
        self.acts[act] = None;
        let suffered = self.gates.suffered(act) + 1;
        self.gates.seats()[act] = Seat { suffered, ..Seat::default() };
        self.acts[act] = next;
        self.calls[act].woken.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.acts.iter().all(Option::is_none)
    }

    /// Polls each act that can go on, once.
    pub(super) fn poll(&mut self, context: &Context<'_>) -> bool {
        let mut moved = false;
        for (at, (act, call)) in self.acts.iter_mut().zip(&self.calls).enumerate() {
            *call.stage.lock().unwrap() = Some(context.waker().clone());
            let Some(running) = act.as_mut().filter(|_| call.woken.swap(false, Ordering::SeqCst)) else {
                continue;
            };
            moved = true;
            self.gates.acting.store(at, Ordering::Relaxed);
            let waker = Waker::from(Arc::clone(call));
            if running.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                *act = None;
            }
        }
        moved
    }

    /// Resolves when nobody can go on: each act has ended, waits at a gate, for another, or for the clock.
    pub(super) async fn settle(&mut self) {
        let settled = poll_fn(|context| {
            while self.poll(context) {}
            if self.gates.are_quiet() { Poll::Ready(()) } else { Poll::Pending }
        });
        // All acts are polled within one task, whose share of the runtime they would use up.
        tokio::task::unconstrained(settled).await;
    }
}
