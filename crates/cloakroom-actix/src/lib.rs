#![doc = include_str!("../README.md")]
//!
//! A commit that fails is answered with its status and an empty body; the [`Error`] lies in the
//! response's extensions, where a middleware around this one may render it.
//!
//! Sessions are shared by all workers, and a commit is made on the worker that has answered, also for a visitor who leaves. If that
//! worker stops before it is done, it goes on where the middleware was made: make it once, in `main`, and not in the factory of `App`s.

mod error;
mod future;
mod middleware;
mod service;
mod session;
mod told;

pub use error::Error;
pub use future::ResponseFuture;
pub use middleware::SessionMiddleware;
pub use service::SessionService;
pub use session::Session;

/// Where a request's extensions lead to its session.
type Visit = cloakroom_http::Visit<actix_web::http::header::HeaderValue>;
