//! All that crosses the border between core and an engine.

use std::fmt;

use bytes::Bytes;

use crate::Timestamp;

/// What an engine keeps under an id. It moves these bytes and knows nothing of sessions.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct Record {
    /// The session, encoded by core.
    pub payload: Bytes,
    /// The deadline: the record is alive while the clock shows less than this.
    pub expires_at: Timestamp,
    /// Whose session it is, once somebody has logged in.
    pub owner: Option<String>,
    /// Which write this is.
    pub stamp: Stamp,
}

impl Record {
    /// A record of these parts.
    pub fn new(payload: Bytes, expires_at: Timestamp, owner: Option<String>, stamp: Stamp) -> Self {
        Self { payload, expires_at, owner, stamp }
    }

    /// Alive iff the clock shows less than the deadline.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Record")
            .field("payload", &format_args!("{} bytes", self.payload.len()))
            .field("expires_at", &self.expires_at)
            .field("owned", &self.owner.is_some())
            .field("stamp", &self.stamp)
            .finish()
    }
}

/// Tells one write from every other: the writer draws it before its first attempt and keeps it
/// through its retries, so that a lost reply can be recognised as one's own write.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Stamp {
    /// One more than that of the write it followed.
    pub sequence: u64,
    /// Random: two writers that follow the same write differ in it.
    pub nonce: u64,
}

impl Stamp {
    /// 16 bytes, the sequence first, big-endian.
    pub fn to_bytes(self) -> [u8; 16] {
        (u128::from(self.sequence) << 64 | u128::from(self.nonce)).to_be_bytes()
    }

    /// The stamp that [`to_bytes`](Stamp::to_bytes) wrote.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
        Self { sequence: (both >> 64) as u64, nonce: both as u64 }
    }
}

/// Which version of a record somebody has seen: engines hand it out, and compare it on a write.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Revision(Version);

#[derive(Clone, Eq, Hash, PartialEq)]
enum Version {
    Stamp(Stamp),
    Opaque(Bytes),
}

impl Revision {
    /// A revision of the engine's own making, an entity tag say. Engines that store the record's
    /// stamp use [`From<Stamp>`](Revision#impl-From<Stamp>-for-Revision) instead.
    pub fn opaque(bytes: Bytes) -> Self {
        Self(Version::Opaque(bytes))
    }

    /// The stamp, if that is what it is made of.
    pub fn stamp(&self) -> Option<Stamp> {
        match self.0 {
            Version::Stamp(stamp) => Some(stamp),
            Version::Opaque(_) => None,
        }
    }

    /// The engine's own bytes, if that is what it is made of.
    pub fn as_opaque(&self) -> Option<&Bytes> {
        match &self.0 {
            Version::Opaque(bytes) => Some(bytes),
            Version::Stamp(_) => None,
        }
    }
}

/// An engine's own bytes may be a session's text.
impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stamp(stamp) => stamp.fmt(f),
            Self::Opaque(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

impl From<Stamp> for Revision {
    fn from(stamp: Stamp) -> Self {
        Self(Version::Stamp(stamp))
    }
}

/// A living record and its revision.
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stored {
    /// What is kept.
    pub record: Record,
    /// Which version it is.
    pub revision: Revision,
}

impl Stored {
    /// A record whose revision is its stamp, as most engines have it.
    pub fn stamped(record: Record) -> Self {
        Self { revision: record.stamp.into(), record }
    }

    /// A record at a revision of the engine's own.
    pub fn new(record: Record, revision: Revision) -> Self {
        Self { record, revision }
    }
}

/// A write that was done.
#[non_exhaustive]
#[derive(Clone, Eq, PartialEq)]
pub struct Written {
    /// The revision it made.
    pub revision: Revision,
    /// What the visitor must present from now on, if the engine decides that
    /// ([`Addressing::Presented`](crate::Addressing::Presented)).
    pub present: Option<String>,
}

impl Written {
    /// Done, and the visitor's key stays what it is.
    pub fn at(revision: impl Into<Revision>) -> Self {
        Self { revision: revision.into(), present: None }
    }

    /// Done, and the visitor must present `cookie` from now on.
    pub fn presenting(revision: impl Into<Revision>, cookie: String) -> Self {
        Self { revision: revision.into(), present: Some(cookie) }
    }
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written")
            .field("revision", &self.revision)
            .field("presents", &self.present.is_some())
            .finish()
    }
}

/// What became of a create, a save or a rotation. No answer will be added: a wrapper has to know them all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Saved {
    /// It is stored.
    Written(Written),
    /// Nothing was stored: this is there instead.
    Conflict(Stored),
    /// Nothing was stored: no living record is there.
    Gone,
}

/// What became of a delete. No answer will be added: a wrapper has to know them all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Deleted {
    /// It was alive and is gone.
    Ended,
    /// Nothing living was there.
    Absent,
    /// It is not at the revision that was asked for; it was left alone.
    Conflict(Stored),
}

/// What became of a touch. No answer will be added: a wrapper has to know them all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Touched {
    /// The deadline moved; data and revision are what they were.
    Moved(Written),
    /// Left alone: it has been changed since, or its deadline was as late already.
    Skipped,
    /// No living record is there.
    Gone,
}

/// How fresh a load must be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Read {
    /// A cached answer will do, if no older than the engine's `stale_read`.
    Any,
    /// The truth, past every cache.
    Latest,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_survives_its_bytes() {
        let stamp = Stamp { sequence: 7, nonce: u64::MAX - 1 };
        assert_eq!(Stamp::from_bytes(stamp.to_bytes()), stamp);
    }

    #[test]
    fn a_record_shows_neither_payload_nor_owner_in_debug() {
        let stamp = Stamp { sequence: 1, nonce: 2 };
        let record = Record::new(Bytes::from_static(b"secret"), Timestamp::MAX, Some("alice".into()), stamp);
        let shown = format!("{record:?}");
        assert!(!shown.contains("secret") && !shown.contains("alice"), "{shown}");
        let seen = Revision::opaque(Bytes::from_static(b"secret"));
        assert_eq!(format!("{:?}", Stored::new(record, seen.clone())).matches("6 bytes").count(), 2);
        assert_eq!(format!("{seen:?}"), "Revision(6 bytes)");
    }
}
