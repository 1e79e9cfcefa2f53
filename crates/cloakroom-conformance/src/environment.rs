//! What the environment says of searches and of tests that kill: how long they go on, and what they draw.

use std::env;
use std::str::FromStr;
use std::time::Duration;

/// Makes what searches and what kills go on for so many seconds.
const SECONDS: &str = "CLOAKROOM_SOAK_SECONDS";
/// Makes the same draws again.
pub(crate) const SEED: &str = "CLOAKROOM_SEED";

pub(crate) fn seconds() -> Option<Duration> {
    said(SECONDS).map(Duration::from_secs_f64)
}

pub(crate) fn seed() -> Option<u64> {
    said(SEED)
}

fn said<T: FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, which is no number")))
}
