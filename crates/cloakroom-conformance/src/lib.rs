#![doc = include_str!("../README.md")]
//!
//! An engine that needs something kept alive beside it, a temporary folder say, returns a [`Setup`] from the closure.
//!
//! `storage` has a case for each clause of the contract of
//! [`SessionBackend`](cloakroom_core::SessionBackend), `session` for each promise that sessions make on
//! top of it, with faults injected by [`Faulty`]. Where an engine's capabilities promise less, the case
//! checks that just the documented limit shows, and prints a line `documented limit: …`: a case is never
//! skipped. See [`Limit`].
//!
//! The cases of `histories` [search]: they draw requests at random, have them get in each other's way and lose their answers, and
//! hold what happened against a model of what sessions are. What no order explains is made small and shown.
//!
//! [`crashes`] is for what no call can show: processes that are killed, servers that die, networks that break.
//!
//! Caches run [`cache_tests!`], adapters run [`http_tests!`] over a [`Site`](http::Site) of three routes.

// A case fails by panicking: that is what it is for.
#![allow(clippy::expect_used, clippy::missing_panics_doc, clippy::panic, clippy::unwrap_used)]

pub mod cache;
mod carried;
mod cases;
pub mod crashes;
mod engine;
mod environment;
mod faulty;
pub mod http;
mod jar;
mod limit;
mod plain;
pub mod search;
pub mod session;
mod shelf;
pub mod storage;

pub use cases::{Case, cases};
pub use engine::{Engine, Setup, run};
pub use faulty::{Fault, Faulty, Gate, Operation};
pub use limit::Limit;
pub use plain::PlainFormat;
pub use shelf::{Shelf, Trouble};

#[doc(hidden)]
pub use cloakroom_core::Clock as __Clock;
