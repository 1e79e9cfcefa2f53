//! A session of another engine's format in that of one's own.

use crate::{Addressing, ErrorKind, Record, Result, SessionId, Sessions, Stamp, Stored, random};

impl Sessions {
    /// What a session that `from` keeps under its visitor's key is here, under the hash of that key, so
    /// that the visitor's cookie opens it here: its id and its record. Nothing is written.
    ///
    /// The record ends when the session does. When it began its format does not tell: from now on this is
    /// its beginning. A login stays one. Nothing for a key that is none here.
    ///
    /// # Errors
    ///
    /// `Unsupported` unless `from` keeps sessions under their keys and these are kept under hashes,
    /// `Corrupt` if it holds no session, `TooLarge` if it is over the limit.
    pub fn translate(
        &self,
        from: &Sessions,
        id: &SessionId,
        stored: &Stored,
    ) -> Result<Option<(SessionId, Record)>> {
        let addressing = |sessions: &Sessions| sessions.backend().capabilities().addressing;
        if (addressing(from), addressing(self)) != (Addressing::Verbatim, Addressing::Hashed) {
            let message = "of a session that is not stored under its key nobody can tell the key";
            return Err(crate::Error::new(ErrorKind::Unsupported, message));
        }
        let Some(key) = self.parse_key(id.expose()) else { return Ok(None) };
        let content = from.decode(stored)?;
        let stamp = Stamp { sequence: 1, nonce: random::number()? };
        let record = Record::new(self.encode(&content)?, stored.record.expires_at, content.owner, stamp);
        Ok(Some((key.id(), record)))
    }
}
