//! The service that a layer makes: finds the cookie, passes the request on.

use std::sync::Arc;
use std::task::{Context, Poll};

use cloakroom_http::{Entered, Rules};
use http::header::{COOKIE, USER_AGENT};
use http::{HeaderValue, Request, Response};
use tower_service::Service;

use crate::{ResponseFuture, Visit};

/// A service whose requests have sessions. Made by [`SessionLayer`](crate::SessionLayer).
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    pub(crate) inner: S,
    pub(crate) rules: Arc<Rules>,
}

impl<S, Body, Answer> Service<Request<Body>> for SessionService<S>
where
    S: Service<Request<Body>, Response = Response<Answer>>,
    Answer: Default,
{
    type Response = Response<Answer>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, Answer>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let outer = request.extensions_mut().remove::<Visit>();
        let headers = request.headers();
        let cookies = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        let entered = Visit::enter(&self.rules, outer, cookies, headers.get(USER_AGENT).cloned());
        let (visit, ending) = match entered {
            Entered::Here(visit) => (visit.clone(), Some(visit)),
            Entered::Elsewhere(visit) => (visit, None),
        };
        request.extensions_mut().insert(visit);
        ResponseFuture::new(self.inner.call(request), ending)
    }
}
