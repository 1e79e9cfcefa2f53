//! Work that does not stop with the runtime that it was begun on.

use std::future::poll_fn;
use std::pin::pin;

use cloakroom_core::Result;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tracing::{Instrument as _, warn};

/// Servers may have a runtime per worker, which ends before the application does. What it leaves undone begins again at
/// home; done twice it is done once, since a commit settles what one before it has sent.
pub(crate) struct Task<Work: Fn() -> Doing, Doing: Future<Output = Result<()>> + Send + 'static>
where
    Work: Send + 'static,
{
    work: Option<Work>,
    home: Option<Handle>,
    /// It is at work at this moment. What is dropped then has panicked, and would again.
    is_polled: bool,
}

impl<Work, Doing> Task<Work, Doing>
where
    Work: Fn() -> Doing + Send + 'static,
    Doing: Future<Output = Result<()>> + Send + 'static,
{
    /// The work, to be polled in the span that this is called in. Dropped before it is done, it begins again at home.
    pub(crate) fn lasting(
        home: Option<Handle>,
        work: Work,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        Self { work: Some(work), home, is_polled: false }.run().in_current_span()
    }

    /// Begins the work on `here`, in the span that it is begun in.
    pub(crate) fn begin(here: &Handle, home: Option<Handle>, work: Work) -> JoinHandle<Result<()>> {
        here.spawn(Self::lasting(home, work))
    }

    async fn run(mut self) -> Result<()> {
        let Some(doing) = self.work.as_ref().map(|work| work()) else { return Ok(()) };
        let mut doing = pin!(doing);
        let outcome = poll_fn(|context| {
            self.is_polled = true;
            let polled = doing.as_mut().poll(context);
            self.is_polled = false;
            polled
        })
        .await;
        self.work = None;
        outcome
    }
}

impl<Work, Doing> Drop for Task<Work, Doing>
where
    Work: Fn() -> Doing + Send + 'static,
    Doing: Future<Output = Result<()>> + Send + 'static,
{
    fn drop(&mut self) {
        let Some(work) = self.work.take().filter(|_| !self.is_polled) else { return };
        if let Some(home) = self.home.take() {
            drop(Self::begin(&home, None, work));
        } else {
            warn!(
                name: "session.commit_cut_short", target: "cloakroom",
                "a commit was cut short: its runtime has ended"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    /// Begins work there that is done only when it is begun a second time, and counts how often it was begun.
    fn begun(here: &Runtime, home: Option<Handle>) -> Arc<AtomicU32> {
        let times = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&times);
        let work = move || {
            let first = counted.fetch_add(1, Ordering::SeqCst) == 0;
            async move { if first { std::future::pending().await } else { Ok(()) } }
        };
        here.block_on(async {
            Task::begin(&Handle::current(), home, work);
            tokio::task::yield_now().await;
        });
        times
    }

    #[test]
    fn work_that_its_runtime_leaves_undone_begins_again_at_home() {
        let (here, home) = (runtime(), runtime());
        let times = begun(&here, Some(home.handle().clone()));
        assert_eq!(times.load(Ordering::SeqCst), 1);
        drop(here);
        home.block_on(tokio::task::yield_now());
        assert_eq!(times.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn work_that_panics_is_not_begun_again() {
        let (here, home) = (runtime(), runtime());
        let times = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&times);
        let work = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { panic!("as planned") }
        };
        let ended =
            here.block_on(async { Task::begin(&Handle::current(), Some(home.handle().clone()), work).await });
        assert!(ended.unwrap_err().is_panic());
        home.block_on(tokio::task::yield_now());
        assert_eq!(times.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn work_whose_home_has_ended_as_well_ends() {
        let (here, home) = (runtime(), runtime());
        let times = begun(&here, Some(home.handle().clone()));
        drop(home);
        drop(here);
        assert_eq!(times.load(Ordering::SeqCst), 1);
        let only = runtime();
        let times = begun(&only, Some(only.handle().clone()));
        drop(only);
        assert_eq!(times.load(Ordering::SeqCst), 1);
    }
}
