//! Who has which sessions, in pages: names are in the order of ids.

use std::time::Instant;

use cloakroom_core::{Cursor, ErrorKind, Page, Record, Result, SessionId, Stored};

use crate::error::{unfinished, while_reading};
use crate::location::{Folder, Location};
use crate::owners::{marks_of, owner_of};
use crate::store::Store;

type Listed = Vec<(SessionId, Stored)>;

impl Store {
    /// About `limit` living sessions after `after`: at `until` it stops where it is.
    pub(crate) fn walk(&self, after: Option<&SessionId>, limit: u32, until: Instant) -> Result<Page> {
        let mut found = Vec::new();
        for folder in Folder::of(after.map(SessionId::as_bytes).unwrap_or_default()).and_later() {
            let names = self.root.names(folder.name()).map_err(while_reading)?;
            let locations = names.iter().filter_map(|name| Location::of_name(name));
            let there = locations.filter_map(|location| Some((self.id_at(&location)?, location)));
            for (id, _) in following(there.collect(), after) {
                let listed = self.listed(&id)?.map(|record| (id.clone(), Stored::stamped(record)));
                found.extend(listed);
                if found.len() >= limit as usize || Instant::now() >= until {
                    return Ok(Page::new(found, Some(Cursor::behind(&id))));
                }
            }
        }
        Ok(Page::new(found, None))
    }

    /// Up to `limit` living sessions of `owner` after `after`.
    pub(crate) fn of(
        &self,
        owner: &str,
        after: Option<&SessionId>,
        limit: u32,
        until: Instant,
    ) -> Result<Listed> {
        let mut page = Listed::new();
        let mut before = Vec::new();
        let mut in_a_row = 0;
        loop {
            let mut gone = false;
            let marked = following(self.marked(owner)?, after);
            let ids: Vec<_> = marked.iter().map(|(id, _)| id.clone()).collect();
            for (id, location) in marked {
                if page.len() >= limit as usize {
                    break;
                }
                if page.iter().any(|(known, _)| *known == id) {
                    continue;
                }
                in_time(until)?;
                let theirs = self.listed(&id)?.filter(|record| record.owner.as_deref() == Some(owner));
                if let Some(record) = theirs {
                    page.push((id, Stored::stamped(record)));
                } else {
                    gone = true;
                    self.tidy(&location, owner);
                }
            }
            // An id is marked before its session lives under it: of two that are marked one may be looked at too
            // early and the other too late. But whoever moves on needs a third: while none is added, a session
            // moves once at most, and one of two looks in a row finds it.
            in_a_row = if ids == before { in_a_row + 1 } else { 0 };
            before = ids;
            if !gone || in_a_row == 2 {
                page.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                return Ok(page);
            }
        }
    }

    /// What an owner has, or had.
    fn marked(&self, owner: &str) -> Result<Vec<(SessionId, Location)>> {
        let (folder, start) = marks_of(owner);
        let marks = self.root.names(&folder).map_err(while_reading)?;
        let mut found = Vec::new();
        for location in marks.iter().filter_map(|mark| Location::of_name(mark.strip_prefix(&start)?)) {
            match self.id_at(&location) {
                Some(id) => found.push((id, location)),
                None => self.tidy(&location, owner),
            }
        }
        Ok(found)
    }

    /// The id of a file, out of it if its name does not tell.
    fn id_at(&self, location: &Location) -> Option<SessionId> {
        location.id().or_else(|| self.read_named(location).ok().flatten().map(|(id, _)| id))
    }

    /// What lives under an id. One that can't be read is nobody's, and must not hide the others.
    fn listed(&self, id: &SessionId) -> Result<Option<Record>> {
        match self.load(id) {
            Err(error) if error.kind() == ErrorKind::Corrupt => Ok(None),
            loaded => loaded,
        }
    }

    /// Removes an owner's mark on a session that is not there, or not the owner's: its writer has died. The
    /// clock has no say in it: one that is fast would hide what others keep alive.
    fn tidy(&self, location: &Location, owner: &str) {
        // Not worth waiting for: the next listing finds it again.
        let Ok(lock) = self.root.lock(location.folder.name(), Instant::now()) else { return };
        let found = self.read_named(location);
        if found.is_ok_and(|found| owner_of(found.as_ref().map(|(_, record)| record)) != Some(owner)) {
            self.disown(location, Some(owner), None);
        }
        drop(lock);
    }
}

/// Those after `after`, in order.
fn following(mut found: Vec<(SessionId, Location)>, after: Option<&SessionId>) -> Vec<(SessionId, Location)> {
    found.retain(|(id, _)| after.is_none_or(|after| id > after));
    found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    found
}

fn in_time(until: Instant) -> Result<()> {
    let message =
        "so many of the sessions in this folder have ended that the listing takes too long: sweep them";
    if Instant::now() < until { Ok(()) } else { Err(unfinished(message)) }
}
