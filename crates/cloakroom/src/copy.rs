//! Moving all sessions from one engine to another.

use std::sync::Arc;
use std::time::Duration;

use cloakroom_core::{
    Addressing, Cursor, Deleted, Error, ErrorKind, Result, Revision, Saved, SessionBackend, SessionId,
    Sessions, Stored, Timestamp,
};
use futures_util::{StreamExt, stream};

use crate::Migrating;
use crate::migrating::Taken;

/// How many sessions are moved at a time.
const AT_ONCE: usize = 64;
const PAGE: u32 = 1_000;
/// As long as a way from an old key to a new one lives.
const SHORT: Duration = Duration::from_mins(1);
/// How often all of the old engine is walked past, as long as that finds something. Where it is still
/// written to there is always something.
const PASSES: u32 = 3;

/// What came of [`copy`].
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Copied {
    /// How many sessions were moved.
    pub copied: u64,
    /// How many stay where they are: too large for the new engine, unreadable, or under a key that the new
    /// one does not take.
    pub skipped: u64,
}

/// Moves every living session from one engine to another, and tells now and then how many it has moved. No
/// visitor is logged out: keys, logins and ends stay. It takes a call to each engine for each
/// session, many at a time.
///
/// It may be cut short at any moment and run again, and it may run while the site is served, by processes
/// all of which use both engines ([`Migrating`]). What is changed or ended meanwhile it moves as it is
/// then, or leaves.
///
/// From Django's format to the native one sessions are rewritten. There is no `Migrating` between these:
/// move when the site is switched over, and once more afterwards.
///
/// # Errors
///
/// `Misconfigured` for engines between which nothing can be moved: two that are one store, keys that are
/// stored as hashes, which can't be found out, and what visitors bear, which is in no store. `Unavailable`
/// or `Unknown` if one of them does not answer; what was moved by then is moved.
pub async fn copy(from: &Sessions, to: &Sessions, mut tell: impl FnMut(u64) + Send) -> Result<Copied> {
    let way = Way::between(from, to)?;
    way.leads_elsewhere().await?;
    let mut done = Copied::default();
    for _ in 0..PASSES {
        let before = done.copied;
        let mut skipped = 0;
        let mut cursor: Option<Cursor> = None;
        loop {
            let walk = way.old().walk().ok_or_else(nothing_stored)?;
            let read_at = to.options().clock.now();
            let page = walk.page(cursor.as_ref(), PAGE).await?;
            let each = stream::iter(page.found).map(|(id, stored)| way.go(id, stored, read_at));
            let mut each = each.buffer_unordered(AT_ONCE);
            while let Some(moved) = each.next().await {
                match moved {
                    Ok(moved) => done.copied += u64::from(moved),
                    Err(error) if concerns_one(error.kind()) => skipped += 1,
                    Err(error) => return Err(error),
                }
            }
            tell(done.copied);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        done.skipped = skipped;
        if done.copied == before {
            break;
        }
    }
    Ok(done)
}

/// How one session gets from here to there.
enum Way {
    /// As it is.
    Moved(Migrating<Arc<dyn SessionBackend>, Arc<dyn SessionBackend>>, Sessions),
    /// In another format.
    Rewritten(Sessions, Sessions),
}

impl Way {
    fn between(from: &Sessions, to: &Sessions) -> Result<Self> {
        let (old, new) = (from.backend(), to.backend());
        let (old_ids, new_ids) = (old.capabilities().addressing, new.capabilities().addressing);
        if old_ids == Addressing::Presented || new_ids == Addressing::Presented {
            return Err(nothing_stored());
        }
        match (old_ids, new_ids) {
            (Addressing::Hashed, Addressing::Hashed) => {
                let clock = Arc::clone(&to.options().clock);
                let both = Migrating::with_clock(to.shared_backend(), from.shared_backend(), clock)?;
                Ok(Self::Moved(both, from.clone()))
            }
            (Addressing::Verbatim, Addressing::Hashed) => Ok(Self::Rewritten(from.clone(), to.clone())),
            _ => {
                let message = "sessions are moved to engines that keep them under hashes of their keys, and to no others";
                Err(Error::new(ErrorKind::Misconfigured, message))
            }
        }
    }

    fn old(&self) -> &dyn SessionBackend {
        match self {
            Self::Moved(_, from) | Self::Rewritten(from, _) => from.backend(),
        }
    }

    /// One store may have two addresses, and what is there already is deleted here.
    async fn leads_elsewhere(&self) -> Result<()> {
        match self {
            Self::Moved(both, _) if both.is_one().await? => Err(Error::new(
                ErrorKind::Misconfigured,
                "the two engines are one store: nothing can be moved",
            )),
            _ => Ok(()),
        }
    }

    /// Moves one session, read no earlier than then, and says whether there was one to move.
    async fn go(&self, id: SessionId, stored: Stored, read_at: Timestamp) -> Result<bool> {
        match self {
            Self::Moved(both, from) => {
                // What is sealed by other keys would never open again. What lives for a minute leads from
                // one key to the next.
                if !from.reads(&stored) && stored.record.expires_at > read_at.plus(2 * SHORT) {
                    return Err(Error::new(
                        ErrorKind::Corrupt,
                        "a session can't be read, so it stays where it is",
                    ));
                }
                match both.take(&id, Some((stored, read_at))).await? {
                    Taken::Moved(_) => Ok(true),
                    Taken::There(there) => both.left(&id, &there).await.map(|()| false),
                    Taken::Ended => Ok(false),
                }
            }
            Self::Rewritten(from, to) => rewritten(from, to, id, stored).await,
        }
    }
}

async fn rewritten(from: &Sessions, to: &Sessions, id: SessionId, stored: Stored) -> Result<bool> {
    let Some((new_id, record)) = to.translate(from, &id, &stored)? else {
        return Err(Error::new(ErrorKind::Unsupported, "the new engine does not take this key"));
    };
    let revision: Revision = match to.backend().create(&new_id, &record).await? {
        Saved::Written(written) => written.revision,
        // A copy that was cut short has put it there. Unless it has gone on there, it may have gone on here.
        Saved::Conflict(there) if there.record.stamp.sequence == record.stamp.sequence => {
            match to.backend().save(&new_id, &record, &there.revision).await? {
                Saved::Written(written) => written.revision,
                _ => return Ok(false),
            }
        }
        Saved::Conflict(_) => {
            from.backend().delete(&id, Some(&stored.revision)).await?;
            return Ok(false);
        }
        Saved::Gone => return Ok(false),
    };
    if from.backend().delete(&id, Some(&stored.revision)).await? == Deleted::Ended {
        return Ok(true);
    }
    // It was changed or ended meanwhile: the next pass moves what is there then.
    to.backend().delete(&new_id, Some(&revision)).await?;
    Ok(false)
}

fn nothing_stored() -> Error {
    Error::new(ErrorKind::Misconfigured, "sessions that visitors bear are in no store: they can't be moved")
}

/// Whether it is about one session rather than about a store.
fn concerns_one(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Corrupt | ErrorKind::TooLarge | ErrorKind::Unsupported)
}
