//! The same tests of the playground on actix-web.

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

const PROGRAM: &str = env!("CARGO_BIN_EXE_playground-actix");
