//! The service that a layer makes: finds the cookie, passes the request on.

use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use tower_service::Service;

use crate::ResponseFuture;
use crate::visit::{Rules, Visit};

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
        // A layer within a layer of the same cookie leaves the session to the outer one: two would
        // each commit, and each set the cookie.
        if let Some(visit) = outer.as_ref().and_then(|outer| outer.for_cookie(self.rules.cookie.name())) {
            request.extensions_mut().insert(visit);
            return ResponseFuture::new(self.inner.call(request), None);
        }
        let visit = Visit::new(Arc::clone(&self.rules), request.headers(), outer);
        request.extensions_mut().insert(visit.clone());
        ResponseFuture::new(self.inner.call(request), Some(visit))
    }
}
