//! Futures in tasks.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::baton::{Baton, carrier};
use crate::{choose, point};

/// What a future comes to. While it waits the others go on.
///
/// # Panics
///
/// Outside of [`explore`](crate::explore), if it waits.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    drive(future, || false).unwrap_or_else(|| panic!("it is not dropped"))
}

/// The same of a future that may be dropped wherever it waits: nothing then. It is tried everywhere.
///
/// # Panics
///
/// As [`run`].
pub fn run_or_drop<T>(future: impl Future<Output = T>) -> Option<T> {
    drive(future, || choose(2) == 1)
}

/// Lets the others go first, as what waits does.
pub async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if std::mem::replace(&mut paused, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

struct Task {
    baton: Option<(Arc<Baton>, usize)>,
    woken: AtomicBool,
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let note = || self.woken.store(true, Ordering::SeqCst);
        match &self.baton {
            Some((baton, me)) => baton.wake(*me, note),
            None => note(),
        }
    }
}

fn drive<T>(future: impl Future<Output = T>, is_dropped: impl Fn() -> bool) -> Option<T> {
    let mut future = pin!(future);
    let task = Arc::new(Task { baton: carrier(), woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&task));
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(done);
        }
        if is_dropped() {
            // Later than it began to wait.
            point();
            return None;
        }
        match &task.baton {
            Some((baton, me)) => baton.wait(*me, || task.woken.swap(false, Ordering::SeqCst)),
            None => assert!(task.woken.swap(false, Ordering::SeqCst), "it waits, and nobody is there"),
        }
        task.woken.store(false, Ordering::SeqCst);
    }
}
