//! Listing sessions: an index for each owner, and a walk past all.
//!
//! An owner's index is in another slot than the sessions it shows, so no step changes both. A session is
//! noted there before it is stored, and says itself until when it is shown: whoever would keep it longer
//! notes it again first. So the index never lacks a living session. An entry that has outlived its moment is
//! dropped when another is noted; until then it may show a session that is gone, which is looked for and not
//! found.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_core::{Error, ErrorKind, Result, SessionId, SessionIndex, Stored, Timestamp};
use futures_util::{StreamExt, stream};

use super::backend::{Backend, SLACK};
use super::client::{Budget, millis};
use super::connection::Target;
use super::script;
use super::value::foreign;
use super::walk::{AT_ONCE, STRIDE, read_scan};
use crate::page::{Looks, Page};

/// How much longer than its session an entry is kept: a session whose end moves on and on is noted again
/// once in so long.
const ENTRY_MARGIN: Duration = Duration::from_hours(24);
/// How many ids are found at a time, at least: many may be of sessions that are gone.
const FEWEST_IDS: usize = 1_000;

impl Backend {
    /// Notes in `owner`'s index a session that is to live until `deadline`, and says until when the index
    /// shows it.
    pub(super) async fn note(
        &self,
        budget: Budget,
        owner: &str,
        id: &SessionId,
        deadline: Timestamp,
    ) -> Result<u64> {
        let key = self.client.keys.index(owner);
        let until = deadline.plus(ENTRY_MARGIN);
        let life = millis(until.since(self.now()) + SLACK).to_string();
        let (until, outlived) = (until.millis().to_string(), self.now().minus(SLACK).millis().to_string());
        let arguments: [&[u8]; 4] = [id.as_bytes(), until.as_bytes(), outlived.as_bytes(), life.as_bytes()];
        let answer = self.client.run(budget, &script::LIST, &[&key], &arguments).await;
        let answer = answer.map_err(|error| match error.kind() {
            // Of the session nothing was stored; an entry too many is none too few.
            ErrorKind::Unknown => {
                Error::caused(ErrorKind::Unavailable, "the session cache's index did not answer", error)
            }
            // The session itself is in order.
            ErrorKind::Corrupt => {
                let message =
                    "a user's index in the session cache was not written by this library: delete its key";
                Error::caused(ErrorKind::Misconfigured, message, error)
            }
            _ => error,
        })?;
        redis::from_redis_value(answer).map_err(|_| foreign())
    }

    /// Drops an entry, unless the session was noted again since.
    pub(super) async fn forget(&self, budget: Budget, owner: &str, id: &SessionId, until: u64) -> Result<()> {
        let key = self.client.keys.index(owner);
        let until = until.to_string();
        self.client.run(budget, &script::UNLIST, &[&key], &[id.as_bytes(), until.as_bytes()]).await?;
        Ok(())
    }

    /// Up to `limit` of the smallest ids behind `after` in an index.
    async fn noted(
        &self,
        budget: Budget,
        owner: &str,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<SessionId>> {
        let key = self.client.keys.index(owner);
        let mut page = Page::new(after, limit);
        let mut cursor = 0;
        loop {
            let mut scan = redis::cmd("ZSCAN");
            scan.arg(&key).arg(cursor).arg("COUNT").arg(STRIDE);
            let (next, entries) = read_scan(self.client.read(budget, Target::Key(&key), scan).await?)?;
            let ids =
                entries.iter().step_by(2).filter_map(|id| SessionId::parse(std::str::from_utf8(id).ok()?));
            ids.for_each(|id| page.offer(id));
            if next == 0 {
                return Ok(page.into_ids().into_iter().collect());
            }
            cursor = next;
        }
    }

    /// Adds to `found` the living ones of these, in their order, as long as there is room. What others have
    /// stored hides no session.
    pub(super) async fn collect(
        &self,
        budget: Budget,
        ids: Vec<SessionId>,
        limit: usize,
        wanted: impl Fn(&Stored) -> bool + Send,
        found: &mut Vec<(SessionId, Stored)>,
    ) -> Result<()> {
        let look = |id: SessionId| async move { (self.there(budget, &id).await, id) };
        let mut records = stream::iter(ids).map(look).buffered(AT_ONCE.min(limit));
        while let Some((stored, id)) = records.next().await {
            match stored {
                Ok(Some(stored)) if wanted(&stored) => found.push((id, stored)),
                Err(error) if error.kind() != ErrorKind::Corrupt => return Err(error),
                _ => {}
            }
            if found.len() == limit {
                break;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl SessionIndex for Backend {
    async fn of(
        &self,
        owner: &str,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Result<Vec<(SessionId, Stored)>> {
        let (budget, limit) = (self.client.budget(), limit as usize);
        let mut found: Vec<(SessionId, Stored)> = Vec::new();
        let mut after = after.cloned();
        while found.is_empty() && limit > 0 {
            let behind = after.take();
            let mut looks = Looks::default();
            loop {
                let ids = self.noted(budget, owner, behind.as_ref(), limit.max(FEWEST_IDS)).await?;
                after = after.max(ids.last().cloned());
                let known: BTreeSet<_> = found.iter().map(|(id, _)| id.clone()).collect();
                let unknown: Vec<_> = ids.iter().filter(|id| !known.contains(id)).cloned().collect();
                let (asked, before) = (unknown.len(), found.len());
                let is_theirs = |stored: &Stored| stored.record.owner.as_deref() == Some(owner);
                self.collect(budget, unknown, limit, is_theirs, &mut found).await?;
                if found.len() - before == asked || found.len() >= limit || !looks.again(ids) {
                    break;
                }
            }
            if after.is_none() {
                break;
            }
        }
        found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        found.truncate(limit);
        Ok(found)
    }
}
