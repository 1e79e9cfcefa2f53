//! Answers that go on after their headers have left, over real connections: docs/long-answers.md says what
//! these show.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bodies;
mod events;
mod leaving;
mod site;
mod sockets;
