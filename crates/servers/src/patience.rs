//! A bounded wait for what tells nobody that it has happened.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Often enough for a start to feel immediate, rarely enough to leave the processor to the server.
const STEP: Duration = Duration::from_millis(10);

/// What is left of a wait.
#[derive(Debug)]
pub(crate) struct Patience {
    until: Instant,
}

impl Patience {
    pub(crate) fn of(limit: Duration) -> Self {
        Self { until: Instant::now() + limit }
    }

    /// Waits a moment, unless the time is over.
    pub(crate) fn wait(&mut self) -> bool {
        let left = Instant::now() < self.until;
        if left {
            thread::sleep(STEP);
        }
        left
    }
}
