//! One error type, and what a caller can do about each kind of it.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// What cloakroom's fallible functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure: its [`kind`](Error::kind) tells a program what to do, its text and
/// [`source`](StdError::source) tell a person why. Neither ever holds a key, an id or a payload.
///
/// Cloning is cheap: a clone shares the text and the source.
///
/// ```
/// use cloakroom_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::Unavailable, "the database refused the connection");
/// assert_eq!(error.kind(), ErrorKind::Unavailable);
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind, with one sentence for a person to read.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), source: None }))
    }

    /// The same, caused by `source`, usually the driver's error.
    pub fn caused(
        kind: ErrorKind,
        message: impl Into<Cow<'static, str>>,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), source: Some(source.into().into()) }))
    }

    /// The same error, its sentence behind the name of what it is about: a setting, say.
    pub fn of(self, subject: impl fmt::Display) -> Self {
        let message = format!("{subject}: {self}").into();
        Self(Arc::new(Inner { kind: self.0.kind, message, source: self.0.source.clone() }))
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

/// For people, too: it is what a `main` that returns an error prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({})", self.0.kind.name())?;
        let mut source = self.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}

/// What a caller can do about an [`Error`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum ErrorKind {
    /// Surely not done: trying again may work.
    Unavailable,
    /// The answer was lost and the work may be done: do not apply it again.
    Unknown,
    /// Another request ended this session meanwhile; nothing was stored. Answer 400, start afresh.
    Interrupted,
    /// The caller's value or name can not be stored: one that does not serialise, a reserved name.
    Invalid,
    /// The stored value is of another type than the one asked for; `remove` it or ask for the right one.
    Mismatch,
    /// The stored bytes do not decode.
    Corrupt,
    /// More than the limit allows.
    TooLarge,
    /// The user has as many sessions as are allowed, and this login was refused: ask them to end one.
    TooManySessions,
    /// The response's headers have left: nothing more can be sent to the browser.
    TooLate,
    /// This engine can not do that; its capabilities say so.
    Unsupported,
    /// A setting is wrong; the text names it and its value.
    Misconfigured,
}

impl ErrorKind {
    /// What it is called in spans and as an outcome in metrics: `unavailable`, say.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Unknown => "unknown",
            Self::Interrupted => "interrupted",
            Self::Invalid => "invalid",
            Self::Mismatch => "mismatch",
            Self::Corrupt => "corrupt",
            Self::TooLarge => "too_large",
            Self::TooManySessions => "too_many_sessions",
            Self::TooLate => "too_late",
            Self::Unsupported => "unsupported",
            Self::Misconfigured => "misconfigured",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_sentence_and_keeps_its_source() {
        let error = Error::caused(ErrorKind::Unavailable, "no answer", "refused");
        assert_eq!(error.to_string(), "no answer");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("refused"));
    }

    #[test]
    fn what_main_prints_of_an_error_is_a_sentence_and_why() {
        let error =
            Error::caused(ErrorKind::Unavailable, "no answer", Error::new(ErrorKind::Invalid, "refused"));
        assert_eq!(format!("{error:?}"), "no answer (unavailable): refused");
    }
}
