//! What is done as a handler has answered, whoever waits for it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Result, Session};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::task::Task;
use crate::{Step, UserAgent, Visit, plan};

/// How long a response waits for what it does not depend on.
const PATIENCE: Duration = Duration::from_secs(1);

/// A commit under way: what has begun is finished, whether or not anybody waits for it. Whoever waits makes it, since a task
/// would cost a small request a tenth of its time; if that is dropped, a task goes on with it. A panic in it is an error.
#[must_use = "the headers leave when it is done"]
pub struct Commit {
    /// None: it is done.
    work: Option<Pin<Box<dyn Future<Output = Result<()>> + Send>>>,
    here: Handle,
}

impl Future for Commit {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        // What has panicked is not polled again, so that nobody sees what it has left.
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        let polled = polled.unwrap_or_else(|_| Poll::Ready(Err(cut_short())));
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl Drop for Commit {
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            drop(self.here.spawn(work));
        }
    }
}

impl fmt::Debug for Commit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commit").field("done", &self.work.is_none()).finish_non_exhaustive()
    }
}

fn cut_short() -> Error {
    Error::new(ErrorKind::Unknown, "the commit was cut short: it has panicked")
}

impl<Agent: UserAgent> Visit<Agent> {
    /// The handler has answered with this status: begins what is to be committed. None: that is nothing, and the headers
    /// may leave.
    ///
    /// # Panics
    ///
    /// Outside of tokio's runtimes, if there is something.
    pub fn commit(&self, status: u16) -> Option<Commit> {
        let home = self.rules().home.clone();
        let Some(session) = self.loaded() else {
            // A store that did not answer the handler has been waited for.
            if !self.counts() || self.asked() || status >= 500 {
                return None;
            }
            let visit = self.clone();
            return Some(Commit::begin(home, move || note(visit.clone(), status)));
        };
        let step = plan(&session.activity(), status, self.rules().save_every_request);
        let step = step.or_else(|| leaves_unsettled(session).then_some(Step::Finish))?;
        let session = session.clone();
        Some(Commit::begin(home.clone(), move || take(step, session.clone(), home.clone())))
    }
}

impl Commit {
    fn begin<Doing>(home: Option<Handle>, work: impl Fn() -> Doing + Send + 'static) -> Self
    where
        Doing: Future<Output = Result<()>> + Send + 'static,
    {
        Self { work: Some(Box::pin(Task::of(home, work))), here: Handle::current() }
    }
}

async fn take(step: Step, session: Session, home: Option<Handle>) -> Result<()> {
    if step == Step::Finish {
        return finished(session, home).await;
    }
    let outcome = step.take(&session).await;
    if leaves_unsettled(&session) {
        // What came of the step is the answer, not what comes of another handle's.
        let _ = finished(session, home).await;
    }
    outcome
}

/// Whether another handle had just sent something that may have given the session a new key. From here on none is drawn.
fn leaves_unsettled(session: &Session) -> bool {
    session.headers_left();
    session.activity().unsettled
}

/// Finishes what was begun. The response does not depend on it, and a store that is silent has been waited for
/// by now: after a while it goes on without anybody who waits.
async fn finished(session: Session, home: Option<Handle>) -> Result<()> {
    let work = Commit::begin(home, move || {
        let session = session.clone();
        async move { Step::Finish.take(&session).await }
    });
    timeout(PATIENCE, work).await.unwrap_or(Ok(()))
}

/// Notes the visit of a request whose handler never looked at the session. A visit that can't be noted is no
/// reason to fail what needed no session.
async fn note<Agent: UserAgent>(visit: Visit<Agent>, status: u16) -> Result<()> {
    let noted = async {
        let session = visit.session().await?;
        match plan(&session.activity(), status, visit.rules().save_every_request) {
            Some(step) => take(step, session.clone(), visit.rules().home.clone()).await,
            None => Ok(()),
        }
    };
    if let Err(error) = noted.await {
        tracing::warn!(
            name: "session.visit_fails", target: "cloakroom",
            error = &error as &dyn std::error::Error,
            "a visit could not be noted"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::{Arc, Mutex};

    use tokio::runtime::{Builder, Runtime};
    use tokio::sync::oneshot;

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_time().build().unwrap()
    }

    #[test]
    fn a_commit_that_panics_is_an_error_and_is_not_begun_again() {
        let times = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&times);
        let work = move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { panic!("as planned") }
        };
        let (here, home) = (runtime(), runtime());
        let outcome = here.block_on(async { Commit::begin(Some(home.handle().clone()), work).await });
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unknown);
        home.block_on(tokio::task::yield_now());
        assert_eq!(times.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_commit_that_nobody_waits_for_any_more_goes_on_where_it_was() {
        let (go, may_go) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let ends = Mutex::new(Some((may_go, done)));
        let work = move || {
            // Begun again it would find none, and nobody would be told.
            let ends = ends.lock().unwrap().take();
            async move {
                if let Some((may_go, done)) = ends {
                    let _ = may_go.await;
                    let _ = done.send(());
                }
                Ok(())
            }
        };
        runtime().block_on(async {
            let mut commit = Commit::begin(None, work);
            assert!(timeout(Duration::ZERO, &mut commit).await.is_err());
            drop(commit);
            go.send(()).unwrap();
            is_done.await.unwrap();
        });
    }
}
