//! Draws histories until one can't be explained, and makes that one small.

use std::error::Error;
use std::fmt::{self, Display};
use std::time::{Duration, Instant};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::log::Judged;
use crate::environment::{seconds, seed};

/// How often a smaller history is tried before it counts as explained: what really runs at once differs each time.
const TRIES: u32 = 3;
/// How many smaller ones are tried, and for how long.
const MOST_TRIED: u32 = 600;
const LONGEST: Duration = Duration::from_secs(20);

/// How long a search takes, and where it begins.
///
/// ```
/// use std::time::Duration;
/// use cloakroom_conformance::search::Effort;
///
/// let mut effort = Effort::default();
/// effort.time = Duration::from_secs(60);
/// effort.seed = 7;
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug)]
pub struct Effort {
    /// Histories are drawn for so long, and at least [`histories`](Effort::histories) of them.
    pub time: Duration,
    /// So many at least.
    pub histories: u64,
    /// The same seed draws the same histories.
    pub seed: u64,
}

impl Default for Effort {
    /// Half a second, and 20 histories at least, from seed 1.
    fn default() -> Self {
        Self { time: Duration::from_millis(500), histories: 20, seed: 1 }
    }
}

impl Effort {
    /// The same, unless `CLOAKROOM_SOAK_SECONDS` and `CLOAKROOM_SEED` say something else.
    pub fn from_environment() -> Self {
        let usual = Self::default();
        Self { time: seconds().unwrap_or(usual.time), seed: seed().unwrap_or(usual.seed), ..usual }
    }
}

/// What was searched.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Searched {
    /// Histories that were drawn.
    pub histories: u64,
    /// Operations in them whose answers were explained.
    pub operations: u64,
    /// Faults that they suffered.
    pub faults: u64,
    /// Histories of which not all orders were tried: there are too many.
    pub undecided: u64,
}

impl Display for Searched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { histories, operations, faults, undecided } = self;
        write!(f, "{histories} histories, {operations} operations, {faults} faults, {undecided} undecided")
    }
}

/// A history that no order explains.
#[derive(Clone, Debug)]
pub struct Counterexample {
    /// How many histories were explained before.
    pub searched: Searched,
    seed: u64,
    history: String,
}

impl Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { searched, seed, history } = self;
        write!(f, "no order explains this history (seed {seed}, after {searched}):\n{history}")
    }
}

impl Error for Counterexample {}

/// What playing a history came to.
pub(super) struct Played {
    pub(super) judged: Judged,
    pub(super) faults: usize,
}

/// Plays histories until the time is over.
///
/// # Errors
///
/// One that is not explained, and as small as it could be made.
pub(super) async fn hunt<S: Strategy>(
    effort: Effort,
    histories: S,
    play: impl AsyncFn(&S::Value) -> Played,
) -> Result<Searched, Counterexample>
where
    S::Value: Display,
{
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&effort.seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let begun = Instant::now();
    let mut searched = Searched::default();
    while searched.histories < effort.histories || begun.elapsed() < effort.time {
        let mut tree = histories.new_tree(&mut runner).unwrap();
        let played = play(&tree.current()).await;
        if let Some(happened) = played.judged.unexplained {
            let mut history = format!("{}\nso it happened:\n{happened}", tree.current());
            let mut smaller = tree.simplify();
            let found = Instant::now();
            for _ in 0..MOST_TRIED {
                if !smaller || found.elapsed() > LONGEST {
                    break;
                }
                smaller = match again(&play, &tree.current()).await {
                    Some(happened) => {
                        history = format!("{}\nso it happened:\n{happened}", tree.current());
                        tree.simplify()
                    }
                    None => tree.complicate(),
                };
            }
            return Err(Counterexample { searched, seed: effort.seed, history });
        }
        searched.histories += 1;
        searched.operations += played.judged.operations as u64;
        searched.undecided += u64::from(played.judged.undecided);
        searched.faults += played.faults as u64;
    }
    Ok(searched)
}

async fn again<T>(play: &impl AsyncFn(&T) -> Played, history: &T) -> Option<String> {
    for _ in 0..TRIES {
        if let Some(happened) = play(history).await.judged.unexplained {
            return Some(happened);
        }
    }
    None
}
