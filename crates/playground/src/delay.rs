//! `?delay_ms=N`: a pause between the session's load and its change, to show what a race does.

use std::time::Duration;

use crate::Failure;

const LONGEST: u64 = 2_000;

/// The pause that a query asks for; none without it.
///
/// # Errors
///
/// 400 for anything but a whole number from 0 to 2000.
pub fn delay(query: Option<&str>) -> Result<Duration, Failure> {
    let mut asked = query.unwrap_or_default().split('&').filter_map(|pair| pair.strip_prefix("delay_ms="));
    let Some(text) = asked.next() else { return Ok(Duration::ZERO) };
    // Digits alone: `parse` would take a sign as well.
    let millis = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    match millis {
        Some(millis) if millis <= LONGEST && asked.next().is_none() => Ok(Duration::from_millis(millis)),
        _ => Err(Failure::bad("delay_ms is one whole number of milliseconds, 0 to 2000.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_a_whole_number_up_to_two_seconds() {
        assert_eq!(delay(None), Ok(Duration::ZERO));
        assert_eq!(delay(Some("a=1&delay_ms=2000")), Ok(Duration::from_secs(2)));
        for query in ["2001", "", "+5", "-5", "1.5", "5s", "%35", "99999999999999999999", "1&delay_ms=1"] {
            assert!(delay(Some(&format!("delay_ms={query}"))).is_err(), "{query}");
        }
    }
}
