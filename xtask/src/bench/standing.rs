//! What the rounds come to.

use super::sample::Sample;

/// Who is held against all others.
pub(crate) const OURS: &str = "cloakroom";
/// The driver alone.
pub(crate) const RAW: &str = "raw";

/// What one contender did in all rounds of one cell.
#[derive(Debug)]
pub(crate) struct Standing {
    pub(crate) table: String,
    pub(crate) size: Option<u64>,
    pub(crate) tasks: u64,
    pub(crate) live: u64,
    pub(crate) engine: String,
    pub(crate) contender: String,
    pub(crate) samples: Vec<Sample>,
}

/// Those of a whole run, in the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Standings(pub(crate) Vec<Standing>);

impl Standings {
    pub(crate) fn of(samples: &[Sample]) -> Self {
        let mut all: Vec<Standing> = Vec::new();
        for sample in samples {
            let (size, tasks) = (sample.whole("size"), sample.whole("tasks").unwrap_or(1));
            let live = sample.whole("live").unwrap_or_default();
            let same = |one: &&mut Standing| {
                one.table == sample.table
                    && (one.size, one.tasks, one.live) == (size, tasks, live)
                    && one.engine == sample.engine
                    && one.contender == sample.contender
            };
            match all.iter_mut().find(same) {
                Some(one) => one.samples.push(sample.clone()),
                None => all.push(Standing {
                    table: sample.table.clone(),
                    size,
                    tasks,
                    live,
                    engine: sample.engine.clone(),
                    contender: sample.contender.clone(),
                    samples: vec![sample.clone()],
                }),
            }
        }
        Self(all)
    }

    /// How often everybody was visited, at most.
    pub(crate) fn rounds(&self) -> usize {
        self.0.iter().map(|one| one.samples.len()).max().unwrap_or_default()
    }

    /// The first one of each that differs in what `of` says, in order.
    pub(crate) fn each<T: PartialEq>(&self, of: impl Fn(&Standing) -> Option<T>) -> Vec<T> {
        let mut seen = Vec::new();
        for one in self.0.iter().filter_map(of) {
            if !seen.contains(&one) {
                seen.push(one);
            }
        }
        seen
    }

    /// Who else was there when this one was measured.
    pub(crate) fn beside<'a>(&'a self, one: &'a Standing) -> impl Iterator<Item = &'a Standing> {
        self.0.iter().filter(move |other| {
            other.contender != one.contender
                && other.engine == one.engine
                && other.table == one.table
                && (other.size, other.tasks, other.live) == (one.size, one.tasks, one.live)
        })
    }
}

impl Standing {
    /// The median of what its samples say under that name.
    pub(crate) fn median(&self, name: &str) -> Option<f64> {
        median(self.samples.iter().filter_map(|sample| sample.number(name)).collect())
    }

    /// How many times as fast it was as another one: in each round, and the median of that.
    pub(crate) fn times(&self, other: &Self) -> Option<f64> {
        let rounds = self.samples.iter().zip(&other.samples);
        median(rounds.map(|(mine, theirs)| mine.per_second / theirs.per_second).collect())
    }

    pub(crate) fn text(&self, name: &str) -> &str {
        self.samples.first().map(|sample| sample.text(name)).unwrap_or_default()
    }
}

/// The one in the middle; of an even number the mean of the two.
pub(crate) fn median(mut numbers: Vec<f64>) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    let upper = *numbers.get(middle)?;
    Some(if numbers.len() % 2 == 1 { upper } else { f64::midpoint(upper, numbers[middle - 1]) })
}

#[cfg(test)]
pub(crate) fn sampled(table: &str, contender: &str, per_second: f64) -> Sample {
    let line = serde_json::json!({
        "table": table, "size": 300, "tasks": 1, "engine": "sqlite", "contender": contender, "version": "1",
        "per_second": per_second, "p50_us": 1.0, "durable": "nothing",
    });
    Sample::read(&line.to_string()).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_one_wild_round_does_not_move_it() {
        assert_eq!(median(vec![2.0, 1_000.0, 1.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 2.0]), Some(3.0));
        assert_eq!(median(Vec::new()), None);
    }

    #[test]
    fn a_ratio_is_that_of_one_round_and_not_of_two_medians() {
        // The machine was slow for both in the second round, and the third was twice as fast for both.
        let rounds = [(10.0, 10.0), (1.0, 2.0), (20.0, 10.0)];
        let samples: Vec<_> = rounds
            .iter()
            .flat_map(|(ours, raw)| [sampled("load", OURS, *ours), sampled("load", RAW, *raw)])
            .collect();
        let standings = Standings::of(&samples);
        assert_eq!(standings.0[0].times(&standings.0[1]), Some(1.0));
    }

    #[test]
    fn only_what_was_measured_alike_is_compared() {
        let standings = Standings::of(&[sampled("load", OURS, 1.0), sampled("save", RAW, 1.0)]);
        assert_eq!(standings.beside(&standings.0[0]).count(), 0);
    }
}
