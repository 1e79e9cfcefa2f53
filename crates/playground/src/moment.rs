//! Moments and spans of time, for programs and for people.

use std::time::{Duration, SystemTime};

use cloakroom::Timestamp;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// `2026-03-14T12:05:09.123Z`
pub fn rfc3339(moment: Timestamp) -> String {
    OffsetDateTime::from(SystemTime::from(moment)).format(&Rfc3339).unwrap_or_default()
}

/// The moment that an RFC 3339 text names; one before 1970 is 1970.
pub fn parse(text: &str) -> Option<Timestamp> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let millis = moment.unix_timestamp_nanos().max(0) / 1_000_000;
    u64::try_from(millis).ok().map(Timestamp::from_millis)
}

/// `14 March 2026, 12:05 UTC`
pub fn readable(moment: Timestamp) -> String {
    let moment = OffsetDateTime::from(SystemTime::from(moment));
    let (day, month, year) = (moment.day(), moment.month(), moment.year());
    format!("{day} {month} {year}, {:02}:{:02} UTC", moment.hour(), moment.minute())
}

/// `13 days`: in the largest unit that it fills, rounded to the nearest.
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(YEAR, "year"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute")];
    let (unit, name) = units.into_iter().find(|(unit, _)| seconds >= *unit).unwrap_or((1, "second"));
    let count = seconds.saturating_add(unit / 2) / unit;
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

/// `in 13 days`
pub fn ahead(now: Timestamp, then: Timestamp) -> String {
    format!("in {}", span(then.since(now)))
}

/// `2 minutes ago`, `just now`
pub fn ago(now: Timestamp, then: Timestamp) -> String {
    let past = now.since(then);
    if past.as_secs() < 10 { "just now".into() } else { format!("{} ago", span(past)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_and_read_in_milliseconds() {
        let moment = Timestamp::from_millis(1_700_000_000_123);
        assert_eq!(rfc3339(moment), "2023-11-14T22:13:20.123Z");
        assert_eq!(parse("2023-11-14T23:13:20.123+01:00"), Some(moment));
        assert_eq!(readable(moment), "14 November 2023, 22:13 UTC");
    }

    #[test]
    fn moments_beyond_the_ends_stop_at_them() {
        assert_eq!(parse("1901-01-01T00:00:00Z"), Some(Timestamp::MIN));
        assert_eq!(parse("9999-12-31T23:59:59.999Z"), Some(Timestamp::MAX));
        assert_eq!(rfc3339(Timestamp::MAX), "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn a_span_is_told_in_its_largest_unit_to_the_nearest() {
        for (seconds, told) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (60, "1 minute"),
            (299, "5 minutes"),
            (3_590, "60 minutes"),
            (14 * DAY - 1, "14 days"),
            (13 * DAY + HOUR, "13 days"),
            (2 * YEAR, "2 years"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), told, "{seconds}");
        }
    }
}
