//! The reference engine with one promise broken.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cloakroom_core::{
    Capabilities, Clock, Cursor, Deleted, ManualClock, Memory, Page, Read, Record, Result, Revision, Saved,
    SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stamp, Stored, Swept, Timestamp,
    Touched, Written,
};

/// An enum and the list of all that it can be, which nobody can forget to add to.
macro_rules! listed {
    ($name:ident: $($variant:ident)*) => {
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub(super) enum $name {
            $($variant,)*
        }

        impl $name {
            pub(super) const ALL: &[Self] = &[$(Self::$variant),*];
        }
    };
}

listed! {
    Sabotage:
    CreateOverwrites
    CreateForgetsItself
    CreateInTwoSteps
    CreateEvicts
    PayloadAsText
    IgnoresDeadlines
    LoadExtends
    LoadShowsCopies
    LoadNeverLooks
    RevisionHidden
    SaveInserts
    SaveResurrects
    SaveIgnoresDeadline
    SaveIgnoresRevision
    SaveInTwoSteps
    SaveForgetsItself
    TouchRewrites
    TouchMovesBackwards
    TouchIgnoresRevision
    RotateLeavesOld
    RotateIgnoresRevision
    RotateRevives
    RotateOverwrites
    RotateForgetsItself
    RotateInTwoSteps
    RotateEndsFirst
    DeleteDoesNothing
    DeleteIgnoresRevision
    SweepTakesExtended
    SweepUnbounded
    SweepTakesAll
    IndexStops
    WalkStops
    WalkShowsExpired
    IndexIgnoresOwner
    IndexFoldsCase
    IdsFoldCase
    IdsCut
}

use Sabotage as S;

#[derive(Debug)]
pub(super) struct Saboteur {
    sound: Memory,
    clock: Arc<dyn Clock>,
    sabotage: Option<Sabotage>,
    /// Deadlines as they were when records were created.
    created: Mutex<HashMap<SessionId, Timestamp>>,
    /// What loads have shown.
    copies: Mutex<HashMap<SessionId, Stored>>,
}

impl Saboteur {
    pub(super) fn new(clock: Arc<dyn Clock>, sabotage: Option<Sabotage>) -> Self {
        // On a clock that stands still nothing ever expires.
        let standing: Arc<dyn Clock> = Arc::new(ManualClock::at(clock.now()));
        let stands = matches!(sabotage, Some(S::IgnoresDeadlines | S::SaveIgnoresDeadline));
        let sound = Memory::with_clock(if stands { standing } else { Arc::clone(&clock) });
        Self { sound, clock, sabotage, created: Mutex::default(), copies: Mutex::default() }
    }

    fn does(&self, sabotage: Sabotage) -> bool {
        self.sabotage == Some(sabotage)
    }

    /// The id as this engine mistakes it.
    fn mistaken(&self, id: &SessionId) -> SessionId {
        let text = match self.sabotage {
            Some(S::IdsFoldCase) => id.expose().to_lowercase(),
            Some(S::IdsCut) => id.expose().chars().next().into_iter().collect(),
            _ => return id.clone(),
        };
        SessionId::parse(&text).unwrap()
    }

    async fn there(&self, id: &SessionId) -> Option<Stored> {
        self.sound.load(id, Read::Latest).await.unwrap()
    }

    /// Stores whatever was there before.
    async fn force(&self, id: &SessionId, record: &Record) -> Result<Saved> {
        self.sound.delete(id, None).await?;
        self.sound.create(id, record).await
    }
}

#[async_trait]
impl SessionBackend for Saboteur {
    fn capabilities(&self) -> Capabilities {
        self.sound.capabilities()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        Some(self)
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        Some(self)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        None
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        let copied = match read {
            Read::Any => matches!(self.sabotage, Some(S::LoadShowsCopies | S::LoadNeverLooks)),
            Read::Latest => self.does(S::LoadNeverLooks),
        };
        let copy = self.copies.lock().unwrap().get(id).cloned();
        if let Some(copy) = copy.filter(|_| copied) {
            return Ok(Some(copy));
        }
        let found = self.there(&self.mistaken(id)).await;
        if let Some(stored) = &found {
            self.copies.lock().unwrap().insert(id.clone(), stored.clone());
        }
        if let Some(stored) = found.as_ref().filter(|_| self.does(S::LoadExtends)) {
            let until = stored.record.expires_at.plus(Duration::from_secs(1));
            self.sound.touch(id, until, &stored.revision).await?;
        }
        let now = self.clock.now();
        Ok(found.filter(|stored| self.does(S::IgnoresDeadlines) || stored.record.is_alive(now)))
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        let found = self.load(id, Read::Latest).await?;
        let shown = found.map(|stored| (stored.revision, stored.record.expires_at));
        Ok(shown.filter(|_| !self.does(S::RevisionHidden)))
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let id = &self.mistaken(id);
        let oldest = {
            let mut created = self.created.lock().unwrap();
            created.insert(id.clone(), new.expires_at);
            let full = self.sabotage == Some(S::CreateEvicts) && created.len() > 100;
            full.then(|| created.keys().find(|known| *known != id).cloned()).flatten()
        };
        if let Some(oldest) = oldest {
            self.created.lock().unwrap().remove(&oldest);
            self.sound.delete(&oldest, None).await?;
        }
        let mut new = new.clone();
        match self.sabotage {
            Some(S::CreateOverwrites) => return self.force(id, &new).await,
            Some(S::CreateForgetsItself) => {
                if let Some(there) = self.there(id).await {
                    return Ok(Saved::Conflict(there));
                }
            }
            Some(S::CreateInTwoSteps) if self.there(id).await.is_none() => {
                tokio::task::yield_now().await;
                return self.force(id, &new).await;
            }
            Some(S::PayloadAsText) => {
                new.payload = String::from_utf8_lossy(&new.payload).into_owned().into();
            }
            _ => {}
        }
        self.sound.create(id, &new).await
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let known = self.created.lock().unwrap().contains_key(id);
        let there = self.there(id).await;
        match (self.sabotage, there) {
            (Some(S::SaveInserts), None) | (Some(S::SaveIgnoresRevision), Some(_)) => {
                self.force(id, new).await
            }
            (Some(S::SaveResurrects), None) if known => self.force(id, new).await,
            (Some(S::SaveInTwoSteps), Some(there)) if there.revision == *seen => {
                tokio::task::yield_now().await;
                self.force(id, new).await
            }
            (Some(S::SaveForgetsItself), Some(there)) if there.record.stamp == new.stamp => {
                // As an engine that draws its own revisions: it can't tell whose write this was.
                let mut foreign = there;
                foreign.record.stamp.nonce ^= 1;
                Ok(Saved::Conflict(foreign))
            }
            _ => self.sound.save(id, new, seen).await,
        }
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let Some(there) = self.there(id).await else { return Ok(Touched::Gone) };
        let mut record = there.record.clone();
        match self.sabotage {
            Some(S::TouchRewrites) if there.revision == *seen => {
                record.expires_at = until;
                record.stamp.nonce ^= 1;
                self.force(id, &record).await?;
                Ok(Touched::Moved(Written::at(record.stamp)))
            }
            Some(S::TouchMovesBackwards) if there.revision == *seen => {
                record.expires_at = until;
                self.force(id, &record).await?;
                Ok(Touched::Moved(Written::at(record.stamp)))
            }
            Some(S::TouchIgnoresRevision) => self.sound.touch(id, until, &there.revision).await,
            _ => self.sound.touch(id, until, seen).await,
        }
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let there = self.there(from).await;
        match (self.sabotage, there) {
            (Some(S::RotateLeavesOld), Some(there)) if there.revision == *seen => {
                self.sound.create(to, new).await
            }
            (Some(S::RotateInTwoSteps), Some(there)) if there.revision == *seen => {
                let saved = self.sound.create(to, new).await?;
                tokio::task::yield_now().await;
                self.sound.delete(from, None).await?;
                Ok(saved)
            }
            (Some(S::RotateEndsFirst), Some(there)) if there.revision == *seen => {
                self.sound.delete(from, None).await?;
                tokio::task::yield_now().await;
                self.sound.create(to, new).await
            }
            (Some(S::RotateRevives), None) => self.sound.create(to, new).await,
            (Some(S::RotateIgnoresRevision), Some(there)) => {
                self.sound.rotate(from, to, new, &there.revision).await
            }
            (Some(S::RotateOverwrites), Some(_)) => {
                self.sound.delete(to, None).await?;
                self.sound.rotate(from, to, new, seen).await
            }
            (Some(S::RotateForgetsItself), None) => Ok(Saved::Gone),
            _ => self.sound.rotate(from, to, new, seen).await,
        }
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let id = &self.mistaken(id);
        match self.sabotage {
            Some(S::DeleteDoesNothing) => Ok(Deleted::Ended),
            Some(S::DeleteIgnoresRevision) => self.sound.delete(id, None).await,
            _ => self.sound.delete(id, seen).await,
        }
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        let created = self.created.lock().unwrap().clone();
        let wrongly = created.into_iter().filter(|(_, deadline)| match self.sabotage {
            Some(S::SweepTakesExtended) => *deadline <= before,
            Some(S::SweepTakesAll) => true,
            _ => false,
        });
        for (id, _) in wrongly {
            self.sound.delete(&id, None).await?;
        }
        let limit = if self.does(S::SweepUnbounded) { u32::MAX } else { limit };
        self.sound.clear_expired(before, limit).await
    }

    async fn close(&self) -> Result<()> {
        self.sound.close().await
    }
}

#[async_trait]
impl SessionIndex for Saboteur {
    async fn of(
        &self,
        owner: &str,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Result<Vec<(SessionId, Stored)>> {
        if self.does(S::IndexStops) && after.is_some() {
            return Ok(Vec::new());
        }
        if !matches!(self.sabotage, Some(S::IndexIgnoresOwner | S::IndexFoldsCase)) {
            return self.sound.of(owner, after, limit).await;
        }
        let from = after.map(Cursor::behind);
        let mut all = SessionWalk::page(&self.sound, from.as_ref(), limit).await?.found;
        all.retain(|(_, stored)| {
            let theirs = stored.record.owner.as_deref().unwrap_or_default();
            self.does(S::IndexIgnoresOwner) || theirs.eq_ignore_ascii_case(owner)
        });
        Ok(all)
    }
}

#[async_trait]
impl SessionWalk for Saboteur {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page> {
        let mut page = self.sound.page(from, limit).await?;
        if self.does(S::WalkStops) {
            page.next = None;
        }
        if self.does(S::WalkShowsExpired) && page.next.is_none() {
            let created = self.created.lock().unwrap().clone();
            let dead = created.into_iter().filter(|(_, deadline)| *deadline <= self.clock.now());
            let stamp = Stamp { sequence: 1, nonce: 1 };
            let shown =
                |(id, deadline)| (id, Stored::stamped(Record::new(Bytes::new(), deadline, None, stamp)));
            page.found.extend(dead.map(shown));
        }
        Ok(page)
    }
}
