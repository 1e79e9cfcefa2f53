//! The service that a middleware makes: finds the cookie, passes the request on.

use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{COOKIE, HeaderValue, USER_AGENT};
use cloakroom_http::{Entered, Rules};

use crate::{ResponseFuture, Visit};

/// A service whose requests have sessions. Made by [`SessionMiddleware`](crate::SessionMiddleware).
#[derive(Clone, Debug)]
pub struct SessionService<S> {
    pub(crate) inner: S,
    pub(crate) rules: Arc<Rules>,
}

impl<S, B> Service<ServiceRequest> for SessionService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let outer = request.extensions_mut().remove::<Visit>();
        let headers = request.headers();
        let cookies = headers.get_all(COOKIE).map(HeaderValue::as_bytes);
        let entered = Visit::enter(&self.rules, outer, cookies, headers.get(USER_AGENT).cloned());
        let (visit, ending) = match entered {
            Entered::Here(visit) => (visit.clone(), Some(visit)),
            Entered::Elsewhere(visit) => (visit, None),
        };
        request.extensions_mut().insert(visit);
        ResponseFuture::new(self.inner.call(request), ending)
    }
}
