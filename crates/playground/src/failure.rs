//! What went wrong, as a visitor may know it.

use std::borrow::Cow;
use std::error::Error;
use std::io::Write as _;

use cloakroom::ErrorKind;

/// What a request is told that another one's logout has overtaken.
pub const ENDED: &str = "Another request has ended this session meanwhile. Nothing was saved.";

/// A request that could not be done: a status, and one sentence that tells nothing of the store.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The HTTP status.
    pub status: u16,
    /// The sentence.
    pub message: Cow<'static, str>,
}

impl Failure {
    /// A failure with this status, told in this sentence.
    pub fn new(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, message: message.into() }
    }

    /// The visitor's own mistake.
    pub fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, message)
    }

    /// `{"error": …}`
    pub fn json(&self) -> String {
        serde_json::json!({ "error": self.message }).to_string()
    }

    /// What a failed session operation is to the visitor.
    fn of(kind: ErrorKind, error: &dyn Error) -> Self {
        match kind {
            // These speak of what the visitor sent, and of nothing else.
            ErrorKind::Invalid | ErrorKind::Mismatch => Self::bad(sentence(&error.to_string())),
            ErrorKind::Interrupted => Self::bad(ENDED),
            ErrorKind::TooManySessions => Self::new(
                409,
                "This user has as many sessions as are allowed: one has to end before this login.",
            ),
            ErrorKind::TooLarge => Self::new(413, "That is more than a session can hold."),
            ErrorKind::Unsupported => Self::new(501, "This session engine can not do that."),
            kind => {
                tell_the_operator(error);
                match kind {
                    ErrorKind::Unavailable => Self::new(
                        503,
                        "The session store can not be reached. Nothing was saved; try again soon.",
                    ),
                    ErrorKind::Unknown => Self::new(
                        503,
                        "The session store did not answer. Look before you try again: it may be done.",
                    ),
                    _ => Self::new(500, "The session could not be used."),
                }
            }
        }
    }
}

impl From<cloakroom::core::Error> for Failure {
    fn from(error: cloakroom::core::Error) -> Self {
        Self::of(error.kind(), &error)
    }
}

impl From<&cloakroom::axum::Error> for Failure {
    fn from(error: &cloakroom::axum::Error) -> Self {
        Self::of(error.kind(), error)
    }
}

impl From<&cloakroom::actix::Error> for Failure {
    fn from(error: &cloakroom::actix::Error) -> Self {
        Self::of(error.kind(), error)
    }
}

/// An error and its sources, on one line. A source that the sentence before it has quoted is not repeated.
pub fn one_line(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
        source = error.source();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// As a person would write it.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
}

/// The visitor learns that the store failed, the operator why. An error holds no key and no payload.
fn tell_the_operator(error: &dyn Error) {
    // Standard error may be closed: that is no reason to fail the request in another way.
    writeln!(std::io::stderr(), "playground: {}", one_line(error)).ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_that_was_quoted_already_is_not_repeated() {
        let disk = std::io::Error::other("disk\nfull");
        let inner = cloakroom::core::Error::caused(ErrorKind::Unavailable, "no answer", disk);
        let outer =
            cloakroom::core::Error::caused(ErrorKind::Unavailable, format!("SETTING: {inner}"), inner);
        assert_eq!(one_line(&outer), "SETTING: no answer: disk full");
    }

    #[test]
    fn the_visitor_never_learns_why_the_store_failed() {
        let secret = cloakroom::core::Error::caused(ErrorKind::Unavailable, "host 10.0.0.7", "table t");
        let failure = Failure::from(secret);
        assert_eq!(failure.status, 503);
        assert!(!failure.message.contains("10.0.0.7") && !failure.message.contains("table"), "{failure:?}");
    }
}
