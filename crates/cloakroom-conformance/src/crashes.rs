//! Crashes and broken connections for real: processes that are killed, servers that die, networks that break, and a
//! ledger of what was acknowledged meanwhile, which the store is held against afterwards.
//!
//! Visitors come, put things into their sessions from several requests at once, log in and leave. Each step is told of
//! before it is tried and again when it is acknowledged, so that of a step that was cut short it is known that it may
//! have been done. Nothing else may differ from the ledger: an acknowledged change is there, once and whole; what was
//! refused is not; of the two keys of a rotation one lives; who has left stays away.
//!
//! A test lasts a few seconds. With `CLOAKROOM_SOAK_SECONDS` in the environment it goes on for that long; with
//! `CLOAKROOM_SEED` it makes the same draws again. What happens between two draws is the machine's: a seed makes a
//! failure likely, not sure.
//!
//! An engine needs an index and hashed addressing for it: what is stored is listed, and a process is told its visitors'
//! keys. Anything else is refused at the start.
//!
//! A test of processes starts itself again. What was started has a part to play, and nothing else of the test to do:
//!
//! ```no_run
//! use cloakroom_conformance::crashes::{Killed, Part};
//! # use cloakroom_core::Memory;
//! # async fn open(_path: &str) -> Memory { Memory::new() }
//!
//! // In an integration test: #[tokio::test(flavor = "multi_thread")]
//! async fn a_process_that_is_killed_loses_nothing() {
//!     if Part::played(open).await {
//!         return;
//!     }
//!     let test = "a_process_that_is_killed_loses_nothing"; // with its module's path, if it is in one
//!     Killed::new("mine", test, "/where/its/store/is").one(open).await;
//! }
//! ```

mod dice;
mod ledger;
mod note;
mod soak;
mod troubled;
mod visits;
mod worker;

use cloakroom_core::{Addressing, SessionBackend};

pub use dice::Dice;
pub use troubled::Troubled;
pub use worker::{Killed, Part};

/// Panics over an engine that no ledger can be held against.
fn suits(backend: &impl SessionBackend) {
    assert!(backend.index().is_some(), "the engine has no index to list what is stored");
    let addressing = backend.capabilities().addressing;
    assert_eq!(addressing, Addressing::Hashed, "visitors are known by keys of hashed addressing");
}
