//! An engine that takes its sessions over from another, while both are used.
//!
//! A session is created in the new engine, and then deleted in the old one at the revision that was read
//! there: whoever was faster in the old one is met. From then on it lives in the new one alone. What can go
//! wrong between the two steps is settled by two marks:
//!
//! - A record that was taken over carries a stamp that says so until it is written again. Its taker may
//!   have died between the two steps, and left the old copy: the first write finds that and deletes it, so
//!   that it can't come back when the new one ends.
//! - What ends leaves a note for a minute, where a slow taker that has read the old copy before would put
//!   it: it finds the note instead.

mod mark;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_core::{
    Addressing, Capabilities, Clock, Deleted, Error, ErrorKind, Read, Record, Result, Revision, Saved,
    SessionBackend, SessionFormat, SessionId, SessionIndex, SessionKey, SessionWalk, Stored, Swept,
    SystemClock, Timestamp, Touched,
};

use mark::{ended, is_ended, is_taken, taken};

/// How long a note stays where something has ended. A taker that has read the old copy longer ago than half
/// of it gives up.
const NOTE: Duration = Duration::from_mins(1);
/// How often a session that others keep moving is looked for.
const ROUNDS: u32 = 8;
/// How much is swept at most where something is in the way.
const FEW: u32 = 100;

/// A new engine that takes each session over from an old one when it is first asked for, so that no visitor
/// is logged out by the move. Sessions that nobody asks for [`copy`](crate::copy()) moves.
///
/// Every process that serves the site wraps both engines. One that still knows the old engine alone takes a
/// session for gone once it is taken over.
///
/// - A load of what is in the new engine is one call to it; of what is not, one more to each, and two to
///   move it.
/// - An end deletes in the old engine first and then in the new one; a change is made in the new one alone.
///   The first one after a session was taken over asks the old engine as well, whether it has left
///   anything.
/// - A process that dies while it takes a session over leaves it in both. The first write to it settles
///   that, before it is changed.
/// - What is taken over gets another stamp, which a seal is bound to: seal each of the two
///   ([`Sealed`](crate::core::Sealed)), and not the two together.
///
/// ```
/// use cloakroom::{Memory, Migrating, Sessions};
///
/// let (new, old) = (Memory::new(), Memory::new());
/// let sessions = Sessions::new(Migrating::new(new, old)?);
/// # Ok::<(), cloakroom::core::Error>(())
/// ```
#[derive(Debug)]
pub struct Migrating<New, Old> {
    new: New,
    old: Old,
    clock: Arc<dyn Clock>,
}

/// What came of taking a session over.
#[derive(Debug)]
pub(crate) enum Taken {
    /// It was moved by this call, and is this now.
    Moved(Stored),
    /// It is in the new engine already.
    There(Stored),
    /// It has ended.
    Ended,
}

impl<New: SessionBackend, Old: SessionBackend> Migrating<New, Old> {
    /// Sessions in `new`, and those of `old`.
    ///
    /// # Errors
    ///
    /// `Misconfigured` unless both store sessions under hashes of their keys and in the library's own
    /// format. A key can't be made of what another engine has stored; from Django's format, where it can,
    /// [`copy`](crate::copy()) moves.
    pub fn new(new: New, old: Old) -> Result<Self> {
        Self::with_clock(new, old, Arc::new(SystemClock))
    }

    /// The same by another clock, which must be that of both engines as well.
    ///
    /// # Errors
    ///
    /// As [`new`](Migrating::new).
    pub fn with_clock(new: New, old: Old, clock: Arc<dyn Clock>) -> Result<Self> {
        let hashed = |addressing| addressing == Addressing::Hashed;
        let both = hashed(new.capabilities().addressing) && hashed(old.capabilities().addressing);
        if both && new.format().is_none() && old.format().is_none() {
            return Ok(Self { new, old, clock });
        }
        let message = "sessions can be taken over between engines that store them under hashes of their keys, in the native format";
        Err(Error::new(ErrorKind::Misconfigured, message))
    }

    /// Moves what the old engine has under `id`, which is `known` if it was read there, no earlier than then.
    pub(crate) async fn take(&self, id: &SessionId, mut known: Option<(Stored, Timestamp)>) -> Result<Taken> {
        for _ in 0..ROUNDS {
            let (found, read_at) = if let Some((stored, read_at)) = known.take() {
                (Some(stored), read_at)
            } else {
                let read_at = self.clock.now();
                (self.old.load(id, Read::Latest).await?, read_at)
            };
            // A move before this one may have left a note there.
            let Some(old) = found.filter(|found| !is_ended(&found.record)) else {
                let there = self.new.load(id, Read::Latest).await?;
                return Ok(there.filter(|there| !is_ended(&there.record)).map_or(Taken::Ended, Taken::There));
            };
            if self.clock.now().since(read_at) > NOTE / 2 {
                continue;
            }
            let record = taken(&old.record);
            let written = match self.new.create(id, &record).await? {
                Saved::Written(written) => written,
                Saved::Conflict(there) if is_ended(&there.record) => return Ok(Taken::Ended),
                Saved::Conflict(there) if !there.record.is_alive(self.clock.now()) => {
                    return Ok(Taken::Ended);
                }
                Saved::Conflict(there) => return Ok(Taken::There(there)),
                // What has expired there is in the way until it is swept.
                Saved::Gone => return Ok(Taken::Ended),
            };
            // An error here leaves it in both: the first write to it settles that.
            if self.old.delete(id, Some(&old.revision)).await? == Deleted::Ended {
                return Ok(Taken::Moved(Stored::new(record, written.revision)));
            }
            // Somebody has ended or changed the old one meanwhile. Who has gone on with the new one keeps it.
            if let Deleted::Conflict(there) = self.new.delete(id, Some(&written.revision)).await? {
                return Ok(if is_ended(&there.record) { Taken::Ended } else { Taken::There(there) });
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "a session kept moving while it was taken over"))
    }

    /// Sees to it that a session is in the new engine alone, and says at which revision. What was written
    /// there before is.
    async fn settled(&self, id: &SessionId, seen: &Revision) -> Result<Revision> {
        if !is_taken(seen) || self.old.revision(id).await?.is_none() {
            return Ok(seen.clone());
        }
        let there = self.new.load(id, Read::Latest).await?.filter(|there| there.revision == *seen);
        let Some(there) = there else { return Ok(seen.clone()) };
        // First the new one moves on, so that a taker who is just slow leaves it alone; then the old one
        // goes.
        let Saved::Written(written) = self.new.save(id, &taken(&there.record), seen).await? else {
            return Ok(seen.clone());
        };
        self.old.delete(id, None).await?;
        Ok(written.revision)
    }

    /// Whether the two are one: what is written to the one is found in the other, whatever their addresses
    /// say.
    pub(crate) async fn is_one(&self) -> Result<bool> {
        let id = SessionKey::generate(Addressing::Hashed)?.id();
        self.new.create(&id, &ended(self.clock.now().plus(NOTE))).await?;
        let found = self.old.load(&id, Read::Latest).await;
        self.new.delete(&id, None).await?;
        Ok(found?.is_some())
    }

    /// Ends the old copy of what is in the new engine, which a taker who has died has left.
    pub(crate) async fn left(&self, id: &SessionId, there: &Stored) -> Result<()> {
        if is_taken(&there.revision) {
            return self.settled(id, &there.revision).await.map(drop);
        }
        // Nobody takes over what has been written since.
        self.old.delete(id, None).await.map(drop)
    }

    /// Leaves a note under an id that has ended in both.
    async fn note(&self, id: &SessionId) -> Result<()> {
        for _ in 0..ROUNDS {
            match self.new.create(id, &ended(self.clock.now().plus(NOTE))).await? {
                // What a taker has put there meanwhile. What else is there was begun anew.
                Saved::Conflict(there) if !is_ended(&there.record) && is_taken(&there.revision) => {
                    self.new.delete(id, Some(&there.revision)).await?;
                }
                _ => return Ok(()),
            }
        }
        Err(Error::new(ErrorKind::Unknown, "a session kept coming back while it was ended"))
    }

    /// Takes a note away from an id that somebody begins anew, and says whether anything was in the way. Ids are
    /// drawn: who begins where something has ended is nobody's slow taker.
    async fn unnoted(&self, id: &SessionId) -> Result<bool> {
        match self.new.load(id, Read::Latest).await? {
            Some(there) if is_ended(&there.record) => {
                Ok(self.new.delete(id, Some(&there.revision)).await? == Deleted::Ended)
            }
            Some(_) => Ok(false),
            // A note that is over is in the way until it is swept.
            None => Ok(self.new.clear_expired(self.clock.now(), FEW).await?.removed > 0),
        }
    }

    async fn end(&self, id: &SessionId) -> Result<Deleted> {
        let mut ended = self.old.delete(id, None).await? == Deleted::Ended;
        let rest = async {
            let there = self.new.load(id, Read::Latest).await?;
            if there.is_some_and(|there| !is_ended(&there.record)) {
                ended |= self.new.delete(id, None).await? == Deleted::Ended;
            }
            self.note(id).await
        };
        rest.await.map_err(half_ended)?;
        Ok(if ended { Deleted::Ended } else { Deleted::Absent })
    }
}

#[async_trait]
impl<New: SessionBackend, Old: SessionBackend> SessionBackend for Migrating<New, Old> {
    fn capabilities(&self) -> Capabilities {
        let (mut both, old) = (self.new.capabilities(), self.old.capabilities());
        both.stale_read = both.stale_read.max(old.stale_read);
        both.may_evict |= old.may_evict;
        both.durable_when = both.durable_when.min(old.durable_when);
        both
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        (self.new.index().is_some() && self.old.index().is_some()).then_some(self)
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        (self.new.walk().is_some() && self.old.walk().is_some()).then_some(self)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        None
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        if let Some(there) = self.new.load(id, read).await? {
            return Ok(Some(there).filter(|there| !is_ended(&there.record)));
        }
        let taken = self.take(id, None).await.map_err(|error| match error.kind() {
            // Whatever is done of it, the session lives: to its visitor it is not there just now.
            ErrorKind::Unknown => {
                Error::caused(ErrorKind::Unavailable, "a session was not taken over to the end", error)
            }
            _ => error,
        })?;
        Ok(match taken {
            Taken::Moved(stored) | Taken::There(stored) => Some(stored),
            Taken::Ended => None,
        })
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        // Of a note only its payload tells.
        Ok(self.load(id, Read::Latest).await?.map(|stored| (stored.revision, stored.record.expires_at)))
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        match self.new.create(id, new).await? {
            Saved::Conflict(there) if is_ended(&there.record) => {
                self.unnoted(id).await?;
                Ok(living(self.new.create(id, new).await?))
            }
            created => Ok(created),
        }
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let seen = self.settled(id, seen).await?;
        Ok(living(self.new.save(id, new, &seen).await?))
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        Ok(match self.new.touch(id, until, seen).await? {
            Touched::Skipped if self.load(id, Read::Latest).await?.is_none() => Touched::Gone,
            touched => touched,
        })
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let seen = self.settled(from, seen).await?;
        let mut rotated = living(self.new.rotate(from, to, new, &seen).await?);
        if matches!(&rotated, Saved::Conflict(there) if there.revision == seen) && self.unnoted(to).await? {
            rotated = living(self.new.rotate(from, to, new, &seen).await?);
        }
        if matches!(rotated, Saved::Written(_)) {
            // The rotation is done, whatever comes of the note: a taker would have to be in its seconds
            // just now.
            let _ = self.note(from).await;
        }
        Ok(rotated)
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let Some(seen) = seen else { return self.end(id).await };
        let seen = self.settled(id, seen).await?;
        Ok(match self.new.delete(id, Some(&seen)).await? {
            Deleted::Conflict(there) if is_ended(&there.record) => Deleted::Absent,
            Deleted::Ended => {
                self.note(id).await.map_err(half_ended)?;
                Deleted::Ended
            }
            deleted => deleted,
        })
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        let new = self.new.clear_expired(before, limit).await?;
        let left = limit.saturating_sub(u32::try_from(new.removed).unwrap_or(u32::MAX));
        if new.more || left == 0 {
            return Ok(Swept { more: true, ..new });
        }
        let old = self.old.clear_expired(before, left).await?;
        Ok(Swept { removed: new.removed + old.removed, more: old.more })
    }

    async fn close(&self) -> Result<()> {
        let (new, old) = (self.new.close().await, self.old.close().await);
        new.and(old)
    }
}

/// What is not done in the one engine is done in the other.
fn half_ended(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unavailable => {
            Error::caused(ErrorKind::Unknown, "a session may be ended in one of two engines", error)
        }
        _ => error,
    }
}

/// What a write met, unless that is a note.
fn living(saved: Saved) -> Saved {
    match saved {
        Saved::Conflict(there) if is_ended(&there.record) => Saved::Gone,
        saved => saved,
    }
}
