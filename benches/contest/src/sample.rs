//! What one contender did in one round.

use std::time::Duration;

use serde::Serialize;

/// One line of standard output.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// What was done.
    pub table: &'static str,
    /// Of how many bytes the sessions are.
    pub size: usize,
    /// How many tasks did it at once.
    pub tasks: usize,
    /// On which store.
    pub engine: String,
    /// Who did it.
    pub contender: String,
    /// In which version.
    pub version: String,
    /// How often in a second, of all tasks together.
    pub per_second: f64,
    /// How long one took, in microseconds: half of them took less.
    pub p50_us: f64,
    /// 99 of 100 took less.
    pub p99_us: f64,
    /// The longest.
    pub longest_us: f64,
    /// How long this process had a processor, for each operation. What servers did is not in it.
    pub cpu_us: f64,
    /// How often memory was asked for, for each operation; only a program that counts knows.
    pub allocations: Option<f64>,
    /// How much the store keeps for each session, if it can be asked.
    pub bytes: Option<f64>,
    /// What part of the updates is in the session in the end, where they were counted.
    pub kept: Option<f64>,
    /// How many sessions there were.
    pub live: u64,
    /// What an acknowledged write survives.
    pub durable: &'static str,
}

/// The time that so many of a hundred took at most, in microseconds; the times are sorted.
pub fn percentile(times: &[Duration], percent: usize) -> f64 {
    let last = times.len().saturating_sub(1);
    times.get(last * percent / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_times_are_below_the_median_and_one_of_a_hundred_above_the_ninety_ninth() {
        let times: Vec<_> = (1..=100).map(Duration::from_micros).collect();
        assert!((percentile(&times, 50) - 50.0).abs() < 1e-9, "{}", percentile(&times, 50));
        assert!((percentile(&times, 99) - 99.0).abs() < 1e-9);
        assert!((percentile(&times, 100) - 100.0).abs() < 1e-9);
    }

    #[test]
    fn no_times_have_no_percentile_and_no_panic() {
        assert!(percentile(&[], 99).abs() < f64::EPSILON);
    }
}
