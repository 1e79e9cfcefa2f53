//! What an engine promises beyond the contract, and where it can not keep it.

use std::time::Duration;

/// How an engine finds a session by what the visitor presents.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Addressing {
    /// By a hash of the key: a stolen store opens no session.
    #[default]
    Hashed,
    /// By the key itself, 8 to 40 of a-z0-9: what Django stores.
    Verbatim,
    /// The cookie's value is the session; the engine checks and issues it, and stores nothing.
    ///
    /// A value has 1 to 4096 of A-Z, a-z, 0-9 and `-_.:`. Each write answers with a new one
    /// ([`Written::present`](crate::Written::present)), which must reach the browser: every change, every
    /// noted visit and every logout sends a cookie, and once the response's headers have left they all
    /// end as [`TooLate`](crate::ErrorKind::TooLate).
    ///
    /// With nothing shared between two requests, such an engine can't promise what takes a store:
    ///
    /// - What was handed out stays valid until its deadline: a logout, an expiry that was set and a new key
    ///   only take it from the browser. Whoever kept a copy still presents it, and goes on from there.
    /// - Of two requests that began with one value both are told that theirs is written. Each holds only its
    ///   own change, and the browser keeps whichever answer comes last.
    /// - There is no index of a user's sessions, and nothing to sweep.
    /// - A session has to fit a cookie.
    Presented,
}

/// What an acknowledged write survives, the least first.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Durability {
    /// Nothing: it lives in this process.
    Process,
    /// The death of this process, not of the machine or of the server that keeps it.
    Crash,
    /// A power cut.
    PowerCut,
}

/// An engine's answer to what it can do. The conformance suite holds it to each word, but the last: what
/// an acknowledged write survives takes killed processes to show.
///
/// ```
/// use cloakroom_core::{Capabilities, Durability};
///
/// let promised = Capabilities::new(Durability::Crash);
/// assert!(promised.recognises_own_write && !promised.may_evict);
/// ```
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Capabilities {
    /// How it finds a session.
    pub addressing: Addressing,
    /// How long a load may go on showing what has been changed or ended; zero: never.
    pub stale_read: Duration,
    /// A write sent twice with one stamp is done once, and the second is answered `Written`.
    pub recognises_own_write: bool,
    /// A full store drops living sessions to make room.
    pub may_evict: bool,
    /// A rotation that is cut short leaves exactly one of the two ids alive.
    pub atomic_rotate: bool,
    /// What an acknowledged write survives; of what visitors present themselves, once it has reached them.
    pub durable_when: Durability,
}

impl Capabilities {
    /// Everything that the contract asks for: hashed ids, nothing stale, nothing evicted, own writes
    /// recognised, rotation in one step. An engine that promises less says so field by field.
    pub const fn new(durable_when: Durability) -> Self {
        Self {
            addressing: Addressing::Hashed,
            stale_read: Duration::ZERO,
            recognises_own_write: true,
            may_evict: false,
            atomic_rotate: true,
            durable_when,
        }
    }
}
