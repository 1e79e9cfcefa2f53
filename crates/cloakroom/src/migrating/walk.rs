//! Listing both engines as one.

use async_trait::async_trait;
use cloakroom_core::{Cursor, Page, Result, SessionBackend, SessionId, SessionIndex, SessionWalk, Stored};

use super::Migrating;
use super::mark::is_ended;

/// What a cursor begins with while the walk is in the old engine, and in the new one.
const OLD: u8 = b'o';
const NEW: u8 = b'n';

type Found = Vec<(SessionId, Stored)>;

/// What moves from the old engine to the new one meanwhile is found in the new one, which is asked later.
#[async_trait]
impl<New: SessionBackend, Old: SessionBackend> SessionIndex for Migrating<New, Old> {
    async fn of(&self, owner: &str, after: Option<&SessionId>, limit: u32) -> Result<Found> {
        let mut found = Found::new();
        for index in [self.old.index(), self.new.index()].into_iter().flatten() {
            for (id, stored) in index.of(owner, after, limit).await? {
                found.retain(|(known, _)| *known != id);
                found.push((id, stored));
            }
        }
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        found.truncate(limit as usize);
        Ok(found)
    }
}

#[async_trait]
impl<New: SessionBackend, Old: SessionBackend> SessionWalk for Migrating<New, Old> {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page> {
        let (which, rest) = match from {
            None => (OLD, None),
            Some(from) => {
                let (which, rest) = from.as_bytes().split_first().ok_or_else(Cursor::foreign)?;
                (*which, (!rest.is_empty()).then(|| Cursor::new(rest.to_vec())))
            }
        };
        let walk = match which {
            OLD => self.old.walk(),
            NEW => self.new.walk(),
            _ => return Err(Cursor::foreign()),
        };
        let Some(walk) = walk else { return Ok(Page::new(Found::new(), None)) };
        let Page { mut found, next, .. } = walk.page(rest.as_ref(), limit).await?;
        found.retain(|(_, stored)| !is_ended(&stored.record));
        let next = match next {
            Some(next) => Some(Cursor::new([&[which], next.as_bytes()].concat())),
            None => (which == OLD).then(|| Cursor::new(vec![NEW])),
        };
        Ok(Page::new(found, next))
    }
}
