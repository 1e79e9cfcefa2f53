//! The same with an allocator that counts, which takes time: a program of its own.

#[path = "../stores/mod.rs"]
mod stores;

use std::alloc::System;

use cloakroom_contest::{Result, serve};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::runtime::Runtime;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result {
    let (entries, left_out) = stores::list()?;
    let counter = || COUNTED.stats().allocations + COUNTED.stats().reallocations;
    serve(&Runtime::new()?, &entries, &left_out, Some(counter))
}
