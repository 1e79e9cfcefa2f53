//! Trying again after a lost answer: until when, and after what pause.

use std::time::Duration;

use crate::{Error, ErrorKind, Result, Sessions, Timestamp, notice};

/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(256);

/// The attempts at one step.
pub(super) struct Attempts<'s> {
    sessions: &'s Sessions,
    until: Timestamp,
    /// The answer to an earlier attempt was lost: it may have been done.
    pub(super) lost: Option<Error>,
    made: u32,
}

impl<'s> Attempts<'s> {
    pub(super) fn new(sessions: &'s Sessions, until: Timestamp) -> Self {
        Self { sessions, until, lost: None, made: 0 }
    }

    /// One attempt, cut off when time is up.
    pub(super) async fn bound<T>(&self, step: impl Future<Output = Result<T>>) -> Result<T> {
        self.sessions.bounded(self.sessions.left(self.until), ErrorKind::Unknown, step).await
    }

    /// Returns when it is worth trying again, else the error to report. Only a lost answer is: what
    /// surely was not done is the caller's to repeat.
    pub(super) async fn again(&mut self, error: Error, repeatable: bool) -> Result<()> {
        match error.kind() {
            ErrorKind::Unknown => self.lost = Some(error),
            ErrorKind::Unavailable if self.lost.is_some() => {}
            // Of the attempt whose answer was lost this says nothing.
            _ if self.lost.is_some() => return Err(self.given_up()),
            _ => return Err(error),
        }
        // The first again at once, the next ones after longer and longer.
        let pause = LONGEST_PAUSE.min(Duration::from_millis(10 * u64::from(self.made)));
        if !repeatable || self.sessions.now().plus(pause) >= self.until {
            return Err(self.given_up());
        }
        self.made += 1;
        notice::retry(self.lost.as_ref());
        if !pause.is_zero() {
            self.sessions.options().clock.sleep(pause).await;
        }
        Ok(())
    }

    pub(super) fn given_up(&self) -> Error {
        self.lost.clone().unwrap_or_else(lost)
    }
}

pub(super) fn lost() -> Error {
    Error::new(ErrorKind::Unknown, "the session store's answer was lost")
}
