//! Dates as Python's `datetime` reads and writes them.

use cloakroom_core::Timestamp;

const DAY: i64 = 86_400;

/// A moment, as a text names it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Moment {
    /// Since 1970 began; in UTC if it has an offset, else wherever it was written.
    micros: i64,
    has_offset: bool,
}

impl Moment {
    /// What Python 3.11's `datetime.fromisoformat` makes of a text; none where that raises, and for a few malformed times that only
    /// the version in C takes.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 7 {
            return None;
        }
        let border = border(bytes)?;
        let days = date(bytes.get(..border)?)?;
        let time = if bytes.len() == border {
            (0, None)
        } else {
            // Whatever stands between the two, one character of it.
            let between = text.get(border..)?.chars().next()?.len_utf8();
            time(bytes.get(border + between..)?)?
        };
        let (micros, offset) = time;
        let local = days * DAY * 1_000_000 + micros;
        Some(Self { micros: local - offset.unwrap_or_default(), has_offset: offset.is_some() })
    }

    pub(crate) fn has_offset(self) -> bool {
        self.has_offset
    }

    /// The same, no earlier and no later than core's moments are; what is less than a millisecond is cut off.
    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_millis(u64::try_from(self.micros.div_euclid(1_000)).unwrap_or_default())
    }
}

/// `isoformat()` of a moment in UTC: six digits of a second or none, and the offset unless it is naive.
pub(crate) fn isoformat(moment: Timestamp, naive: bool) -> String {
    let (seconds, millis) = (moment.millis() / 1_000, moment.millis() % 1_000);
    let (year, month, day) = civil(i64::try_from(seconds).unwrap_or_default() / DAY);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    let fraction = if millis == 0 { String::new() } else { format!(".{:06}", millis * 1_000) };
    let offset = if naive { "" } else { "+00:00" };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}{offset}")
}

/// How long the date is. With week numbers that takes guessing, and this guesses as Python does.
fn border(text: &[u8]) -> Option<usize> {
    let digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    Some(match (text.len(), text.get(4)?, text.get(5)?) {
        (7, ..) => 7,
        (8, b'-', b'W') => 8,
        (9, b'-', b'W') if text[8] == b'-' => return None,
        (_, b'-', b'W') if text[8] == b'-' => {
            if digit(10) {
                8
            } else {
                10
            }
        }
        (_, b'-', b'W') => 8,
        (_, b'-', _) => 10,
        (_, b'W', _) => {
            let digits = 7 + text[7..].iter().take_while(|byte| byte.is_ascii_digit()).count();
            match digits {
                0..9 => digits,
                _ if digits % 2 == 0 => 7,
                _ => 8,
            }
        }
        _ => 8,
    })
}

/// `YYYY-MM-DD`, `YYYYMMDD`, `YYYY-Www-D`, `YYYYWwwD` and both without the day of the week, as days since 1970.
fn date(text: &[u8]) -> Option<i64> {
    let year = number(text.get(..4)?)?;
    let has_dashes = text.get(4) == Some(&b'-');
    let rest = text.get(4 + usize::from(has_dashes)..)?;
    // Behind the first two digits: a dash, if there was one before.
    let last =
        |rest: &'_ [u8]| -> Option<i64> { number(if has_dashes { rest.strip_prefix(b"-")? } else { rest }) };
    if !(1..=9_999).contains(&year) {
        return None;
    }
    if let Some(rest) = rest.strip_prefix(b"W") {
        let (week, rest) = rest.split_at_checked(2)?;
        let day = if rest.is_empty() { 1 } else { last(rest)? };
        return week_day(year, number(week)?, day);
    }
    let (month, rest) = rest.split_at_checked(2)?;
    let (month, day) = (number(month)?, last(rest).filter(|_| rest.len() == 2 + usize::from(has_dashes))?);
    let days = days(year, month, day);
    ((1..=12).contains(&month) && civil(days) == (year, month, day)).then_some(days)
}

fn week_day(year: i64, week: i64, day: i64) -> Option<i64> {
    // The week of a year's fourth day is its first one.
    let monday = |year: i64| {
        let fourth = days(year, 1, 4);
        fourth - (fourth + 3).rem_euclid(7)
    };
    let days = monday(year) + (week - 1) * 7 + day - 1;
    let is_in_year = week >= 1 && (week <= 52 || (week == 53 && monday(year) + 364 < monday(year + 1)));
    (is_in_year && (1..=7).contains(&day) && (1..=9_999).contains(&civil(days).0)).then_some(days)
}

/// Microseconds since midnight and, if there is one, those that the clock is ahead of UTC.
fn time(text: &[u8]) -> Option<(i64, Option<i64>)> {
    let sign = text.iter().position(|byte| matches!(byte, b'-' | b'+' | b'Z'));
    let (clock, zone) = text.split_at(sign.unwrap_or(text.len()));
    let ([hour, minute, second], micros) = clock_parts(clock)?;
    let offset = match zone {
        [] => None,
        [b'Z'] => Some(0),
        [sign, zone @ ..] => {
            if *sign == b'Z' || matches!(zone.len(), 0 | 1 | 3) {
                return None;
            }
            let ([hours, minutes, seconds], micros) = clock_parts(zone)?;
            let ahead = ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros;
            if ahead >= DAY * 1_000_000 {
                return None;
            }
            // Less than a second is no offset to CPython.
            Some(if ahead < 1_000_000 {
                0
            } else if *sign == b'-' {
                -ahead
            } else {
                ahead
            })
        }
    };
    let is_time = hour <= 23 && minute <= 59 && second <= 59;
    is_time.then_some((((hour * 60 + minute) * 60 + second) * 1_000_000 + micros, offset))
}

/// `HH[:MM[:SS[.f+]]]`, or the same without colons.
fn clock_parts(text: &[u8]) -> Option<([i64; 3], i64)> {
    let mut parts = [0; 3];
    let mut rest = text;
    let has_colons = text.get(2) == Some(&b':');
    for (place, part) in parts.iter_mut().enumerate() {
        let (digits, behind) = rest.split_at_checked(2)?;
        *part = number(digits)?;
        rest = behind;
        if rest.is_empty() || place == 2 {
            break;
        }
        if has_colons {
            rest = rest.strip_prefix(b":")?;
        }
    }
    let micros = match rest {
        [] => 0,
        [b'.' | b',', fraction @ ..] if !fraction.is_empty() && fraction.iter().all(u8::is_ascii_digit) => {
            let six = fraction.iter().chain(std::iter::repeat(&b'0')).take(6);
            number(&six.copied().collect::<Vec<u8>>())?
        }
        _ => return None,
    };
    Some((parts, micros))
}

fn number(digits: &[u8]) -> Option<i64> {
    let is_one = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_one.then(|| digits.iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0')))
}

/// Days since 1970 began. Years begin in March here, so that leap days are at their end.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year, month and day.
fn civil(days: i64) -> (i64, i64, i64) {
    let since_march = days + 719_468;
    let (era, of_era) = (since_march.div_euclid(146_097), since_march.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(text: &str) -> Option<u64> {
        Moment::parse(text).map(|moment| moment.timestamp().millis())
    }

    #[test]
    fn a_date_is_read_in_each_form_that_python_reads() {
        let dates = [
            ("2023-11-14T22:13:20+00:00", 1_700_000_000_000),
            ("2023-11-14T22:13:20Z", 1_700_000_000_000),
            ("2023-11-14 22:13:20", 1_700_000_000_000),
            ("2023-11-14é22:13:20.0009999", 1_700_000_000_000),
            ("20231114T221320,5", 1_700_000_000_500),
            ("2023-W46-2T22:13:20", 1_700_000_000_000),
            ("2023W462T221320", 1_700_000_000_000),
            ("2023W46T2213", 1_699_913_580_000),
            ("2023-W46", 1_699_833_600_000),
            ("2023-11-14", 1_699_920_000_000),
            ("2023-11-14T22", 1_699_999_200_000),
            ("2020-W53-7", 1_609_632_000_000),
            ("2024-02-29", 1_709_164_800_000),
            ("2000-02-29", 951_782_400_000),
            ("2023-11-15T03:43:20+05:30", 1_700_000_000_000),
            ("2023-11-14T16:43:20-0530", 1_700_000_000_000),
            ("2023-11-14T22:13:20+00:00:00.25", 1_700_000_000_000),
            ("2023-11-14T23:13:21.5+01:00:01.5", 1_700_000_000_000),
            ("1969-12-31T23:59:59.999+00:00", 0),
            ("1970-01-01T00:00:00-23:59:59.999", 86_399_999),
            ("9999-12-31T23:59:59.999999-23:59", 253_402_300_799_999),
        ];
        for (text, expected) in dates {
            assert_eq!(millis(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_to_python_is_none() {
        for text in [
            "",
            "soon",
            "2023",
            "2023-11",
            "2023-1-14",
            "2023-13-01",
            "2023-00-01",
            "2023-02-29",
            "1900-02-29",
            "2023-11-31",
            "0000-01-01",
            "2023-W00-1",
            "2021-W53-1",
            "2023-W46-8",
            "2023-1114",
            "202311-14",
            "2023-W462",
            "2023-11-14T",
            "2023-11-14T2",
            "2023-11-14T24:00",
            "2023-11-14T22:60",
            "2023-11-14T22:13:60",
            "2023-11-14T22:13:20.",
            "2023-11-14T22:1320",
            "2023-11-14T22:13:20+",
            "2023-11-14T22:13:20+5",
            "2023-11-14T22:13:20+24:00",
            "2023-11-14T22:13:20Z+00",
            "2023-11-14T22:13:20z",
            "2023-11-14T22:13:20.5x",
            "２０２３-11-14",
            "9999-W53-1",
        ] {
            assert_eq!(millis(text), None, "{text}");
        }
    }

    #[test]
    fn any_text_is_a_date_or_none() {
        let text = "2023-W46-2é22:13:20.250000+05:30:15.25";
        for (at, char) in text.char_indices() {
            millis(&text[..at]);
            for other in ["", "0", "9", "-", ":", "Z", "W", "é", "😀"] {
                millis(&[&text[..at], other, &text[at + char.len_utf8()..]].concat());
            }
        }
    }

    #[test]
    fn a_moment_is_written_with_six_digits_of_a_second_or_none() {
        let written = |millis| isoformat(Timestamp::from_millis(millis), false);
        assert_eq!(written(1_700_000_000_000), "2023-11-14T22:13:20+00:00");
        assert_eq!(written(1_700_000_000_025), "2023-11-14T22:13:20.025000+00:00");
        assert_eq!(written(0), "1970-01-01T00:00:00+00:00");
        assert_eq!(written(u64::MAX), "9999-12-31T23:59:59.999000+00:00");
        assert_eq!(isoformat(Timestamp::from_millis(951_782_400_000), true), "2000-02-29T00:00:00");
    }
}
