//! Work that does not stop with the runtime that it was begun on.

use cloakroom_core::Result;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// Servers may have a runtime per worker, which ends before the application does. What it leaves undone begins again at
/// home; done twice it is done once, since a commit settles what one before it has sent.
pub(crate) struct Task<Work: Fn() -> Doing, Doing: Future<Output = Result<()>> + Send + 'static>
where
    Work: Send + 'static,
{
    work: Option<Work>,
    home: Option<Handle>,
}

impl<Work, Doing> Task<Work, Doing>
where
    Work: Fn() -> Doing + Send + 'static,
    Doing: Future<Output = Result<()>> + Send + 'static,
{
    /// Begins the work on `here`.
    pub(crate) fn begin(here: &Handle, home: Option<Handle>, work: Work) -> JoinHandle<Result<()>> {
        here.spawn(Self { work: Some(work), home }.run())
    }

    async fn run(mut self) -> Result<()> {
        let Some(doing) = self.work.as_ref().map(|work| work()) else { return Ok(()) };
        let outcome = doing.await;
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
        let Some(work) = self.work.take() else { return };
        match self.home.take() {
            Some(home) => drop(Self::begin(&home, None, work)),
            None => tracing::warn!("a commit was cut short: its runtime has ended"),
        }
    }
}
