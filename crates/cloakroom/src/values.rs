//! Settings' values as text: what is allowed, and the sentence that says so.

use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Result};

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

fn refuse<T>(text: &str, allowed: &str) -> Result<T> {
    Err(Error::new(ErrorKind::Misconfigured, format!("{text:?} is not {allowed}")))
}
