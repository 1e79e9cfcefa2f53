//! An engine by somebody else, here the one of the model, and its tests.

pub use cloakroom_core::Memory as Engine;

#[cfg(test)]
mod tests {
    use super::Engine;

    cloakroom_conformance::backend_tests!(async |clock| Engine::with_clock(clock));
}
