//! An engine whose calls are counted, and fail when they are told to.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cloakroom_core::{
    Capabilities, Cursor, Deleted, Error, ErrorKind, Page, Read, Record, Result, Revision, Saved,
    SessionBackend, SessionFormat, SessionId, SessionIndex, SessionWalk, Stored, Swept, Timestamp, Touched,
};
use tokio::sync::Notify;

use crate::search::Gates;

/// A method of an engine.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Operation {
    /// `load`
    Load,
    /// `revision`
    Revision,
    /// `create`
    Create,
    /// `save`
    Save,
    /// `touch`
    Touch,
    /// `rotate`
    Rotate,
    /// `delete`
    Delete,
    /// `clear_expired`
    Sweep,
    /// `of` of its index, `page` of its walk
    List,
}

/// What goes wrong with a call.
#[non_exhaustive]
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is not done, and says so.
    Refuse,
    /// It is not done: what is there is no record.
    Corrupt,
    /// It is not done, and nobody can tell.
    LoseRequest,
    /// It is done, and its answer is lost.
    LoseReply,
    /// It is not done, and never answers.
    Hang,
    /// It is done, and never answers.
    HangReply,
    /// It waits until it is let go, and is done then.
    Hold(Gate),
    /// It is done, and its answer waits until it is let go.
    HoldReply(Gate),
}

/// Where a held call waits. Clones are one gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<(Notify, Notify)>);

impl Gate {
    /// Resolves when the call has arrived.
    pub async fn reached(&self) {
        self.0.0.notified().await;
    }

    /// Lets it go.
    pub fn open(&self) {
        self.0.1.notify_one();
    }

    async fn wait(&self) {
        self.0.0.notify_one();
        self.0.1.notified().await;
    }
}

/// Any engine, with faults. Clones share the faults and the counts.
#[derive(Clone, Debug)]
pub struct Faulty {
    inner: Arc<dyn SessionBackend>,
    plan: Arc<Mutex<Plan>>,
    calls: Arc<Mutex<Vec<Operation>>>,
    /// Where each call waits before and after it is done, until a history lets it go on.
    gates: Option<Arc<Gates>>,
}

/// What is to fail.
#[derive(Debug, Default)]
struct Plan {
    /// How many calls there were.
    made: u64,
    faults: Vec<(Due, Fault)>,
}

/// Which call fails.
#[derive(Debug)]
enum Due {
    /// The next of this kind.
    Next(Operation),
    /// The one of this number.
    Call(u64),
}

impl Faulty {
    /// `inner`, without any faults yet.
    pub fn new(inner: impl SessionBackend) -> Self {
        Self { inner: Arc::new(inner), plan: Arc::default(), calls: Arc::default(), gates: None }
    }

    /// `inner`, whose calls wait at these gates.
    pub(crate) fn gated(inner: impl SessionBackend, gates: Arc<Gates>) -> Self {
        Self { gates: Some(gates), ..Self::new(inner) }
    }

    /// Makes the next call of `operation` fail that is not to fail already.
    pub fn fail(&self, operation: Operation, fault: Fault) {
        self.plan.lock().unwrap().faults.push((Due::Next(operation), fault));
    }

    /// Makes a call fail whatever it is: the next one after so many others.
    pub fn fail_after(&self, others: u64, fault: Fault) {
        let mut plan = self.plan.lock().unwrap();
        let due = Due::Call(plan.made + others);
        plan.faults.push((due, fault));
    }

    /// The calls since this was asked last.
    pub fn calls(&self) -> Vec<Operation> {
        std::mem::take(&mut *self.calls.lock().unwrap())
    }

    async fn meet<T>(&self, operation: Operation, call: impl Future<Output = Result<T>> + Send) -> Result<T> {
        self.calls.lock().unwrap().push(operation);
        let Some(gates) = &self.gates else {
            let fault = self.planned(operation);
            return suffer(fault, call).await;
        };
        let fault = gates.pass_call().await;
        let answer = suffer(fault, gates.busy(call)).await;
        gates.pass().await;
        answer
    }

    fn inner_index(&self) -> Result<&dyn SessionIndex> {
        let missing = || Error::new(ErrorKind::Unsupported, "the engine lists no sessions");
        self.inner.index().ok_or_else(missing)
    }

    fn planned(&self, operation: Operation) -> Option<Fault> {
        let mut plan = self.plan.lock().unwrap();
        let call = plan.made;
        plan.made += 1;
        let due = plan.faults.iter().position(|(due, _)| match due {
            Due::Next(planned) => *planned == operation,
            Due::Call(planned) => *planned == call,
        });
        due.map(|at| plan.faults.remove(at).1)
    }
}

async fn suffer<T>(fault: Option<Fault>, call: impl Future<Output = Result<T>>) -> Result<T> {
    match fault {
        None => call.await,
        Some(Fault::Refuse) => Err(Error::new(ErrorKind::Unavailable, "refused, as planned")),
        Some(Fault::Corrupt) => Err(Error::new(ErrorKind::Corrupt, "unreadable, as planned")),
        Some(Fault::LoseRequest) => Err(Error::new(ErrorKind::Unknown, "lost, as planned")),
        Some(Fault::LoseReply) => {
            call.await?;
            Err(Error::new(ErrorKind::Unknown, "lost, as planned"))
        }
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::HangReply) => {
            // Its answer is nobody's.
            let _ = call.await;
            std::future::pending().await
        }
        Some(Fault::Hold(gate)) => {
            gate.wait().await;
            call.await
        }
        Some(Fault::HoldReply(gate)) => {
            let answer = call.await;
            gate.wait().await;
            answer
        }
    }
}

#[async_trait]
impl SessionBackend for Faulty {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn index(&self) -> Option<&dyn SessionIndex> {
        self.inner.index().map(|_| self as &dyn SessionIndex)
    }

    fn walk(&self) -> Option<&dyn SessionWalk> {
        self.inner.walk().map(|_| self as &dyn SessionWalk)
    }

    fn format(&self) -> Option<&dyn SessionFormat> {
        self.inner.format()
    }

    async fn load(&self, id: &SessionId, read: Read) -> Result<Option<Stored>> {
        self.meet(Operation::Load, self.inner.load(id, read)).await
    }

    async fn revision(&self, id: &SessionId) -> Result<Option<(Revision, Timestamp)>> {
        self.meet(Operation::Revision, self.inner.revision(id)).await
    }

    async fn create(&self, id: &SessionId, new: &Record) -> Result<Saved> {
        self.meet(Operation::Create, self.inner.create(id, new)).await
    }

    async fn save(&self, id: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        self.meet(Operation::Save, self.inner.save(id, new, seen)).await
    }

    async fn touch(&self, id: &SessionId, until: Timestamp, seen: &Revision) -> Result<Touched> {
        self.meet(Operation::Touch, self.inner.touch(id, until, seen)).await
    }

    async fn rotate(&self, from: &SessionId, to: &SessionId, new: &Record, seen: &Revision) -> Result<Saved> {
        self.meet(Operation::Rotate, self.inner.rotate(from, to, new, seen)).await
    }

    async fn delete(&self, id: &SessionId, seen: Option<&Revision>) -> Result<Deleted> {
        self.meet(Operation::Delete, self.inner.delete(id, seen)).await
    }

    async fn clear_expired(&self, before: Timestamp, limit: u32) -> Result<Swept> {
        self.meet(Operation::Sweep, self.inner.clear_expired(before, limit)).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[async_trait]
impl SessionIndex for Faulty {
    async fn of(
        &self,
        owner: &str,
        after: Option<&SessionId>,
        limit: u32,
    ) -> Result<Vec<(SessionId, Stored)>> {
        self.meet(Operation::List, self.inner_index()?.of(owner, after, limit)).await
    }
}

#[async_trait]
impl SessionWalk for Faulty {
    async fn page(&self, from: Option<&Cursor>, limit: u32) -> Result<Page> {
        let missing = || Error::new(ErrorKind::Unsupported, "the engine has no way past its sessions");
        let walk = self.inner.walk().ok_or_else(missing)?;
        self.meet(Operation::List, walk.page(from, limit)).await
    }
}

#[cfg(test)]
mod tests {
    use cloakroom_core::{Addressing, Memory, SessionKey};

    use super::*;

    #[tokio::test]
    async fn a_fault_strikes_the_call_that_it_was_planned_for() {
        let faulty = Faulty::new(Memory::new());
        let id = SessionKey::generate(Addressing::Hashed).unwrap().id();
        faulty.fail_after(2, Fault::Refuse);
        faulty.fail(Operation::Delete, Fault::LoseRequest);
        let answers = [
            faulty.load(&id, Read::Any).await.err(),
            faulty.delete(&id, None).await.err(),
            faulty.revision(&id).await.err(),
            faulty.load(&id, Read::Any).await.err(),
        ];
        let kinds = answers.map(|error| error.map(|error| error.kind()));
        assert_eq!(kinds, [None, Some(ErrorKind::Unknown), Some(ErrorKind::Unavailable), None]);
    }
}
