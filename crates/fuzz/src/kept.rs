//! What the targets share: sessions in memory at a time that stands still, and what work costs.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use allocation_counter::AllocationInfo;
use bytes::Bytes;
use cloakroom_core::{
    Addressing, Clock, ManualClock, Record, SessionBackend, SessionKey, SessionOptions, Sessions, Stamp,
    Timestamp,
};
use futures_util::FutureExt;

/// The time it is.
pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// What LZ4 can make of a byte at most.
pub(crate) const GROWTH: u64 = 255;
/// What it takes to note where 4,096 names are, which is the most.
pub(crate) const NAMES: u64 = 1 << 19;

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(NOW))
}

pub(crate) fn sessions(backend: impl SessionBackend) -> Sessions {
    let mut options = SessionOptions::default();
    options.clock = clock();
    Sessions::with(backend, options)
}

/// The visitor's key.
pub(crate) fn key() -> SessionKey {
    SessionKey::parse("abcdefghijklmnopqrstuvwxyz012345", Addressing::Hashed).unwrap()
}

/// A living record of alice's with this payload.
pub(crate) fn record(payload: &[u8], sequence: u64) -> Record {
    let stamp = Stamp { sequence, nonce: sequence };
    let until = NOW.plus(Duration::from_hours(1));
    Record::new(Bytes::copy_from_slice(payload), until, Some("alice".into()), stamp)
}

/// What comes of work that has nothing to wait for.
pub(crate) fn ready<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("memory answers at once")
}

/// What comes of work, and what it has cost this thread.
pub(crate) fn measured<T>(work: impl FnOnce() -> T) -> (T, AllocationInfo) {
    let mut done = None;
    let cost = allocation_counter::measure(|| done = Some(work()));
    (done.expect("it was run"), cost)
}

/// A few places in a text, evenly spread: trying all of them takes too long where it is long.
pub(crate) fn places(length: usize) -> impl Iterator<Item = usize> {
    (0..length).step_by(length / 12 + 1)
}
