//! Moments, for programs and for people.

use std::time::SystemTime;

use cloakroom::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// `2026-03-14T12:05:09.123Z`
pub(crate) fn rfc3339(moment: Timestamp) -> String {
    date(moment).format(&Rfc3339).unwrap_or_default()
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
        assert_eq!(short(moment), "2023-11-14 22:13");
        assert_eq!(long(moment), "2023-11-14 22:13:20 UTC");
        assert_eq!(short(Timestamp::MAX), "9999-12-31 23:59");
    }
}
