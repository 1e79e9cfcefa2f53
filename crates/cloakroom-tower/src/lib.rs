//! cloakroom sessions for tower, and for axum with the feature `axum`.
//!
//! [`SessionLayer`] finds the cookie and hands every request a session that is loaded when a handler
//! asks for it, once, and not before: a request that does not ask costs no I/O and gets no header.
//! When the handler has answered, what it changed is committed, and only then do the headers leave.
//!
//! In axum a handler takes a [`Session`] as an argument. In any other tower service
//! [`Session::of`] finds it in the request's extensions:
//!
//! ```
//! use cloakroom_core::Memory;
//! use cloakroom_tower::{Session, SessionLayer};
//! use http::{Request, Response};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), cloakroom_tower::Error> {
//! let service = ServiceBuilder::new().layer(SessionLayer::new(Memory::new())).service(service_fn(
//!     async |request: Request<String>| {
//!         let session = Session::of(request.extensions()).await?;
//!         let visits = session.update("visits", |n: &mut u64| *n += 1).await?;
//!         Ok::<_, cloakroom_tower::Error>(Response::new(format!("visit {visits}")))
//!     },
//! ));
//! let response = service.oneshot(Request::new(String::new())).await?;
//! assert_eq!(response.body(), "visit 1");
//! assert!(response.headers().contains_key("set-cookie"));
//! # Ok(())
//! # }
//! ```
//!
//! A commit that fails is answered with its status and an empty body; the [`Error`] lies in the
//! response's extensions, where an outer layer may render it. `Default` makes that body: a proxy whose
//! body has none maps it first.

mod error;
#[cfg(feature = "axum")]
mod extract;
mod future;
mod layer;
mod service;
mod session;
mod told;
mod visit;

pub use error::Error;
pub use future::ResponseFuture;
pub use layer::SessionLayer;
pub use service::SessionService;
pub use session::Session;
