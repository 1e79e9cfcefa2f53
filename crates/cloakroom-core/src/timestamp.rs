//! A moment, as engines store it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970-01-01 00:00:00 UTC, from then to the end of the year 9999.
///
/// Arithmetic stops at those two ends, so no expiry, however absurd, overflows a column or a cookie.
///
/// ```
/// use std::time::Duration;
/// use cloakroom_core::Timestamp;
///
/// let start = Timestamp::from_millis(1_000);
/// assert_eq!(start.plus(Duration::from_secs(2)).millis(), 3_000);
/// assert_eq!(start.plus(Duration::MAX), Timestamp::MAX);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Timestamp(u64);

impl Timestamp {
    /// 1970-01-01 00:00:00 UTC.
    pub const MIN: Self = Self(0);
    /// 9999-12-31 23:59:59.999 UTC, the last moment that a cookie's date can name.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// That many milliseconds after 1970 began, at most [`Timestamp::MAX`].
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.0 { Self::MAX } else { Self(millis) }
    }

    /// Milliseconds since 1970 began.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// `span` later.
    pub fn plus(self, span: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(whole_millis(span)))
    }

    /// `span` earlier.
    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(whole_millis(span)))
    }

    /// How long after `earlier` this is; zero if it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<SystemTime> for Timestamp {
    /// Times before 1970 become [`Timestamp::MIN`].
    fn from(time: SystemTime) -> Self {
        Self::MIN.plus(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_millis(timestamp.0)
    }
}

fn whole_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
