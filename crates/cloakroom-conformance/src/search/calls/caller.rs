//! One caller of an engine, and what it notes of the answers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Deleted, Read, Record, Result, Revision, Saved, SessionBackend, SessionId, Stamp, Stored, Touched,
    Written,
};

use super::super::log::Log;
use super::model::{Answer, Call, Event, Id, Kept, pair};
use super::script::{Act, Draft, PAYLOADS, Seen};
use crate::Engine;
use crate::carried::stamp_in;
use crate::storage::walk::walked;

/// What all callers of a history share.
pub(super) struct Counter<'e> {
    engine: &'e Engine,
    ids: Vec<SessionId>,
    round: u64,
    /// There is nobody else.
    alone: bool,
    pub(super) log: Log<Event>,
    /// Revisions by id, and the stamps that were seen with them.
    seen: Mutex<Vec<(Id, Revision, Stamp)>>,
    /// The stamps of all writes.
    sent: Mutex<Vec<Stamp>>,
}

pub(super) struct Caller<'c> {
    number: usize,
    backend: Arc<dyn SessionBackend>,
    counter: &'c Counter<'c>,
    last: Option<Write>,
}

/// A write that can be sent once more.
#[derive(Clone)]
enum Write {
    Create(Id, Record),
    Save(Id, Record, Revision, Stamp),
    Rotate(Id, Id, Record, Revision, Stamp),
}

impl<'e> Counter<'e> {
    pub(super) fn new(engine: &'e Engine, ids: Vec<SessionId>, round: u64, alone: bool) -> Self {
        let log = Log::new(engine.clock.clone());
        Self { engine, ids, round, alone, log, seen: Mutex::default(), sent: Mutex::default() }
    }

    fn owner(&self, which: bool) -> String {
        format!("{}-{}", if which { "alice" } else { "Alice" }, self.round)
    }

    fn record(&self, draft: Draft) -> Record {
        let mut record = self.engine.record_for("", draft.owner.map(|which| self.owner(which)).as_deref());
        record.payload = Bytes::from_static(PAYLOADS[draft.payload]);
        record.expires_at = self.engine.now().plus(Duration::from_hours(draft.hours.into()));
        record
    }

    fn saw(&self, id: Id, revision: &Revision, stamp: Stamp) {
        self.seen.lock().unwrap().push((id, revision.clone(), stamp));
    }

    fn seen(&self, id: Id, which: Seen) -> (Revision, Stamp) {
        let seen = self.seen.lock().unwrap();
        let mut of_id = seen.iter().filter(|(seen, ..)| *seen == id);
        let found = match which {
            Seen::Last => of_id.next_back(),
            Seen::First => of_id.next(),
        };
        let nobodys = Stamp { sequence: 0, nonce: 0 };
        let revision = match self.engine.backend.format() {
            None => nobodys.into(),
            Some(_) => Revision::opaque(Bytes::from_static(b"nobody's")),
        };
        found.map_or((revision, nobodys), |(_, revision, stamp)| (revision.clone(), *stamp))
    }

    /// The stamp that was seen with a revision.
    fn stamp(&self, id: Id, revision: &Revision) -> (u64, u64) {
        let seen = self.seen.lock().unwrap();
        let known = seen.iter().rev().find(|(of, known, _)| *of == id && known == revision);
        let sent = self.sent.lock().unwrap();
        // Its writer may not have its answer yet.
        let sent = || sent.iter().find(|stamp| Revision::from(**stamp) == *revision);
        let told = || stamp_in(self.engine.backend.format(), revision);
        let stamp = known.map(|(.., stamp)| stamp).or_else(sent).copied().or_else(told);
        stamp.map_or((u64::MAX, u64::MAX), pair)
    }

    fn shown(&self, id: Id, stored: &Stored) -> Kept {
        self.saw(id, &stored.revision, stored.record.stamp);
        Kept::from(&stored.record)
    }

    /// What is listed of this history.
    fn page(&self, page: &[(SessionId, Stored)]) -> Answer {
        let ours = page.iter().filter_map(|(id, stored)| {
            let id = self.ids.iter().position(|known| known == id)?;
            Some((id, self.shown(id, stored)))
        });
        Answer::Listed(ours.collect())
    }
}

impl<'c> Caller<'c> {
    pub(super) fn new(number: usize, backend: Arc<dyn SessionBackend>, counter: &'c Counter<'c>) -> Self {
        Self { number, backend, counter, last: None }
    }

    pub(super) async fn call(mut self, acts: &[Act]) {
        for act in acts {
            if let Err(error) = self.act(*act).await {
                self.counter.log.wrong(format!("caller {}: {act:?} is {error:?}", self.number));
                return;
            }
        }
    }

    /// When all is over, looks at what is there.
    pub(super) async fn look(mut self) {
        for id in 0..self.counter.ids.len() {
            for act in [Act::Load(id, false), Act::Revision(id)] {
                if let Err(error) = self.act(act).await {
                    self.counter.log.wrong(format!("afterwards: {error:?}"));
                }
            }
        }
    }

    async fn act(&mut self, act: Act) -> Result<()> {
        let engine = self.counter.engine;
        let backend = Arc::clone(&self.backend);
        match act {
            Act::Create(id, draft) => self.write(Write::Create(id, self.counter.record(draft))).await,
            Act::Save(id, draft, seen) => {
                let ((seen, stamp), mut record) = (self.counter.seen(id, seen), self.counter.record(draft));
                record.stamp.sequence = stamp.sequence + 1;
                self.write(Write::Save(id, record, seen, stamp)).await
            }
            Act::Rotate(from, to, draft, seen) => {
                let ((seen, stamp), mut record) = (self.counter.seen(from, seen), self.counter.record(draft));
                record.stamp.sequence = stamp.sequence + 1;
                self.write(Write::Rotate(from, to, record, seen, stamp)).await
            }
            Act::Again => match self.last.clone() {
                Some(write) => self.write(write).await,
                None => Ok(()),
            },
            Act::Touch(id, hours, seen) => {
                let (seen, stamp) = self.counter.seen(id, seen);
                let until = engine.now().plus(Duration::from_hours(hours.into()));
                let millis = i64::try_from(until.millis()).unwrap();
                let call = Call::Touch { id, until: millis, seen: pair(stamp) };
                let touched = backend.touch(self.id(id), until, &seen);
                self.note(call, touched, |touched| match touched {
                    Touched::Moved(_) => Answer::Moved,
                    Touched::Skipped => Answer::Skipped,
                    Touched::Gone => Answer::Gone,
                })
                .await
            }
            Act::Delete(id, seen) => {
                let seen = seen.map(|seen| self.counter.seen(id, seen));
                let call = Call::Delete { id, seen: seen.as_ref().map(|(_, stamp)| pair(*stamp)) };
                let deleted = backend.delete(self.id(id), seen.as_ref().map(|(seen, _)| seen));
                self.note(call, deleted, |deleted| match deleted {
                    Deleted::Ended => Answer::Ended,
                    Deleted::Absent => Answer::Absent,
                    Deleted::Conflict(there) => Answer::Conflict(self.counter.shown(id, &there)),
                })
                .await
            }
            Act::Load(id, cached) => {
                let read = if cached { Read::Any } else { Read::Latest };
                let found = backend.load(self.id(id), read);
                let stale = cached && !engine.backend.capabilities().stale_read.is_zero();
                if stale && !self.counter.alone {
                    // It may be behind, and says how far.
                    return found.await.map(drop);
                }
                let shown = |there: Option<Stored>| there.map(|there| self.counter.shown(id, &there));
                self.note(Call::Load { id, copied: stale }, found, |there| Answer::Found(shown(there))).await
            }
            Act::Revision(id) => {
                let there = backend.revision(self.id(id));
                self.note(Call::Revision { id }, there, |there| {
                    Answer::Revision(there.map(|(revision, ends)| {
                        (self.counter.stamp(id, &revision), i64::try_from(ends.millis()).unwrap())
                    }))
                })
                .await
            }
            Act::Sweep(limit) => {
                let swept = backend.clear_expired(engine.now(), limit);
                self.note(Call::Sweep { limit }, swept, |swept| Answer::Swept(swept.removed)).await
            }
            Act::Of(which, after, limit) => {
                let owner = self.counter.owner(which);
                let Some(index) = backend.index() else { return Ok(()) };
                let call = Call::Of { owner: owner.clone(), after, alone: self.counter.alone };
                let page = index.of(&owner, after.map(|after| self.id(after)), limit);
                self.note(call, page, |page| self.counter.page(&page)).await
            }
            Act::Walk(page) => {
                if backend.walk().is_none() {
                    return Ok(());
                }
                let call = Call::Walk { alone: self.counter.alone };
                self.note(call, walked(&*backend, page), |met| {
                    self.counter.page(&met.into_iter().collect::<Vec<_>>())
                })
                .await
            }
            Act::Pass(minutes) => {
                engine.pass(Duration::from_mins(minutes.into()));
                Ok(())
            }
        }
    }

    fn id(&self, id: Id) -> &'c SessionId {
        &self.counter.ids[id]
    }

    async fn write(&mut self, write: Write) -> Result<()> {
        self.last = Some(write.clone());
        let backend = Arc::clone(&self.backend);
        let (Write::Create(_, record) | Write::Save(_, record, ..) | Write::Rotate(_, _, record, ..)) =
            &write;
        self.counter.sent.lock().unwrap().push(record.stamp);
        match write {
            Write::Create(id, record) => {
                let call = Call::Create { id, new: Kept::from(&record) };
                let created = backend.create(self.id(id), &record);
                self.note(call, created, |saved| self.saved(id, id, &record, saved)).await
            }
            Write::Save(id, record, seen, stamp) => {
                let call = Call::Save { id, new: Kept::from(&record), seen: pair(stamp) };
                let saved = backend.save(self.id(id), &record, &seen);
                self.note(call, saved, |saved| self.saved(id, id, &record, saved)).await
            }
            Write::Rotate(from, to, record, seen, stamp) => {
                let call = Call::Rotate { from, to, new: Kept::from(&record), seen: pair(stamp) };
                let rotated = backend.rotate(self.id(from), self.id(to), &record, &seen);
                self.note(call, rotated, |saved| self.saved(from, to, &record, saved)).await
            }
        }
    }

    fn saved(&self, from: Id, to: Id, record: &Record, saved: Saved) -> Answer {
        match saved {
            Saved::Written(Written { revision, .. }) => {
                self.counter.saw(to, &revision, record.stamp);
                Answer::Written
            }
            Saved::Conflict(there) => Answer::Conflict(self.counter.shown(from, &there)),
            Saved::Gone => Answer::Gone,
        }
    }

    /// Makes a call, and notes it with its answer.
    async fn note<T>(
        &self,
        call: Call,
        answer: impl Future<Output = Result<T>>,
        understood: impl FnOnce(T) -> Answer,
    ) -> Result<()> {
        let log = &self.counter.log;
        let at = log.begin(Some(self.number), |_| Event { call: call.clone(), answer: Answer::Lost });
        let answer = understood(answer.await?);
        log.came_to(at, Event { call, answer });
        Ok(())
    }
}
