//! What is told of sessions to those who watch: spans and events for `tracing`, and counters, each under a name that stays.
//!
//! No key, no id, no user and nothing of what a session holds is in any of them. `docs/observability.md` lists them all.

use std::error::Error as StdError;

use tracing::field::Empty;
use tracing::{Span, debug, debug_span, warn};

#[cfg(feature = "metrics")]
use crate::figures;
use crate::{Error, ErrorKind, Result};

/// A session is looked for by the key that a visitor bears.
pub(crate) fn load() -> Span {
    debug_span!(target: "cloakroom", "session.load", outcome = Empty, bytes = Empty)
}

/// What a request has done is sent to the store.
pub(crate) fn commit() -> Span {
    debug_span!(
        target: "cloakroom", "session.commit",
        outcome = Empty, attempts = Empty, conflicts = Empty, bytes = Empty,
    )
}

/// A visit is noted.
pub(crate) fn touch() -> Span {
    debug_span!(
        target: "cloakroom", "session.touch",
        outcome = Empty, attempts = Empty, conflicts = Empty, bytes = Empty,
    )
}

/// A session that goes on for long looks at what is stored now.
pub(crate) fn reload() -> Span {
    debug_span!(target: "cloakroom", "session.reload", outcome = Empty)
}

/// An old key is replaced, or the one that the browser is to be told is looked at.
pub(crate) fn renew() -> Span {
    debug_span!(
        target: "cloakroom", "session.renew",
        outcome = Empty, attempts = Empty, conflicts = Empty, bytes = Empty,
    )
}

/// Says in `span` how the work ended that was done in it. Of a future that is dropped it says nothing.
pub(crate) fn end<T>(span: &Span, done: Result<T>) -> Result<T> {
    match &done {
        Ok(_) => drop(span.record("outcome", "done")),
        Err(error) => failed(span, error),
    }
    done
}

/// The same of work that has failed: a store that does not answer is nobody's fault who asked for it.
pub(crate) fn failed(span: &Span, error: &Error) {
    span.record("outcome", error.kind().name());
    if matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Unknown) {
        warn!(
            name: "session.store_fails", target: "cloakroom", parent: span,
            error = error as &dyn StdError,
            "the session store fails"
        );
    }
}

/// What a commit has taken so far, told when it is over, however that comes.
pub(crate) struct Tally {
    span: Span,
    /// How many writes were sent, repetitions included.
    pub(crate) attempts: u32,
    /// How many of them met what somebody else had stored.
    pub(crate) conflicts: u32,
    /// How large the payload was that was sent last.
    pub(crate) bytes: usize,
}

impl Tally {
    pub(crate) fn new(span: &Span) -> Self {
        Self { span: span.clone(), attempts: 0, conflicts: 0, bytes: 0 }
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.span.record("attempts", self.attempts);
        self.span.record("conflicts", self.conflicts);
        self.span.record("bytes", self.bytes);
    }
}

/// A commit has met what another request has stored meanwhile, and is made again upon that.
pub(crate) fn conflict() {
    debug!(name: "session.conflict", target: "cloakroom", "another request has changed the session meanwhile");
    #[cfg(feature = "metrics")]
    metrics::counter!(figures::CONFLICTS).increment(1);
}

/// The answer to a write was lost, and it is sent once more.
pub(crate) fn retry(lost: Option<&Error>) {
    let error = lost.map(|error| error as &dyn StdError);
    debug!(name: "session.retry", target: "cloakroom", error, "the session store's answer was lost, asking again");
    #[cfg(feature = "metrics")]
    metrics::counter!(figures::RETRIES).increment(1);
}

/// Another request has ended the session that this one was at work on.
pub(crate) fn interrupted() {
    debug!(name: "session.interrupted", target: "cloakroom", "another request has ended the session");
    #[cfg(feature = "metrics")]
    metrics::counter!(figures::INTERRUPTIONS).increment(1);
}

/// What is stored does not decode, and what that comes to.
pub(crate) fn unreadable(error: &Error, consequence: &str) {
    warn!(
        name: "session.unreadable", target: "cloakroom",
        error = error as &dyn StdError,
        "unreadable session, {consequence}"
    );
    #[cfg(feature = "metrics")]
    metrics::counter!(figures::UNREADABLE).increment(1);
}

/// Nobody knows whether a user has more sessions than are allowed.
pub(crate) fn login_limit_fails(error: &Error) {
    warn!(
        name: "session.login_limit_fails", target: "cloakroom",
        error = error as &dyn StdError,
        "the number of a user's sessions could not be limited"
    );
}

/// A login that was refused could not be taken back.
pub(crate) fn refusal_fails(error: &Error) {
    warn!(
        name: "session.refusal_fails", target: "cloakroom",
        error = error as &dyn StdError,
        "a refused login still stands"
    );
}

/// A sweep has stopped before its end; there will be another.
pub(crate) fn sweep_fails(error: &Error) {
    warn!(
        name: "session.sweep_fails", target: "cloakroom",
        error = error as &dyn StdError,
        "expired sessions could not be swept, trying again later"
    );
}

/// A cache has answered, with a copy that may be used or with none.
#[cfg_attr(not(feature = "metrics"), expect(unused_variables, reason = "it is counted, and no event"))]
pub(crate) fn cache_read(hit: bool) {
    #[cfg(feature = "metrics")]
    metrics::counter!(if hit { figures::CACHE_HITS } else { figures::CACHE_MISSES }).increment(1);
}

/// A call to a cache has failed; of several in a row the first is `news`.
pub(crate) fn cache_fails(error: &Error, news: bool) {
    #[cfg(feature = "metrics")]
    metrics::counter!(figures::CACHE_FAILURES).increment(1);
    if news {
        warn!(
            name: "session.cache_fails", target: "cloakroom",
            error = error as &dyn StdError,
            "the session cache fails, reading without it"
        );
    }
}
