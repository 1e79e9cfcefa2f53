//! The way back: commits what the handler changed, then lets the headers leave.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use cloakroom_core::{ErrorKind, Session};
use cloakroom_http::{Step, plan};
use http::Response;
use pin_project_lite::pin_project;
use tokio::runtime::Handle;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::timeout;

use crate::Error;
use crate::told::{Told, tell};
use crate::visit::Visit;

/// How long a response waits for what it does not depend on.
const PATIENCE: Duration = Duration::from_secs(1);

pin_project! {
    /// What [`SessionService`](crate::SessionService) answers with.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, Answer> {
        #[pin]
        inner: F,
        stage: Stage<Answer>,
    }
}

enum Stage<Answer> {
    /// The handler is at work. Without a visit there is nothing to do after it.
    Handling(Ending),
    Committing(Commit<Answer>),
    Done,
}

/// A commit under way, and the response that waits for it.
struct Commit<Answer> {
    response: Response<Answer>,
    visit: Visit,
    /// A task of its own: what has begun is finished, whether or not the visitor waits for it.
    task: JoinHandle<cloakroom_core::Result<()>>,
}

fn cut_short(panicked: JoinError) -> cloakroom_core::Error {
    cloakroom_core::Error::caused(ErrorKind::Unknown, "the commit was cut short", panicked)
}

impl<F, Answer> ResponseFuture<F, Answer> {
    pub(crate) fn new(inner: F, visit: Option<Visit>) -> Self {
        Self { inner, stage: Stage::Handling(Ending(visit)) }
    }
}

impl<F, E, Answer> Future for ResponseFuture<F, Answer>
where
    F: Future<Output = Result<Response<Answer>, E>>,
    Answer: Default,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Stage::Handling(ending) = this.stage {
            let response = ready!(this.inner.poll(context))?;
            let begun = match ending.0.take() {
                Some(visit) => begin(visit, response),
                None => Begun::Answered(response),
            };
            match begun {
                Begun::Answered(response) => {
                    *this.stage = Stage::Done;
                    return Poll::Ready(Ok(response));
                }
                Begun::Commit(commit) => *this.stage = Stage::Committing(commit),
            }
        }
        let Stage::Committing(commit) = this.stage else { return Poll::Pending };
        let done = ready!(Pin::new(&mut commit.task).poll(context));
        let outcome = done.unwrap_or_else(|panicked| Err(cut_short(panicked)));
        match std::mem::replace(this.stage, Stage::Done) {
            Stage::Committing(Commit { response, visit, .. }) => {
                Poll::Ready(Ok(finish(response, &visit, outcome)))
            }
            _ => Poll::Pending,
        }
    }
}

enum Begun<Answer> {
    /// Nothing is to be committed.
    Answered(Response<Answer>),
    Commit(Commit<Answer>),
}

/// The handler has answered.
fn begin<Answer>(visit: Visit, mut response: Response<Answer>) -> Begun<Answer> {
    let status = response.status().as_u16();
    let Some(session) = visit.loaded() else {
        // A store that did not answer the handler has been waited for.
        if !visit.counts() || visit.asked() || status >= 500 {
            tell(&visit, &mut response);
            return Begun::Answered(response);
        }
        let late = visit.clone();
        let task = tokio::spawn(async move { note(&late, status).await });
        return Begun::Commit(Commit { response, visit, task });
    };
    let step = plan(&session.activity(), status, visit.rules().save_every_request);
    let Some(step) = step.or_else(|| leaves_unsettled(session).then_some(Step::Finish)) else {
        tell(&visit, &mut response);
        return Begun::Answered(response);
    };
    let session = session.clone();
    let task = tokio::spawn(async move { take(step, &session).await });
    Begun::Commit(Commit { response, visit, task })
}

async fn take(step: Step, session: &Session) -> cloakroom_core::Result<()> {
    if step == Step::Finish {
        return finished(session).await;
    }
    let outcome = step.take(session).await;
    if leaves_unsettled(session) {
        // What came of the step is the answer, not what comes of another handle's.
        let _ = finished(session).await;
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
async fn finished(session: &Session) -> cloakroom_core::Result<()> {
    let session = session.clone();
    let work = tokio::spawn(async move { Step::Finish.take(&session).await });
    match timeout(PATIENCE, work).await {
        Ok(outcome) => outcome.unwrap_or_else(|panicked| Err(cut_short(panicked))),
        Err(_) => Ok(()),
    }
}

/// Notes the visit of a request whose handler never looked at the session. That can't be noted is no
/// reason to fail what needed no session.
async fn note(visit: &Visit, status: u16) -> cloakroom_core::Result<()> {
    let noted = async {
        let session = visit.session().await?;
        match plan(&session.activity(), status, visit.rules().save_every_request) {
            Some(step) => take(step, session).await,
            None => Ok(()),
        }
    };
    if let Err(error) = noted.await {
        tracing::warn!(error = &error as &dyn std::error::Error, "a visit could not be noted");
    }
    Ok(())
}

/// The store has answered: the response, or an empty one with the failure's status.
fn finish<Answer: Default>(
    mut response: Response<Answer>,
    visit: &Visit,
    outcome: cloakroom_core::Result<()>,
) -> Response<Answer> {
    if let Err(error) = outcome {
        let error = Error::from(error);
        let told = Told::taken_from(&mut response);
        response = Response::new(Answer::default());
        *response.status_mut() = error.status();
        response.extensions_mut().insert(error);
        told.repeat_in(&mut response);
    }
    tell(visit, &mut response);
    response
}

/// A visit whose handler has not answered. If it panics or the visitor leaves now, a logout that it had
/// already made still ends the session; no new key can be told any more.
#[derive(Debug)]
struct Ending(Option<Visit>);

impl Drop for Ending {
    fn drop(&mut self) {
        let Some(visit) = &self.0 else { return };
        visit.headers_left();
        let Some(session) = visit.loaded() else { return };
        if !session.activity().ending {
            return;
        }
        let session = session.clone();
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = session.finish().await {
                    tracing::warn!(error = &error as &dyn std::error::Error, "a logout could not be stored");
                }
            });
        }
    }
}

impl<F, Answer> fmt::Debug for ResponseFuture<F, Answer> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let committing = matches!(self.stage, Stage::Committing(_));
        f.debug_struct("ResponseFuture").field("committing", &committing).finish_non_exhaustive()
    }
}
