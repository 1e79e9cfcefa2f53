//! The playground in a real browser: what Chromium makes of the cookie, of two tabs and of other sites.
//!
//! Names that end in `.test` are sites of their own on this machine. Those that end in `.localhost` are, too, and
//! there a browser keeps `Secure` cookies without https.

#![expect(clippy::expect_used, reason = "what helpers of tests find missing fails the test")]

mod browser;
#[path = "../site/client.rs"]
#[allow(dead_code, reason = "the tests without a browser use all of it")]
mod client;
mod cookies;
mod driver;
mod elsewhere;
mod endings;
mod page;
#[path = "../site/program.rs"]
#[allow(dead_code, reason = "the tests without a browser use all of it")]
mod program;
mod scripts;
mod sites;
mod tabs;

use std::net::SocketAddr;

use browser::Browser;
use client::Visitor;
use program::Playground;

/// What is under test, where nothing else is said.
const PROGRAM: &str = env!("CARGO_BIN_EXE_playground");

/// What a site has at a path, under one of the names that it can be called by.
fn at(site: SocketAddr, host: &str, path: &str) -> String {
    format!("http://{host}:{}{path}", site.port())
}
