//! Spans and events cost those nothing who don't watch them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::pin::pin;

use cloakroom_core::{Memory, Sessions};

#[test]
fn without_a_subscriber_a_load_makes_five_allocations_and_a_commit_seven() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let sessions = Sessions::new(Memory::new());
    let session = runtime.block_on(sessions.load(None)).unwrap();
    let mut n = 0;
    let mut change = || {
        n += 1;
        session.insert("n", n).unwrap();
    };
    // Pinned here: without optimization the runtime boxes what is large.
    let mut commit = || {
        let save = pin!(session.save());
        runtime.block_on(save).unwrap();
    };
    let count = |run: &mut dyn FnMut()| allocation_counter::measure(run).count_total;
    change();
    commit();
    change();
    assert_eq!(count(&mut commit), 7);
    let key = session.key();
    let mut load = || {
        let load = pin!(sessions.load(key.clone()));
        drop(runtime.block_on(load).unwrap());
    };
    load();
    assert_eq!(count(&mut load), 5);
}
