//! Which sessions an owner has: an empty file for each, named after both.
//!
//! It is made before the session is stored and removed after the session has ended, both by the writer that
//! holds the lock of the session's folder. So it is never missing for a session that lives. It may be left
//! behind by a writer that died: whoever finds it then removes it, under the same lock, a sweep at the latest when the
//! session is gone.

use cloakroom_core::{Record, Result};
use ring::digest::{SHA256, digest};

use crate::error::while_preparing;
use crate::location::{Location, hex};
use crate::store::Store;

/// Half a SHA-256 tells owners apart; should two be alike, their sessions are told apart by what is in them.
const HASH: usize = 16;

/// How many folders of marks there can be.
pub(crate) const MARK_FOLDERS: usize = 1 << 12;

/// The `n`th of them.
pub(crate) fn folder(n: usize) -> String {
    format!("owners/{n:03x}")
}

/// The folder of an owner's marks, and what their names begin with.
pub(crate) fn marks_of(owner: &str) -> (String, String) {
    let hash = digest(&SHA256, owner.as_bytes());
    let [first, second] = [0, 1].map(|n| usize::from(hash.as_ref()[n]));
    (folder(first << 4 | second >> 4), format!("{}-", hex(&hash.as_ref()[..HASH])))
}

/// The session that a mark is on, if it is one.
pub(crate) fn marked_by(mark: &str) -> Option<Location> {
    Location::of_name(mark.split_once('-')?.1)
}

/// Who owns a record, if it is one and has an owner.
pub(crate) fn owner_of(record: Option<&Record>) -> Option<&str> {
    record.and_then(|record| record.owner.as_deref())
}

impl Store {
    /// Marks a session as its owner's, before it is stored as that; it has been `old`'s.
    pub(crate) fn own(&self, location: &Location, owner: Option<&str>, old: Option<&str>) -> Result<()> {
        let Some(owner) = owner.filter(|_| owner != old) else { return Ok(()) };
        let (folder, start) = marks_of(owner);
        self.root.mark(&folder, &(start + &location.name)).map_err(while_preparing)
    }

    /// Takes the mark of the `old` owner away, now that it is `owner`'s. One that stays does no harm.
    pub(crate) fn disown(&self, location: &Location, old: Option<&str>, owner: Option<&str>) {
        if let Some(old) = old.filter(|_| owner != old) {
            let (folder, start) = marks_of(old);
            let _ = self.root.remove(&format!("{folder}/{start}{}", location.name));
        }
    }
}
