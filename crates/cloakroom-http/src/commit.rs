//! What is done as a handler has answered, whoever waits for it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Result, Session};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::task::Task;
use crate::{Step, UserAgent, Visit, plan};

/// How long a response waits for what it does not depend on.
const PATIENCE: Duration = Duration::from_secs(1);

/// A commit under way: what has begun is finished, whether or not anybody waits for it. A panic in it is an error.
#[derive(Debug)]
#[must_use = "the headers leave when it is done"]
pub struct Commit(Progress);

#[derive(Debug)]
enum Progress {
    /// At once; None: and somebody has been told.
    Done(Option<Result<()>>),
    /// In a task of its own: a request that is kept and not polled would hold connections and turns that others wait for.
    Task(JoinHandle<Result<()>>),
}

impl Future for Commit {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut self.0 {
            Progress::Done(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            Progress::Task(task) => Pin::new(task).poll(context).map(|done| {
                done.unwrap_or_else(|panicked| Err(Error::caused(ErrorKind::Unknown, CUT_SHORT, panicked)))
            }),
        }
    }
}

const CUT_SHORT: &str = "the commit was cut short";

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
    /// Goes as far as it gets at once, and into a task only from there: what is stored in memory takes none.
    fn begin<Doing>(home: Option<Handle>, work: impl Fn() -> Doing + Send + 'static) -> Self
    where
        Doing: Future<Output = Result<()>> + Send + 'static,
    {
        // First: work that is there is begun, even if this panics.
        let here = Handle::current();
        let mut work = Box::pin(Task::lasting(home, work));
        // Nobody is to be woken: a task polls it anew.
        let mut context = Context::from_waker(Waker::noop());
        // As in a task: it is not polled again, and what others share with it is behind locks that outlive a panic.
        Self(match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(&mut context))) {
            Ok(Poll::Pending) => Progress::Task(here.spawn(work)),
            Ok(Poll::Ready(outcome)) => Progress::Done(Some(outcome)),
            // Without the panic's message: nobody knows what it quotes.
            Err(_) => Progress::Done(Some(Err(Error::new(ErrorKind::Unknown, CUT_SHORT)))),
        })
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
    use std::sync::Mutex;

    use tokio::runtime::Builder;
    use tokio::sync::oneshot;

    use super::*;

    fn run<T>(test: impl Future<Output = T>) -> T {
        Builder::new_current_thread().build().unwrap().block_on(test)
    }

    fn tasks() -> usize {
        Handle::current().metrics().num_alive_tasks()
    }

    /// A commit, what it waits for, and what tells that it is done. Begun a second time it would tell nobody.
    fn commit() -> (Commit, oneshot::Sender<()>, oneshot::Receiver<()>) {
        let (go, may_go) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let ends = Mutex::new(Some((may_go, done)));
        let work = move || {
            let ends = ends.lock().unwrap().take();
            async move {
                if let Some((may_go, done)) = ends {
                    let _ = may_go.await;
                    let _ = done.send(());
                }
                Ok(())
            }
        };
        (Commit::begin(None, work), go, is_done)
    }

    #[test]
    fn a_commit_that_is_done_at_once_takes_no_task() {
        run(async {
            let commit = Commit::begin(None, || async { Ok(()) });
            assert_eq!(tasks(), 0);
            commit.await.unwrap();
        });
    }

    #[test]
    fn a_commit_that_has_to_wait_goes_on_although_nobody_polls_it() {
        run(async {
            let (kept, go, is_done) = commit();
            go.send(()).unwrap();
            is_done.await.unwrap();
            drop(kept);
        });
    }

    #[test]
    fn a_commit_that_nobody_waits_for_any_more_goes_on() {
        run(async {
            let (commit, go, is_done) = commit();
            drop(commit);
            go.send(()).unwrap();
            is_done.await.unwrap();
        });
    }

    #[test]
    fn a_commit_that_panics_is_an_error_at_once_and_later() {
        run(async {
            let at_once = Commit::begin(None, || async { panic!("as planned") });
            assert_eq!(at_once.await.unwrap_err().kind(), ErrorKind::Unknown);
            let later = Commit::begin(None, || async {
                tokio::task::yield_now().await;
                panic!("as planned")
            });
            assert_eq!(later.await.unwrap_err().kind(), ErrorKind::Unknown);
        });
    }
}
