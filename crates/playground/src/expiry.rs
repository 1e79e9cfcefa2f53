//! When a session is asked to end.

use std::time::Duration;

use cloakroom::Expiry;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::Failure;
use crate::moment::parse;

/// What a body of `POST /api/expiry` asks for.
///
/// # Errors
///
/// 400 for anything but exactly one wish.
pub fn wish(body: &[u8]) -> Result<Expiry, Failure> {
    /// An object of exactly one of these names.
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Wish {
        Seconds(Box<RawValue>),
        At(String),
        Default(bool),
    }

    let expiry = match serde_json::from_slice(body) {
        Ok(Wish::Seconds(number)) => seconds(number.get()),
        Ok(Wish::At(text)) => parse(&text).map(Expiry::At),
        Ok(Wish::Default(wanted)) => wanted.then_some(Expiry::Default),
        Err(_) => None,
    };
    expiry.ok_or_else(|| {
        Failure::bad(
            r#"The body should be {"seconds": 300}, {"seconds": 0}, {"at": "2030-01-01T00:00:00Z"} or {"default": true}."#,
        )
    })
}

/// A whole number of any size; zero is until the browser closes.
fn seconds(number: &str) -> Option<Expiry> {
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    match number.parse().unwrap_or(u64::MAX) {
        0 => Some(Expiry::BrowserClose),
        seconds => Some(Expiry::After(Duration::from_secs(seconds))),
    }
}

#[cfg(test)]
mod tests {
    use cloakroom::Timestamp;

    use super::*;

    #[test]
    fn an_expiry_is_exactly_one_wish() {
        let at = Timestamp::from_millis(1_893_456_000_000);
        for (body, expected) in [
            (r#"{"seconds": 300}"#, Expiry::After(Duration::from_mins(5))),
            (r#"{"seconds": 0}"#, Expiry::BrowserClose),
            (r#"{"seconds": 99999999999999999999999}"#, Expiry::After(Duration::from_secs(u64::MAX))),
            (r#"{"at": "2030-01-01T00:00:00Z"}"#, Expiry::At(at)),
            (r#"{"default": true}"#, Expiry::Default),
        ] {
            assert_eq!(wish(body.as_bytes()), Ok(expected), "{body}");
        }
    }

    #[test]
    fn any_other_wish_is_refused() {
        for body in [
            r#"{"seconds": -1}"#,
            r#"{"seconds": -0}"#,
            r#"{"seconds": 1.5}"#,
            r#"{"seconds": 1e3}"#,
            r#"{"seconds": "300"}"#,
            r#"{"seconds": null}"#,
            r#"{"seconds": 1, "default": true}"#,
            r#"{"seconds": 1, "seconds": 2}"#,
            r#"{"at": "tomorrow"}"#,
            r#"{"at": 5}"#,
            r#"{"default": false}"#,
            r#"{"never": true}"#,
            r#""default""#,
            "{}",
            "[]",
            "300",
            "",
        ] {
            assert_eq!(wish(body.as_bytes()).map_err(|failure| failure.status), Err(400), "{body}");
        }
    }
}
