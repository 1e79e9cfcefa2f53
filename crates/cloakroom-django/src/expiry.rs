//! `_session_expiry`: when a session ends, as Django keeps it.

use std::time::Duration;

use cloakroom_core::{ErrorKind, Expiry, Result};

use crate::corrupt::corrupt;
use crate::json::{Scanner, Token, float};
use crate::moment::{Moment, isoformat};

/// A thousand years: Django adds seconds to the present, and fails beyond the year 9999.
const LONGEST: Duration = Duration::from_hours(1_000 * 365 * 24);

/// What a value of `_session_expiry` says to Django.
///
/// # Errors
///
/// `Corrupt` where Django raises: for a text that is no date, for one without an offset unless the site has no time zones, and
/// for what is neither text nor number.
pub(crate) fn read(value: &str, use_tz: bool) -> Result<Expiry> {
    let mut scanner = Scanner::over(value, 1, ErrorKind::Corrupt);
    match scanner.token()? {
        Some(Token::Word("null")) => Ok(Expiry::Default),
        // They are 1 and 0 to Python.
        Some(Token::Word("true")) => Ok(Expiry::from_secs(1)),
        Some(Token::Word("false")) => Ok(Expiry::BrowserClose),
        Some(Token::Integer(digits)) => {
            let bound = if digits.starts_with('-') { i64::MIN } else { i64::MAX };
            Ok(Expiry::from_secs(digits.parse().unwrap_or(bound)))
        }
        Some(Token::Float(number)) => number.parse().map_or(Err(corrupt("its expiry is no time")), seconds),
        Some(Token::Text(text)) => match text.string() {
            Some(text) if text.is_empty() => Ok(Expiry::Default),
            Some(text) => date(&text, use_tz),
            None => Err(corrupt("its expiry is no date")),
        },
        // What is empty counts as none.
        Some(Token::Open(_)) if matches!(scanner.token()?, Some(Token::Close(_))) => Ok(Expiry::Default),
        _ => Err(corrupt("its expiry is no time")),
    }
}

/// The value that says so; none is to be kept of the default.
pub(crate) fn written(expiry: Expiry, use_tz: bool) -> Option<String> {
    match expiry {
        Expiry::Default => None,
        Expiry::BrowserClose => Some("0".to_owned()),
        // Zero would be the browser's close.
        Expiry::After(Duration::ZERO) => Some("-1".to_owned()),
        Expiry::After(span) => {
            let span = span.min(LONGEST);
            let is_whole = span.subsec_nanos() == 0;
            Some(if is_whole { span.as_secs().to_string() } else { float(span.as_secs_f64()) })
        }
        Expiry::At(moment) => Some(format!("\"{}\"", isoformat(moment, !use_tz))),
    }
}

fn seconds(seconds: f64) -> Result<Expiry> {
    if !seconds.is_finite() {
        return Err(corrupt("its expiry is no time"));
    }
    if seconds == 0.0 {
        return Ok(Expiry::BrowserClose);
    }
    let span = if seconds < 0.0 { Ok(Duration::ZERO) } else { Duration::try_from_secs_f64(seconds) };
    Ok(Expiry::After(span.unwrap_or(Duration::MAX)))
}

fn date(text: &str, use_tz: bool) -> Result<Expiry> {
    let moment = Moment::parse(text).ok_or_else(|| corrupt("its expiry is no date"))?;
    if use_tz && !moment.has_offset() {
        return Err(corrupt("its expiry has no time zone"));
    }
    Ok(Expiry::At(moment.timestamp()))
}

#[cfg(test)]
mod tests {
    use cloakroom_core::Timestamp;

    use super::*;

    fn after(seconds: f64) -> Expiry {
        Expiry::After(Duration::from_secs_f64(seconds))
    }

    #[test]
    fn a_value_says_what_it_says_to_django() {
        let values = [
            ("null", Some(Expiry::Default)),
            ("\"\"", Some(Expiry::Default)),
            ("[ ]", Some(Expiry::Default)),
            ("{}", Some(Expiry::Default)),
            ("0", Some(Expiry::BrowserClose)),
            ("-0.0", Some(Expiry::BrowserClose)),
            ("false", Some(Expiry::BrowserClose)),
            ("true", Some(after(1.0))),
            ("300", Some(after(300.0))),
            ("12.5", Some(after(12.5))),
            ("-5", Some(after(0.0))),
            ("-0.5", Some(after(0.0))),
            ("-99999999999999999999", Some(after(0.0))),
            ("99999999999999999999", Some(Expiry::from_secs(i64::MAX))),
            ("1e300", Some(Expiry::After(Duration::MAX))),
            ("NaN", None),
            ("-Infinity", None),
            ("[1]", None),
            ("{\"a\":1}", None),
            ("\" \"", None),
            ("\"soon\"", None),
            ("\"\\ud800\"", None),
        ];
        for (value, expiry) in values {
            assert_eq!(read(value, true).ok(), expiry, "{value}");
        }
    }

    #[test]
    fn a_date_without_a_zone_is_a_moment_only_on_a_site_without_zones() {
        let moment = Expiry::At(Timestamp::from_millis(1_700_000_000_500));
        let value = "\"2023-11-14T22:13:20.500000\"";
        assert_eq!(read(value, true).unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(read(value, false).unwrap(), moment);
        assert_eq!(written(moment, false).as_deref(), Some(value));
    }

    #[test]
    fn what_is_written_is_read_as_the_same() {
        let expiries = [
            Expiry::Default,
            Expiry::BrowserClose,
            Expiry::After(Duration::ZERO),
            Expiry::After(Duration::from_millis(12_500)),
            Expiry::After(Duration::from_nanos(1)),
            Expiry::After(LONGEST),
            Expiry::At(Timestamp::MIN),
            Expiry::At(Timestamp::MAX),
        ];
        for expiry in expiries {
            let value = written(expiry, true).unwrap_or("null".to_owned());
            assert_eq!(read(&value, true).unwrap(), expiry, "{value}");
        }
        assert_eq!(written(Expiry::After(Duration::MAX), true).as_deref(), Some("31536000000"));
    }
}
