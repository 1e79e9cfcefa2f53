//! All sessions, for administration: which there are, what is in one, and ending it.

use std::fmt;

use serde_json::value::RawValue;

use crate::{Cursor, Error, ErrorKind, Read, Result, SessionId, SessionInfo, SessionWalk, Sessions, Stored};

/// How many records a page asks for.
const PAGE: u32 = 500;

/// A page of living sessions.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub struct Listed {
    /// In no order; perhaps none although others follow.
    pub sessions: Vec<SessionInfo>,
    /// Where the listing goes on; nowhere behind its last page.
    pub next: Option<Cursor>,
}

/// A living session, as it is stored.
#[non_exhaustive]
#[derive(Clone)]
pub struct LookedUp {
    /// What can be said of it.
    pub info: SessionInfo,
    /// Its names and values, in the order of their insertion.
    pub entries: Vec<(String, Box<RawValue>)>,
}

impl Sessions {
    /// The living sessions at `from` and behind it, or the first ones, whoever they are of. A whole listing
    /// shows each that lives all the while, perhaps twice; what does not decode it leaves out.
    ///
    /// ```
    /// use cloakroom_core::{Memory, Sessions};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), cloakroom_core::Error> {
    /// # let sessions = Sessions::new(Memory::new());
    /// let mut from = None;
    /// loop {
    ///     let page = sessions.list(from.as_ref()).await?;
    ///     for info in page.sessions {
    ///         println!("{} until {:?}", info.id.expose(), info.expires_at);
    ///     }
    ///     from = page.next;
    ///     if from.is_none() {
    ///         break;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Unsupported` where visitors bear their sessions, `Unavailable` if the store does not answer in
    /// time, `Misconfigured` as [`load`](Sessions::load).
    pub async fn list(&self, from: Option<&Cursor>) -> Result<Listed> {
        self.check()?;
        let page = self.way_past_all()?.page(from, PAGE);
        let page = self.bounded(self.options().time_limit, ErrorKind::Unavailable, page).await?;
        let described = page.found.into_iter().filter_map(|(id, stored)| self.describe(id, &stored));
        Ok(Listed { sessions: described.collect(), next: page.next })
    }

    /// The living session with this id, if there is one. It is not visited: nothing is touched.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the store does not answer in time, `Corrupt` if what is there does not decode,
    /// `Misconfigured` as [`load`](Sessions::load).
    pub async fn look_up(&self, id: &SessionId) -> Result<Option<LookedUp>> {
        self.check()?;
        let load = self.backend().load(id, Read::Latest);
        let found = self.bounded(self.options().time_limit, ErrorKind::Unavailable, load).await?;
        let Some(stored) = found else { return Ok(None) };
        let content = self.decode(&stored)?;
        let entry = |(name, json): (&str, &[u8])| Some((name.to_owned(), serde_json::from_slice(json).ok()?));
        let entries = content.data.iter().filter_map(entry).collect();
        Ok(self.describe(id.clone(), &stored).map(|info| LookedUp { info, entries }))
    }

    /// Ends the session with this id, whoever's it is, and says whether it was alive. A visitor is to be
    /// asked with [`end`](Sessions::end) instead, which spares what is somebody else's.
    ///
    /// # Errors
    ///
    /// `Unavailable` or `Unknown` if the store does not answer; asking again is harmless.
    pub async fn delete(&self, id: &SessionId) -> Result<bool> {
        self.end_one(id).await
    }

    /// Whether this is a session that these can read: with the keys that it was sealed with, and in their
    /// format.
    pub fn reads(&self, stored: &Stored) -> bool {
        self.decode(stored).is_ok()
    }

    pub(crate) fn way_past_all(&self) -> Result<&dyn SessionWalk> {
        self.backend().walk().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "this session engine keeps nothing that could be listed")
        })
    }
}

/// Without what is in it.
impl fmt::Debug for LookedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.len();
        f.debug_struct("LookedUp").field("info", &self.info).field("entries", &entries).finish()
    }
}
