//! How long a test goes on, and what it says at its end.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Makes a test go on for so many seconds.
const SECONDS: &str = "CLOAKROOM_SOAK_SECONDS";

/// A test that goes on for a while.
#[derive(Debug)]
pub(super) struct Soak {
    engine: String,
    until: Instant,
    rounds: u64,
    pub(super) operations: AtomicU64,
    pub(super) faults: AtomicU64,
}

impl Soak {
    /// For so long, if the environment says nothing else.
    pub(super) fn of(engine: &str, short: Duration) -> Self {
        let long = std::env::var(SECONDS).ok();
        let long = long.map(|long| long.parse().expect("CLOAKROOM_SOAK_SECONDS is a number"));
        let until = Instant::now() + long.map_or(short, Duration::from_secs);
        let (operations, faults) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { engine: engine.to_owned(), until, rounds: 0, operations, faults }
    }

    /// Whether there is another round. The first there always is.
    pub(super) fn goes_on(&mut self) -> bool {
        let goes_on = self.rounds == 0 || Instant::now() < self.until;
        self.rounds += u64::from(goes_on);
        goes_on
    }

    /// One more crash, or other fault.
    pub(super) fn fault(&self) {
        self.faults.fetch_add(1, Ordering::Relaxed);
    }

    /// What it was. Each violation has failed the test before.
    pub(super) fn ends(self) {
        let (rounds, operations, faults) = (self.rounds, self.operations, self.faults);
        println!(
            "soak: {}: {rounds} rounds, {} operations, {} kills/faults, 0 violations",
            self.engine,
            operations.into_inner(),
            faults.into_inner()
        );
    }
}
