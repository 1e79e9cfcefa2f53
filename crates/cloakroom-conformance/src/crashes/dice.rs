//! Draws that can be made again.

use cloakroom_core::{Clock, SystemClock};

use crate::environment::{SEED, seed};

/// Numbers that a seed determines.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// By `CLOAKROOM_SEED`, or by the time. The seed is printed.
    pub fn of_environment() -> Self {
        let seed = seed().unwrap_or_else(|| SystemClock.now().millis());
        println!("{SEED}={seed}");
        Self::of(seed)
    }

    /// By a seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: u64) -> u64 {
        // SplitMix64. That small numbers are a little more likely does not matter here.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut drawn = self.0;
        drawn = (drawn ^ (drawn >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (drawn ^ (drawn >> 31)) % end
    }

    /// True once in `times`.
    pub fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Dice of their own, for somebody who rolls at the same time.
    pub fn another(&mut self) -> Self {
        Self(self.below(u64::MAX))
    }
}
