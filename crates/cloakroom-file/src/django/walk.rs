//! A way past all sessions, by name.

use std::time::Instant;

use cloakroom_core::{Cursor, ErrorKind, Page, Result, SessionId};

use super::store::Store;
use crate::error::while_reading;

impl Store {
    /// About `limit` living sessions after `after`: at `until` it stops where it is.
    pub(super) fn walk(&self, after: Option<&SessionId>, limit: u32, until: Instant) -> Result<Page> {
        let mut found = Vec::new();
        let names = self.folder.names().map_err(while_reading)?;
        let ids = names.iter().filter_map(|name| self.folder.id_of(name));
        for id in ids.filter(|id| after.is_none_or(|after| id > after)) {
            // What can't be read must not hide the others.
            match self.load(&id) {
                Ok(stored) => found.extend(stored.map(|stored| (id.clone(), stored))),
                Err(error) if error.kind() == ErrorKind::Corrupt => {}
                Err(error) => return Err(error),
            }
            if found.len() >= limit as usize || Instant::now() >= until {
                return Ok(Page::new(found, Some(Cursor::behind(&id))));
            }
        }
        Ok(Page::new(found, None))
    }
}
