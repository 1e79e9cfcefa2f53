//! What is told of sessions to those who watch, and that docs and dashboard name nothing else.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod heard;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "metrics")]
mod names;
mod spans;
