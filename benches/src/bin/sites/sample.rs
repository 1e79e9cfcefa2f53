//! What was measured of one route of one contender, and what comes of all rounds.

use serde_json::{Value, json};

use crate::{
    contender::{Contender, Route},
    load::{CONNECTIONS, Load},
};

/// One round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) load: Load,
    /// Of the site's process, per request.
    pub(crate) cpu_us: f64,
}

/// All rounds of a route.
#[derive(Debug)]
pub(crate) struct Samples {
    pub(crate) route: Route,
    pub(crate) all: Vec<Sample>,
    /// How many changes were acknowledged and are not there.
    pub(crate) lost: u64,
    /// How many requests were answered by an error.
    pub(crate) refused: u64,
}

impl Samples {
    pub(crate) fn of(route: Route) -> Self {
        Self { route, all: Vec::new(), lost: 0, refused: 0 }
    }

    pub(crate) fn median(&self, of: impl Fn(&Sample) -> f64) -> f64 {
        median(self.all.iter().map(of).collect())
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.median(|sample| sample.load.per_second())
    }

    /// The line that reports are made of.
    pub(crate) fn line(&self, contender: &Contender, version: &str) -> Value {
        let who = if self.route == Route::Bare { contender.framework } else { contender.library };
        json!({
            "table": self.route.table(),
            "size": null,
            "tasks": CONNECTIONS,
            "engine": contender.row(),
            "contender": who,
            "version": version,
            "per_second": self.per_second(),
            "p50_us": self.median(|sample| sample.load.p50_us),
            "p99_us": self.median(|sample| sample.load.p99_us),
            "cpu_us": self.median(|sample| sample.cpu_us),
            "allocations": null,
            "bytes": null,
            "durable": contender.durable(),
        })
    }
}

/// The middle one, or the mean of the two in the middle; 0 of none.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => 0.0,
        length if length % 2 == 1 => numbers[middle],
        _ => f64::midpoint(numbers[middle - 1], numbers[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_between_the_two_in_the_middle() {
        for (numbers, expected) in
            [(vec![9.0, 1.0, 2.0], 2.0), (vec![9.0, 1.0, 2.0, 4.0], 3.0), (Vec::new(), 0.0)]
        {
            assert!((median(numbers) - expected).abs() < f64::EPSILON);
        }
    }
}
