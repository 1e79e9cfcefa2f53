//! A Django site and this library over one store: Django is asked over a pipe, by [`Judge`], what it reads, writes and thinks of it.

// All of it is for tests, which fail by panicking.
#![allow(clippy::expect_used, clippy::panic)]

mod beside;
mod judge;
mod place;

pub use beside::Beside;
pub use judge::Judge;
pub use place::{Ground, Place, variable};
