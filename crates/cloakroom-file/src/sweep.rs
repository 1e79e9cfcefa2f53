//! Removing what has ended, and what writers that died have left, a folder at a time.

use std::sync::atomic::Ordering;
use std::time::Instant;

use cloakroom_core::{Error, ErrorKind, Result, Swept, Timestamp};

use crate::error::{unfinished, while_committing, while_reading};
use crate::files::DRAFT;
use crate::location::{FOLDERS, Folder, Location};
use crate::owners::{self, MARK_FOLDERS};
use crate::store::Store;

const LONG: &str = "the sweep was not through in time; asked again, it goes on with the rest";

/// How many folders there can be, those of sessions first.
const PLACES: usize = FOLDERS + MARK_FOLDERS;

/// A session that has, and whose it was.
struct Ended(Option<String>);

impl Store {
    /// Removes up to `limit` sessions that ended at `before` or earlier, beginning where the last sweep
    /// stopped. One that is not through at `until` says so, and the next goes on with what is left of the
    /// round.
    pub(crate) fn sweep(&self, before: Timestamp, limit: u32, until: Instant) -> Result<Swept> {
        let mut cleared = 0;
        let mut trouble = None;
        let first = self.next_to_sweep.load(Ordering::Relaxed);
        let left = match self.left_to_sweep.swap(0, Ordering::Relaxed) {
            0 => PLACES,
            left => left,
        };
        for (step, place) in (0..left).map(|step| (step, (first + step) % PLACES)) {
            // What this sweep can't finish, or not even read, does not keep the next one from the rest.
            self.next_to_sweep.store((place + 1) % PLACES, Ordering::Relaxed);
            let Some(folder) = Folder::nth(place) else {
                // Marks are no sessions: they cost nobody what was counted or found so far.
                if let Err(error) = self.sweep_marks(&owners::folder(place - FOLDERS), until) {
                    if Instant::now() >= until {
                        return self.out_of_time(place, step, left, cleared, trouble);
                    }
                    trouble = trouble.or(Some(error));
                }
                continue;
            };
            for name in self.root.names(folder.name()).map_err(while_reading)? {
                if cleared >= u64::from(limit) {
                    return Ok(Swept { removed: cleared, more: true });
                }
                if Instant::now() >= until {
                    return self.out_of_time(place, step, left, cleared, trouble);
                }
                if name == DRAFT {
                    self.remove_draft(folder, until)?;
                } else if let Some(location) = Location::of_name(&name) {
                    // What can't be removed is told of, and is in the way of nothing else.
                    match self.sweep_one(&location, before, until) {
                        Ok(removed) => cleared += u64::from(removed),
                        Err(error) => trouble = trouble.or(Some(error)),
                    }
                }
            }
        }
        // Who removed as much as was asked for is asked again, and then there is time to tell of trouble.
        trouble.filter(|_| cleared < u64::from(limit)).map_or(Ok(Swept::of(cleared, limit)), Err)
    }

    /// Notes where the next sweep goes on. A folder is looked at from its beginning, but one that alone
    /// takes this long is left to the next round.
    fn out_of_time(
        &self,
        place: usize,
        step: usize,
        left: usize,
        removed: u64,
        trouble: Option<Error>,
    ) -> Result<Swept> {
        let rest = left - step.max(1);
        self.left_to_sweep.store(rest, Ordering::Relaxed);
        self.next_to_sweep.store((place + usize::from(step == 0)) % PLACES, Ordering::Relaxed);
        trouble.map_or(Ok(Swept { removed, more: rest > 0 }), Err)
    }

    fn sweep_one(&self, location: &Location, before: Timestamp, until: Instant) -> Result<bool> {
        let Some(hint) = self.root.hint(&location.path()).map_err(while_reading)? else { return Ok(false) };
        if hint.marked && hint.ends_at > before || self.ended(location, before)?.is_none() {
            return Ok(false);
        }
        // Look again where nobody can extend it meanwhile.
        let lock = self.root.lock(location.folder.name(), until)?;
        let Some(Ended(owner)) = self.ended(location, before)? else { return Ok(false) };
        let removed = self.root.remove(&location.path()).map_err(while_committing)?;
        self.disown(location, owner.as_deref(), None);
        drop(lock);
        Ok(removed)
    }

    fn ended(&self, location: &Location, before: Timestamp) -> Result<Option<Ended>> {
        match self.read_named(location) {
            Ok(found) => {
                let found = found.map(|(_, record)| record).filter(|record| record.expires_at <= before);
                Ok(found.map(|record| Ended(record.owner)))
            }
            // What can't be read ends when the hint says so: nothing else knows.
            Err(error) if error.kind() == ErrorKind::Corrupt => {
                let hint = self.root.hint(&location.path()).map_err(while_reading)?;
                Ok(hint.filter(|hint| hint.ends_at <= before).map(|_| Ended(None)))
            }
            Err(error) => Err(error),
        }
    }

    /// Removes the marks on sessions that are not there: no listing may ever come by.
    fn sweep_marks(&self, folder: &str, until: Instant) -> Result<()> {
        for mark in self.root.names(folder).map_err(while_reading)? {
            let Some(location) = owners::marked_by(&mark) else { continue };
            if Instant::now() >= until {
                return Err(unfinished(LONG));
            }
            let gone = || Ok(self.root.hint(&location.path()).map_err(while_reading)?.is_none());
            if !gone()? {
                continue;
            }
            // Under the lock there is a mark without its session only if the writer has died.
            let lock = self.root.lock(location.folder.name(), until)?;
            if gone()? {
                self.root.remove(&format!("{folder}/{mark}")).map_err(while_committing)?;
            }
            drop(lock);
        }
        Ok(())
    }

    /// Under the lock there is a draft only if its writer has died.
    fn remove_draft(&self, folder: Folder, until: Instant) -> Result<()> {
        let lock = self.root.lock(folder.name(), until)?;
        self.root.discard_draft(folder.name());
        drop(lock);
        Ok(())
    }
}
