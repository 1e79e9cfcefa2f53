//! What a stretch of work has cost: time, processor time, and how often memory was asked for.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// How often memory has been asked for, by all threads together.
pub type Counter = fn() -> usize;

/// Only in a program whose allocator counts, which makes it slower: its times count for nothing.
static COUNTER: OnceLock<Counter> = OnceLock::new();

/// From now on the costs include how often memory is asked for.
pub(crate) fn count_by(counter: Counter) {
    // The first one stays: there is one allocator.
    let _ = COUNTER.set(counter);
}

/// Running since it was started.
pub(crate) struct Meter {
    began: Instant,
    processor: Duration,
    asked: usize,
}

/// What it has shown in the end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// How long it took.
    pub took: Duration,
    /// For how long this process had a processor.
    pub processor: Duration,
    /// How often memory was asked for, if that is counted.
    pub asked: Option<usize>,
}

impl Meter {
    pub(crate) fn start() -> Self {
        Self { asked: asked().unwrap_or_default(), processor: processor_time(), began: Instant::now() }
    }

    pub(crate) fn stop(self) -> Cost {
        let took = self.began.elapsed();
        let processor = processor_time().saturating_sub(self.processor);
        Cost { took, processor, asked: asked().map(|now| now - self.asked) }
    }
}

impl Cost {
    pub(crate) fn add(&mut self, other: Self) {
        self.took += other.took;
        self.processor += other.processor;
        self.asked = other.asked.map(|more| self.asked.unwrap_or_default() + more);
    }
}

fn asked() -> Option<usize> {
    COUNTER.get().map(|counter| counter())
}

fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}
