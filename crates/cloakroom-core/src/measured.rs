//! An engine whose work is counted and timed.

use std::time::Instant;

use async_trait::async_trait;
use metrics::{counter, histogram};

use crate::figures::{DURATION, OPERATIONS, PAYLOAD, SWEPT, describe};
use crate::{
    Capabilities, Cursor, Deleted, Page, Read, Record, Result, Revision, Saved, SessionBackend,
    SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, Timestamp, Touched,
};

/// Any engine, with metrics of each call: how many there were and what came of them, how long they took, and how
/// large what they moved was. They go to whatever recorder the process has set for the crate `metrics`; without one to
/// nobody.
///
/// A call that is dropped before it has answered, for one because core's time limit is over, counts as `abandoned`.
///
/// ```
/// use cloakroom_core::{Measured, Memory, Sessions};
///
/// let sessions = Sessions::new(Measured::new(Memory::new(), "memory"));
/// ```
#[derive(Debug)]
pub struct Measured<B> {
    backend: B,
    engine: &'static str,
}

impl<B: SessionBackend> Measured<B> {
    /// `backend`, measured under the label `engine`. Set the process's recorder before: it is told here what the
    /// metrics are.
    pub fn new(backend: B, engine: &'static str) -> Self {
        describe();
        Self { backend, engine }
    }

    fn call(&self, operation: &'static str) -> Call {
        Call { engine: self.engine, operation, outcome: "abandoned", began: Instant::now() }
    }
}

type Listed = Vec<(SessionId, Stored)>;

#[async_trait]
impl<B: SessionBackend> SessionBackend for Measured<B> {
    fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.backend.index().is_some().then_some(self)
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        self.backend.walk().is_some().then_some(self)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        self.backend.format()
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        let mut call = self.call("load");
        let found = self.backend.load(id, read).await;
        if let Ok(Some(stored)) = &found {
            call.moved("read", &stored.record);
        }
        call.end(&found, |found| if found.is_some() { "found" } else { "absent" });
        found
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        let mut call = self.call("revision");
        let found = self.backend.revision(id).await;
        call.end(&found, |found| if found.is_some() { "found" } else { "absent" });
        found
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        let mut call = self.call("create");
        let saved = self.backend.create(id, new).await;
        call.end_write(new, &saved);
        saved
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let mut call = self.call("save");
        let saved = self.backend.save(id, new, seen).await;
        call.end_write(new, &saved);
        saved
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        let mut call = self.call("touch");
        let touched = self.backend.touch(id, until, seen).await;
        call.end(&touched, |touched| match touched {
            Touched::Moved(_) => "moved",
            Touched::Skipped => "skipped",
            Touched::Gone => "gone",
        });
        touched
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        let mut call = self.call("rotate");
        let saved = self.backend.rotate(from, to, new, seen).await;
        call.end_write(new, &saved);
        saved
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        let mut call = self.call("delete");
        let deleted = self.backend.delete(id, seen).await;
        call.end(&deleted, |deleted| match deleted {
            Deleted::Ended => "ended",
            Deleted::Absent => "absent",
            Deleted::Conflict(_) => "conflict",
        });
        deleted
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        let mut call = self.call("clear_expired");
        let cleared = self.backend.clear_expired(before, limit).await;
        call.end(&cleared, |_| "cleared");
        if let Ok(Swept { removed, .. }) = cleared {
            counter!(SWEPT, "engine" => self.engine).increment(removed);
        }
        cleared
    }

    async fn close(&self) -> Result<()> {
        self.backend.close().await
    }
}

#[async_trait]
impl<B: SessionBackend> SessionIndex for Measured<B> {
    async fn of(&self, owner: &str, after: Option<&SessionId>, limit: u32) -> Result<Listed> {
        let Some(index) = self.backend.index() else { return Ok(Listed::new()) };
        let mut call = self.call("list");
        let page = index.of(owner, after, limit).await;
        call.end(&page, |_| "listed");
        page
    }
}

#[async_trait]
impl<B: SessionBackend> SessionWalk for Measured<B> {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page> {
        let Some(walk) = self.backend.walk() else { return Ok(Page::new(Vec::new(), None)) };
        let mut call = self.call("walk");
        let page = walk.page(from, limit).await;
        call.end(&page, |_| "listed");
        page
    }
}

/// A call to an engine, counted when it is over, however that comes.
struct Call {
    engine: &'static str,
    operation: &'static str,
    outcome: &'static str,
    began: Instant,
}

impl Call {
    fn end<T>(&mut self, answer: &Result<T>, name: impl FnOnce(&T) -> &'static str) {
        self.outcome = answer.as_ref().map_or_else(|error| error.kind().name(), name);
    }

    fn end_write(&mut self, new: &Record, saved: &Result<Saved>) {
        if let Ok(Saved::Written(_)) = saved {
            self.moved("written", new);
        }
        self.end(saved, |saved| match saved {
            Saved::Written(_) => "written",
            Saved::Conflict(_) => "conflict",
            Saved::Gone => "gone",
        });
    }

    #[expect(clippy::cast_precision_loss, reason = "no payload has 2^52 bytes")]
    fn moved(&self, direction: &'static str, record: &Record) {
        let bytes = record.payload.len() as f64;
        histogram!(PAYLOAD, "engine" => self.engine, "direction" => direction).record(bytes);
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let Self { engine, operation, outcome, began } = *self;
        counter!(OPERATIONS, "engine" => engine, "operation" => operation, "outcome" => outcome).increment(1);
        histogram!(DURATION, "engine" => engine, "operation" => operation).record(began.elapsed());
    }
}
