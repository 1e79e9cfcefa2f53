//! cloakroom sessions for actix-web.
//!
//! [`SessionMiddleware`] finds the cookie and hands every request a session that is loaded when a handler
//! asks for it, once, and not before: a request that does not ask costs no I/O and gets no header.
//! When the handler has answered, what it changed is committed, and only then do the headers leave.
//!
//! A handler takes a [`Session`] as an argument; a middleware finds it by [`Session::of`]:
//!
//! ```
//! use actix_web::{App, web};
//! use cloakroom_actix::{Error, Session, SessionMiddleware};
//! use cloakroom_core::Memory;
//!
//! async fn visits(session: Session) -> Result<String, Error> {
//!     let n = session.update("visits", |n: &mut u64| *n += 1).await?;
//!     Ok(format!("You have visited this page {n} times."))
//! }
//!
//! # #[actix_web::main]
//! # async fn main() {
//! // Before the factory: all workers share it.
//! let sessions = SessionMiddleware::new(Memory::new());
//! let app = App::new().wrap(sessions.clone()).route("/", web::get().to(visits));
//! # let site = actix_web::test::init_service(app).await;
//! # let request = actix_web::test::TestRequest::get().uri("/").to_request();
//! # let answer = actix_web::test::call_service(&site, request).await;
//! # assert!(answer.headers().contains_key("set-cookie"));
//! # assert_eq!(actix_web::test::read_body(answer).await, "You have visited this page 1 times.");
//! # }
//! ```
//!
//! A commit that fails is answered with its status and an empty body; the [`Error`] lies in the
//! response's extensions, where a middleware around this one may render it.
//!
//! Sessions are shared by all workers, and a commit is a task of its own on the worker that has answered. If that worker stops
//! before it is done, it goes on where the middleware was made: make it once, in `main`, and not in the factory of `App`s.

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
