//! How long a test goes on, and what it says at its end.

use std::time::{Duration, Instant};

use crate::environment::seconds;

/// A test that goes on for a while.
#[derive(Debug)]
pub(super) struct Soak {
    engine: String,
    until: Instant,
    rounds: u64,
    pub(super) operations: u64,
    faults: u64,
}

impl Soak {
    /// For so long, if the environment says nothing else.
    pub(super) fn of(engine: &str, short: Duration) -> Self {
        let until = Instant::now() + seconds().unwrap_or(short);
        Self { engine: engine.to_owned(), until, rounds: 0, operations: 0, faults: 0 }
    }

    /// Whether there is another round. The first there always is.
    pub(super) fn goes_on(&mut self) -> bool {
        let goes_on = self.rounds == 0 || Instant::now() < self.until;
        self.rounds += u64::from(goes_on);
        goes_on
    }

    /// One more crash, or other fault.
    pub(super) fn fault(&mut self) {
        self.faults += 1;
    }

    /// What it was. Each violation has failed the test before.
    pub(super) fn ends(self) {
        let Self { engine, rounds, operations, faults, .. } = self;
        println!("soak: {engine}: {rounds} rounds, {operations} operations, {faults} kills/faults");
    }
}
