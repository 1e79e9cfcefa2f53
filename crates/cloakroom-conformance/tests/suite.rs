//! The suite on the reference engine, and on engines that each break one promise.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod saboteurs;

mod memory {
    use cloakroom_core::Memory;

    cloakroom_conformance::backend_tests!(async |clock| Memory::with_clock(clock));
}
