#![doc = include_str!("../README.md")]
//!
//! A commit that fails is answered with its status and an empty body; the [`Error`] lies in the
//! response's extensions, where an outer layer may render it. `Default` makes that body: a proxy whose
//! body has none maps it first.
//!
//! # Types of others
//!
//! The public API shows those of http 1, tower-layer 0.3 and tower-service 0.3, with the feature `axum` of axum-core 0.5 (axum
//! 0.8), and of course of cloakroom-core and cloakroom-http. None of its others.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
#[cfg(feature = "axum")]
mod extract;
mod future;
mod layer;
mod service;
mod session;
mod told;

pub use error::Error;
pub use future::ResponseFuture;
pub use layer::SessionLayer;
pub use service::SessionService;
pub use session::Session;

/// Where a request's extensions lead to its session.
type Visit = cloakroom_http::Visit<http::HeaderValue>;
