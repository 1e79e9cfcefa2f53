//! Where one session lives, whatever its id.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use cloakroom_core::{Record, SessionId, Timestamp};

/// What it takes to find a session, about: two ids, the cell, the map's entry and its place in line.
const OVERHEAD: usize = 500;
/// Weights are rounded up to this, so that few changes of a session change its weight.
const GRAIN: usize = 256;

/// A session. While it rotates it stands in the map under both ids: the cell says which of them is alive, so
/// that the change from one to the other is one step.
#[derive(Debug)]
pub(super) struct Cell {
    state: Mutex<State>,
    /// As the map knows it.
    weight: AtomicU32,
}

pub(super) struct State {
    /// The id that is alive.
    pub(super) id: SessionId,
    /// Nothing once it has ended, for whoever has the cell at hand still. It never lives again.
    pub(super) record: Option<Record>,
}

impl Cell {
    pub(super) fn new(id: SessionId, record: Record) -> Self {
        let weight = AtomicU32::new(weight_of(&record));
        Self { state: Mutex::new(State { id, record: Some(record) }), weight }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn weight(&self) -> u32 {
        self.weight.load(Ordering::Relaxed)
    }

    /// Whether the map must weigh it again.
    pub(super) fn has_changed_weight(&self, record: &Record) -> bool {
        let weight = weight_of(record);
        self.weight.swap(weight, Ordering::Relaxed) != weight
    }
}

impl State {
    /// The living record under `id`.
    pub(super) fn living(&mut self, id: &SessionId, now: Timestamp) -> Option<&mut Record> {
        let here = self.id == *id;
        self.record.as_mut().filter(|record| here && record.is_alive(now))
    }
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("lives", &self.record.is_some()).finish_non_exhaustive()
    }
}

/// How many bytes a session takes, about.
pub(super) fn weight_of(record: &Record) -> u32 {
    let owner = record.owner.as_ref().map_or(0, |owner| owner.len() + OVERHEAD / 2);
    weight_with(record.payload.len() + owner)
}

/// How many bytes an entry takes, about, with what it holds.
pub(super) fn weight_with(content: usize) -> u32 {
    u32::try_from((content + OVERHEAD).next_multiple_of(GRAIN)).unwrap_or(u32::MAX)
}
