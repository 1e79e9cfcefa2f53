//! The fast side of a cached engine, and nothing about what it stands before.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Result, SessionId, Stored};

/// Remembers copies of records, each for one lease, in front of an engine that keeps them.
///
/// It may forget anything at any time, and it never decides: a copy is only ever a guess at what the
/// engine holds, and every write is settled there.
///
/// # Contract
///
/// - `put` never replaces a fence, nor a copy that is as new: a copy is newer by its stamp's sequence,
///   and at the same stamp by its deadline, which a touch moves. Fillers may come in any order.
/// - `fence` replaces anything. Until it ends nothing is remembered under its id, so that no slow
///   filler brings back what has been ended.
/// - A copy goes when its lease ends, whatever else happens, also while the cache can't be reached.
/// - Each method is one step, and answers within a second or fails: what waits for a cache has
///   no use for it.
#[async_trait]
pub trait SessionCache: fmt::Debug + Send + Sync + 'static {
    /// Whether all processes that write these sessions share it. One of this process alone can't hear of
    /// what others write: each copy in it is checked against the engine before it is used.
    fn is_shared(&self) -> bool;

    /// The copy under `id`; nothing for a fence, or when its lease has ended.
    ///
    /// # Errors
    ///
    /// `Unavailable` if it can't be asked.
    async fn get(&self, id: &SessionId) -> Result<Option<Stored>>;

    /// Remembers `value` for `lease`, unless a fence or something as new is there.
    ///
    /// # Errors
    ///
    /// `Unavailable` or `Unknown`.
    async fn put(&self, id: &SessionId, value: &Stored, lease: Duration) -> Result<()>;

    /// Forgets what is there, and remembers nothing for `hold`.
    ///
    /// # Errors
    ///
    /// `Unavailable` or `Unknown`.
    async fn fence(&self, id: &SessionId, hold: Duration) -> Result<()>;
}
