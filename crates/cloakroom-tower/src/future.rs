//! The way back: commits what the handler changed, then lets the headers leave.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use cloakroom_http::{Commit, Ending};
use http::{HeaderValue, Response};
use pin_project_lite::pin_project;

use crate::told::{repeat, tell};
use crate::{Error, Visit};

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
    Handling(Ending<HeaderValue>),
    /// The response waits for the store.
    Committing {
        response: Response<Answer>,
        visit: Visit,
        commit: Commit,
    },
    Done,
}

impl<F, Answer> ResponseFuture<F, Answer> {
    pub(crate) fn new(inner: F, visit: Option<Visit>) -> Self {
        Self { inner, stage: Stage::Handling(Ending::of(visit)) }
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
            let mut response = ready!(this.inner.poll(context))?;
            let visit = ending.answered();
            *this.stage = Stage::Done;
            let Some(visit) = visit else { return Poll::Ready(Ok(response)) };
            let Some(commit) = visit.commit(response.status().as_u16()) else {
                tell(&visit, response.headers_mut());
                return Poll::Ready(Ok(response));
            };
            *this.stage = Stage::Committing { response, visit, commit };
        }
        let Stage::Committing { commit, .. } = this.stage else { return Poll::Pending };
        let outcome = ready!(Pin::new(commit).poll(context));
        match std::mem::replace(this.stage, Stage::Done) {
            Stage::Committing { response, visit, .. } => Poll::Ready(Ok(finish(response, &visit, outcome))),
            _ => Poll::Pending,
        }
    }
}

/// The store has answered: the response, or an empty one with the failure's status.
fn finish<Answer: Default>(
    mut response: Response<Answer>,
    visit: &Visit,
    outcome: cloakroom_core::Result<()>,
) -> Response<Answer> {
    if let Err(error) = outcome {
        let error = Error::from(error);
        response = Response::new(Answer::default());
        *response.status_mut() = error.status();
        response.extensions_mut().insert(error);
        repeat(visit, response.headers_mut());
    }
    tell(visit, response.headers_mut());
    response
}

impl<F, Answer> fmt::Debug for ResponseFuture<F, Answer> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let committing = matches!(self.stage, Stage::Committing { .. });
        f.debug_struct("ResponseFuture").field("committing", &committing).finish_non_exhaustive()
    }
}
