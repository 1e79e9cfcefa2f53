//! The demonstration as a visitor meets it: one address, one cookie, and Django and Rust behind it.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../../../../crates/playground/tests/browser/browser.rs"]
#[allow(dead_code, reason = "the playground's tests use all of it")]
mod browser;
#[path = "../../../../../crates/playground/tests/browser/driver.rs"]
#[allow(dead_code, reason = "the playground's tests use all of it")]
mod driver;
mod program;
mod visitor;
mod walk;

use browser::Browser;
use program::Demo;
use visitor::{Page, Visitor};
