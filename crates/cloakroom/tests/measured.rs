//! An engine that is measured keeps every promise of the one that it wraps.

#![cfg(feature = "metrics")]

use cloakroom::Memory;
use cloakroom::core::Measured;

cloakroom_conformance::backend_tests!(async |clock| Measured::new(Memory::with_clock(clock), "memory"));
