//! Which sessions an owner has: an empty file for each, named after both.
//!
//! It is made before the session is stored and removed after the session has ended, both by the writer that
//! holds the lock of the session's folder. So it is never missing for a session that lives. It may be left
//! behind by a writer that died: whoever finds it then removes it, under the same lock.

use cloakroom_core::{Record, Result};
use ring::digest::{SHA256, digest};

use crate::error::while_preparing;
use crate::location::{Location, hex};
use crate::store::Store;

/// Half a SHA-256 tells owners apart; should two be alike, their sessions are told apart by what is in them.
const HASH: usize = 16;

/// The folder of an owner's marks, and what their names begin with.
pub(crate) fn marks_of(owner: &str) -> (String, String) {
    let hash = hex(&digest(&SHA256, owner.as_bytes()).as_ref()[..HASH]);
    (format!("owners/{}", &hash[..3]), format!("{hash}-"))
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
