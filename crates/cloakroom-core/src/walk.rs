//! A way past all sessions, for administration: no request ever takes it.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{Error, ErrorKind, Result, SessionId, Stored};

/// Shows all living records, a page at a time, in any order.
///
/// It meets every record that lives under one id through the whole walk, perhaps more than once. What is
/// created or ended meanwhile, and what moves to another id, it may meet or not. Where keys are renewed it
/// also meets, for a minute each, the ways from old keys to new ones, which decode to no session.
///
/// ```
/// use cloakroom_core::{Result, SessionId, SessionWalk};
///
/// async fn ids(walk: &dyn SessionWalk) -> Result<Vec<SessionId>> {
///     let mut ids = Vec::new();
///     let mut from = None;
///     loop {
///         let page = walk.page(from.as_ref(), 100).await?;
///         ids.extend(page.found.into_iter().map(|(id, _)| id));
///         from = page.next;
///         if from.is_none() {
///             return Ok(ids);
///         }
///     }
/// }
/// ```
#[async_trait]
pub trait SessionWalk: Send + Sync {
    /// The records at `from` and behind it, or the first ones: about `limit`, and perhaps none although
    /// others follow.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the store can't be asked, `Invalid` for a cursor that it has not made.
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page>;
}

/// What a step of a walk has met.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Page {
    /// Living records.
    pub found: Vec<(SessionId, Stored)>,
    /// Where the walk goes on; nowhere behind its last page.
    pub next: Option<Cursor>,
}

impl Page {
    /// A page, and where the walk goes on.
    pub fn new(found: Vec<(SessionId, Stored)>, next: Option<Cursor>) -> Self {
        Self { found, next }
    }

    /// A page of an engine that walks by ascending id and was asked for `limit`: a full one has a next.
    pub fn ascending(found: Vec<(SessionId, Stored)>, limit: u32) -> Self {
        let last = found.last().filter(|_| found.len() >= limit as usize);
        let next = last.map(|(id, _)| Cursor::behind(id));
        Self { found, next }
    }
}

/// How far a walk has come, in the engine's own bytes. It can be kept, and the walk goes on from there at
/// another time.
#[derive(Clone, Eq, PartialEq)]
pub struct Cursor(Bytes);

impl Cursor {
    /// A cursor of the engine's own making.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self(bytes.into())
    }

    /// The cursor of an engine that walks by ascending id, behind this one.
    pub fn behind(id: &SessionId) -> Self {
        Self::new(id.as_bytes().to_vec())
    }

    /// The engine's bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The id that it is [behind](Cursor::behind).
    ///
    /// # Errors
    ///
    /// `Invalid` for another engine's.
    pub fn id(&self) -> Result<SessionId> {
        let id = std::str::from_utf8(&self.0).ok().and_then(SessionId::parse);
        id.ok_or_else(Self::foreign)
    }

    /// What an engine answers to a cursor that it has not made.
    pub fn foreign() -> Error {
        Error::new(ErrorKind::Invalid, "this cursor is of another engine's walk")
    }
}

/// It may hold an id.
impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cursor(redacted)")
    }
}
