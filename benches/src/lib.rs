//! The engines, and the bare drivers that are the limit of what an engine can do: whoever is timed, in one [list](list()).
//!
//! What a driver does bare is never less than what its engine does with the store: the same bytes, the same columns and indexes, as many
//! connections, as durable. What it leaves out is what an engine is there for: nothing is compared, so of two writers one is lost.

mod engine;
mod list;
mod raw;
mod shelf;
pub mod site;
mod table;

pub use engine::Engine;
pub use list::{built, list};
