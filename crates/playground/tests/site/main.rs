//! The playground as it is started and spoken to: the real program, on a database of its own, over HTTP.

#![expect(clippy::expect_used, reason = "what helpers of tests find missing fails the test")]

mod api;
mod client;
mod cookies;
mod ending;
mod engines;
mod failover;
mod outages;
mod page;
mod program;
mod races;
mod start;
mod visitor;

use client::{Reply, Visitor};
use program::{Playground, Settings};

/// What is under test; `actix.rs` has the same tests for the other.
const PROGRAM: &str = env!("CARGO_BIN_EXE_playground");
