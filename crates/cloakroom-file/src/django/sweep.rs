//! Removing what has ended, and what writers that died have left, a slice of the folder at a time.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cloakroom_core::{Result, SessionId, Swept, Timestamp};

use super::store::Store;
use crate::error::{while_committing, while_reading};

/// No writer takes as long: what is older was left.
const LEFT: Duration = Duration::from_hours(1);

impl Store {
    /// Removes up to `limit` sessions that ended at `before` or earlier, beginning where the last sweep stopped. What can't be read or
    /// removed is told of, and is in the way of nothing else.
    pub(super) fn sweep(&self, before: Timestamp, limit: u32, until: Instant) -> Result<Swept> {
        let mut cleared = 0;
        let mut trouble = None;
        let mut names = self.folder.names().map_err(while_reading)?;
        let last = self.swept.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let first = names.partition_point(|name| *name <= last);
        names.rotate_left(first);
        match self.left_to_sweep.swap(0, Ordering::Relaxed) {
            0 => {}
            left => names.truncate(left),
        }
        let count = names.len();
        for (nth, name) in names.into_iter().enumerate() {
            if cleared >= u64::from(limit) {
                return Ok(Swept { removed: cleared, more: true });
            }
            if Instant::now() >= until {
                self.left_to_sweep.store(count - nth, Ordering::Relaxed);
                return trouble.map_or(Ok(Swept { removed: cleared, more: true }), Err);
            }
            let removed = match self.folder.id_of(&name) {
                Some(id) => self.sweep_one(&id, &name, before, until),
                None if self.folder.is_draft(&name) => self.sweep_draft(&name, until).map(|()| false),
                None => continue,
            };
            match removed {
                Ok(removed) => cleared += u64::from(removed),
                Err(error) => trouble = trouble.or(Some(error)),
            }
            *self.swept.lock().unwrap_or_else(PoisonError::into_inner) = name;
        }
        // Who removed as much as was asked for is asked again, and then there is time to tell of trouble.
        trouble.filter(|_| cleared < u64::from(limit)).map_or(Ok(Swept::of(cleared, limit)), Err)
    }

    fn sweep_one(&self, id: &SessionId, name: &str, before: Timestamp, until: Instant) -> Result<bool> {
        let ended = |name: &str| -> Result<bool> {
            Ok(self.folder.look(name)?.is_some_and(|kept| self.deadline(&kept) <= before))
        };
        let Some(names) = self.folder.names_of(id).filter(|_| matches!(ended(name), Ok(true) | Err(_)))
        else {
            return Ok(false);
        };
        let lock = self.folder.lock(until)?;
        // Where Django can't write over it meanwhile it is looked at once more.
        if !ended(name)? || !self.folder.move_over(name, &names.draft).map_err(while_committing)? {
            return Ok(false);
        }
        let still = matches!(ended(&names.draft), Ok(true));
        if still {
            self.folder.remove(&names.draft).map_err(while_committing)?;
        } else {
            self.give_back(&names.draft, name)?;
        }
        drop(lock);
        Ok(still)
    }

    /// Under the lock this crate's own are left ones; Django takes none, so an hour must have passed.
    fn sweep_draft(&self, name: &str, until: Instant) -> Result<()> {
        let left = || -> Result<bool> {
            let changed = self.folder.changed(name).map_err(while_reading)?;
            Ok(changed.is_some_and(|changed| changed.plus(LEFT) <= self.clock.now()))
        };
        if !left()? {
            return Ok(());
        }
        let lock = self.folder.lock(until)?;
        if left()? {
            self.folder.remove(name).map_err(while_committing)?;
        }
        drop(lock);
        Ok(())
    }
}
