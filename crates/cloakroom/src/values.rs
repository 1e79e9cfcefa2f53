//! Settings' values as text: what is allowed, and the sentence that says so.

use std::num::NonZeroU32;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cloakroom_core::{Error, ErrorKind, LoginPolicy, Result, SealKeys};

pub(crate) fn switch(text: &str) -> Result<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => refuse(text, "true or false"),
    }
}

/// Whole seconds, at least one.
pub(crate) fn seconds(text: &str) -> Result<Duration> {
    match text.parse() {
        Ok(seconds @ 1..) => Ok(Duration::from_secs(seconds)),
        _ => refuse(text, "a whole number of seconds, 1 or more"),
    }
}

/// Whole seconds, at least a minute of them.
pub(crate) fn a_minute_or_more(text: &str) -> Result<Duration> {
    match text.parse() {
        Ok(seconds @ 60..) => Ok(Duration::from_secs(seconds)),
        _ => refuse(text, "a whole number of seconds, 60 or more"),
    }
}

/// A whole number that is not zero.
pub(crate) fn positive(text: &str) -> Result<NonZeroU32> {
    text.parse().or_else(|_| refuse(text, "a whole number, 1 or more"))
}

pub(crate) fn policy(text: &str) -> Result<LoginPolicy> {
    match text.to_ascii_lowercase().as_str() {
        "end_oldest" => Ok(LoginPolicy::EndOldest),
        "refuse" => Ok(LoginPolicy::Refuse),
        _ => refuse(text, "end_oldest or refuse"),
    }
}

/// A whole number.
pub(crate) fn number(text: &str) -> Result<u32> {
    text.parse().or_else(|_| refuse(text, "a whole number, 0 or more"))
}

/// A key of any characters: it is used as it stands.
pub(crate) fn secret(text: &str) -> Result<String> {
    if text.trim().is_empty() {
        return Err(Error::new(ErrorKind::Misconfigured, "one of its keys is empty"));
    }
    Ok(text.to_owned())
}

/// Keys with commas between them, blanks around them left out. One that has either can be named in code.
pub(crate) fn secrets(text: &str) -> Result<Vec<String>> {
    text.split(',').map(|key| secret(key.trim())).collect()
}

/// 32 bytes in base64 each, of either alphabet, with commas between them.
pub(crate) fn seal_keys(text: &str) -> Result<SealKeys> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    // A wrong key is never quoted: it may be a right one with a typing error.
    let wrong = || Error::new(ErrorKind::Misconfigured, "one of its keys is not 32 bytes in base64");
    let decode = |key: &str| {
        let bytes = [STANDARD, URL_SAFE]
            .iter()
            .find_map(|alphabet| GeneralPurpose::new(alphabet, LENIENT).decode(key.trim()).ok());
        bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)
    };
    SealKeys::new(text.split(',').map(decode).collect::<Result<Vec<[u8; 32]>>>()?)
}

fn refuse<T>(text: &str, allowed: &str) -> Result<T> {
    Err(Error::new(ErrorKind::Misconfigured, format!("{text:?} is not {allowed}")))
}
