//! The suite on the reference engine, and on engines that each break one promise.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

mod saboteurs;

mod memory {
    use cloakroom_core::Memory;

    cloakroom_conformance::backend_tests!(async |clock| Memory::with_clock(clock));
}

mod memory_cached {
    use std::sync::Arc;

    use cloakroom_conformance::Shelf;
    use cloakroom_core::{Cached, Memory};

    cloakroom_conformance::backend_tests!(async |clock| {
        let engine = Memory::with_clock(Arc::clone(&clock));
        Cached::with_clock(engine, Shelf::new(Arc::clone(&clock), true), clock)
    });
}

mod memory_sealed {
    use cloakroom_core::{Memory, SealKeys, Sealed};

    cloakroom_conformance::backend_tests!(async |clock| {
        Sealed::new(Memory::with_clock(clock), SealKeys::new([[7; 32]]).unwrap())
    });
}
