//! The way back: commits what the handler changed, then lets the headers leave.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, EitherBody};
use actix_web::dev::ServiceResponse;
use actix_web::error::InternalError;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use cloakroom_http::{Commit, Ending, Headers};
use pin_project_lite::pin_project;

use crate::told::{add, repeat};
use crate::{Error, Visit};

/// What is within the middleware answers with: also an error is an answer, which actix makes a response of further out.
type Answer<B> = Result<ServiceResponse<B>, actix_web::Error>;

pin_project! {
    /// What [`SessionService`](crate::SessionService) answers with.
    #[must_use = "futures do nothing unless polled"]
    pub struct ResponseFuture<F, B> {
        #[pin]
        inner: F,
        stage: Stage<B>,
    }
}

enum Stage<B> {
    /// The handler is at work. Without a visit there is nothing to do after it.
    Handling(Ending<HeaderValue>),
    /// The answer waits for the store.
    Committing {
        answer: Answer<B>,
        visit: Visit,
        commit: Commit,
    },
    Done,
}

impl<F, B> ResponseFuture<F, B> {
    pub(crate) fn new(inner: F, visit: Option<Visit>) -> Self {
        Self { inner, stage: Stage::Handling(Ending::of(visit)) }
    }
}

impl<F, B> Future for ResponseFuture<F, B>
where
    F: Future<Output = Answer<B>>,
{
    type Output = Answer<EitherBody<B>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Stage::Handling(ending) = this.stage {
            let answer = ready!(this.inner.poll(context));
            let visit = ending.answered();
            *this.stage = Stage::Done;
            let Some(visit) = visit else {
                return Poll::Ready(answer.map(ServiceResponse::map_into_left_body));
            };
            let Some(commit) = visit.commit(status(&answer)) else {
                return Poll::Ready(told(answer, &visit));
            };
            *this.stage = Stage::Committing { answer, visit, commit };
        }
        let Stage::Committing { commit, .. } = this.stage else { return Poll::Pending };
        let outcome = ready!(Pin::new(commit).poll(context));
        match std::mem::replace(this.stage, Stage::Done) {
            Stage::Committing { answer, visit, .. } => Poll::Ready(match outcome {
                Ok(()) => told(answer, &visit),
                Err(error) => failed(answer, &visit, error.into()),
            }),
            _ => Poll::Pending,
        }
    }
}

fn status<B>(answer: &Answer<B>) -> u16 {
    match answer {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    }
}

/// The headers leave: adds those of a session that was looked at.
fn told<B>(answer: Answer<B>, visit: &Visit) -> Answer<EitherBody<B>> {
    let headers = visit.tell();
    match answer {
        Ok(mut response) => {
            add(headers, response.headers_mut());
            Ok(response.map_into_left_body())
        }
        Err(error) if headers == Headers::default() => Err(error),
        Err(error) => {
            // An error has no headers. The response that it would become has.
            let mut response = error.error_response();
            add(headers, response.headers_mut());
            Err(InternalError::from_response(error, response).into())
        }
    }
}

/// The commit has failed: an empty response with its status, in the place of what was answered.
fn failed<B>(answer: Answer<B>, visit: &Visit, error: Error) -> Answer<EitherBody<B>> {
    let mut response = HttpResponse::from_error(error.clone()).set_body(BoxBody::new(()));
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    repeat(visit, headers);
    add(visit.tell(), headers);
    match answer {
        Ok(answered) => Ok(answered.into_response(response.map_into_right_body())),
        Err(_) => Err(InternalError::from_response(error, response).into()),
    }
}

impl<F, B> fmt::Debug for ResponseFuture<F, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let committing = matches!(self.stage, Stage::Committing { .. });
        f.debug_struct("ResponseFuture").field("committing", &committing).finish_non_exhaustive()
    }
}
