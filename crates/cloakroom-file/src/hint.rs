//! A file's time of modification: its session's deadline, as a hint to the sweep and never as the truth.

use cloakroom_core::Timestamp;
use rustix::fs::{Stat, Timespec, Timestamps, UTIME_OMIT};

/// Nanoseconds that no deadline has. Where they are missing, the time is not one that this library set:
/// a backup has rewritten it, or the file system could not hold it.
const MARK: i64 = 271_000;

/// When the session in a file ends, as far as can be told without opening it.
#[derive(Debug)]
pub(crate) struct Hint {
    /// The moment.
    pub(crate) ends_at: Timestamp,
    /// Whether this library said so.
    pub(crate) marked: bool,
}

impl Hint {
    /// What to set, so that the file says when its session ends.
    pub(crate) fn times(deadline: Timestamp) -> Timestamps {
        let millis = i64::try_from(deadline.millis()).unwrap_or(i64::MAX);
        let modified = Timespec { tv_sec: millis / 1_000, tv_nsec: millis % 1_000 * 1_000_000 + MARK };
        Timestamps { last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT }, last_modification: modified }
    }

    /// What a file says.
    #[allow(
        clippy::allow_attributes,
        clippy::cast_lossless,
        clippy::cast_possible_wrap,
        clippy::cast_possible_truncation,
        clippy::unnecessary_cast,
        reason = "each platform has its own types"
    )]
    pub(crate) fn of(stat: &Stat) -> Self {
        let (seconds, nanos) = (stat.st_mtime as i64, stat.st_mtime_nsec as i64);
        let millis = u64::try_from(seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000));
        Self { ends_at: Timestamp::from_millis(millis.unwrap_or(0)), marked: nanos % 1_000_000 == MARK }
    }
}
