//! What a script has answered.

use cloakroom_core::{Record, Result, Saved, Stored, Written};
use redis::Value;

use super::value::{self, foreign};

/// An answer of a script about a session.
pub(super) enum Answer {
    /// It is done. Of an owned session that ended by it: whose it was, and until when the index shows it.
    Written(Option<(String, u64)>),
    /// Nothing living is there.
    Gone,
    /// This is there instead.
    Conflict(Stored),
    /// There was nothing to do.
    Skipped,
    /// It must be in its owner's index first; the owner, where the caller can't know.
    Unlisted(Option<String>),
}

impl Answer {
    /// # Errors
    ///
    /// `Corrupt` for a value that others have stored.
    pub(super) fn read(answer: Value) -> Result<Self> {
        let (code, mut parts) = match answer {
            Value::Int(code) => (code, Vec::new()),
            Value::Array(mut parts) if !parts.is_empty() => match parts.remove(0) {
                Value::Int(code) => (code, parts),
                _ => return Err(foreign()),
            },
            _ => return Err(foreign()),
        };
        let second = parts.pop();
        Ok(match (code, parts.pop(), second) {
            (0, None, None) => Self::Gone,
            (1, None, None) => Self::Written(None),
            (1, Some(Value::BulkString(owner)), Some(Value::BulkString(until))) => {
                Self::Written(Some((text(owner)?, value::number(&until))))
            }
            (2, None, Some(Value::BulkString(stored))) => Self::Conflict(value::stored(stored)?),
            (3, None, None) => Self::Skipped,
            (4, None, None) => Self::Unlisted(None),
            (4, None, Some(Value::BulkString(owner))) => Self::Unlisted(Some(text(owner)?)),
            _ => return Err(foreign()),
        })
    }

    /// What became of a write of `new`.
    ///
    /// # Errors
    ///
    /// `Corrupt` for an answer that no write gets.
    pub(super) fn saved(self, new: &Record) -> Result<Saved> {
        match self {
            Self::Written(_) => Ok(Saved::Written(Written::at(new.stamp))),
            Self::Gone => Ok(Saved::Gone),
            Self::Conflict(stored) => Ok(Saved::Conflict(stored)),
            Self::Skipped | Self::Unlisted(_) => Err(foreign()),
        }
    }
}

fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes).map_err(|_| foreign())
}
