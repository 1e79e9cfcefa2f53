//! Moments, for programs and for people.

use std::time::SystemTime;

use cloakroom::Timestamp;
use time::OffsetDateTime;

/// `2026-03-14T12:05:09.120Z`: always as long, so that as texts they sort as moments do.
pub(crate) fn rfc3339(moment: Timestamp) -> String {
    let date = date(moment);
    let (month, day) = (u8::from(date.month()), date.day());
    let (hour, minute, second) = date.to_hms();
    format!(
        "{:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
        date.year(),
        date.millisecond()
    )
}

/// `2026-03-14 12:05`, in UTC
pub(crate) fn short(moment: Timestamp) -> String {
    let date = date(moment);
    let (month, day) = (u8::from(date.month()), date.day());
    format!("{:04}-{month:02}-{day:02} {:02}:{:02}", date.year(), date.hour(), date.minute())
}

/// `2026-03-14 12:05:09 UTC`
pub(crate) fn long(moment: Timestamp) -> String {
    format!("{}:{:02} UTC", short(moment), date(moment).second())
}

fn date(moment: Timestamp) -> OffsetDateTime {
    SystemTime::from(moment).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_in_utc_whoever_reads_it() {
        let moment = Timestamp::from_millis(1_700_000_000_123);
        assert_eq!(rfc3339(moment), "2023-11-14T22:13:20.123Z");
        assert_eq!(rfc3339(Timestamp::from_millis(1_700_000_000_120)), "2023-11-14T22:13:20.120Z");
        assert_eq!(short(moment), "2023-11-14 22:13");
        assert_eq!(long(moment), "2023-11-14 22:13:20 UTC");
        assert_eq!(short(Timestamp::MAX), "9999-12-31 23:59");
    }
}
