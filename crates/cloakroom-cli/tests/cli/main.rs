//! The program as people and scripts run it, on every engine: what it prints, where, and what it exits with.

#![expect(clippy::expect_used, clippy::panic, reason = "what helpers of tests find missing fails the test")]

mod checks;
mod copies;
mod decodes;
mod engines;
mod pages;
mod pipes;
mod program;
mod screen;
mod screens;
mod servers;
mod stops;
mod store;
mod wrong;

use program::{Outcome, Program};
use screen::Screen;
use store::{Store, Visitor};
