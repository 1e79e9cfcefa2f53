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

mod dice;
mod ledger;
mod note;
mod soak;
mod troubled;
mod visits;
mod worker;

pub use dice::Dice;
pub use troubled::Troubled;
pub use worker::{Killed, Part};
