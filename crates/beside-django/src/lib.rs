//! A Django site and this library over one store: Django is asked over a pipe, by [`Judge`], what it reads, writes and thinks of it.

// All of it is for tests, which fail by panicking.
#![allow(clippy::expect_used, clippy::panic)]

mod judge;
mod place;

pub use judge::Judge;
pub use place::{Beside, Place};
