//! What is done as a handler has answered, in tasks of their own.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Result, Session};
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use crate::task::Task;
use crate::{Step, UserAgent, Visit, plan};

/// How long a response waits for what it does not depend on.
const PATIENCE: Duration = Duration::from_secs(1);

/// A commit under way, in a task of its own: what has begun is finished, whether or not anybody waits for it.
#[derive(Debug)]
#[must_use = "the headers leave when it is done"]
pub struct Commit(JoinHandle<Result<()>>);

impl Future for Commit {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        let done = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(done.unwrap_or_else(|panicked| Err(cut_short(panicked))))
    }
}

fn cut_short(panicked: JoinError) -> Error {
    Error::caused(ErrorKind::Unknown, "the commit was cut short", panicked)
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
        Self(Task::begin(&Handle::current(), home, work))
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
