//! Saves and loads that are made together, each on its own terms.

use std::sync::Arc;

use cloakroom_core::together::Together;
use cloakroom_core::{Record, SessionId, Stamp, Stored, Timestamp};
use tokio::runtime::Handle;

use crate::driver::{Driver, Value};
use crate::layout::moment;
use crate::several::MOST;
use crate::statements::Stamped;

/// How many bytes are stored in one transaction, where there is more than one session: what takes longer is not to hold up the others.
const LARGE: usize = 1 << 20;

/// What PostgreSQL keeps in an index, and MySQL in the column.
const LONGEST_OWNER: usize = 255;

/// Whether it may be stored with others: one that the database refuses would be their failure, too. `room` is what the server takes at once.
pub(crate) fn is_company(new: &Record, room: usize) -> bool {
    new.payload.len() <= most(room) && new.owner.as_ref().is_none_or(|owner| owner.len() <= LONGEST_OWNER)
}

/// How many bytes go together. Beside payloads there are ids, stamps and owners.
fn most(room: usize) -> usize {
    LARGE.min(room / 2)
}

/// A record that is to be stored over the one that was seen.
pub(crate) struct Save {
    pub(crate) id: SessionId,
    pub(crate) new: Record,
    stamp: [u8; 16],
    pub(crate) seen: [u8; 16],
    pub(crate) now: Timestamp,
}

impl Save {
    pub(crate) fn new(id: &SessionId, new: &Record, seen: Stamp, now: Timestamp) -> Self {
        let (stamp, seen) = (new.stamp.to_bytes(), seen.to_bytes());
        Self { id: id.clone(), new: new.clone(), stamp, seen, now }
    }

    pub(crate) fn size(&self) -> usize {
        self.new.payload.len()
    }

    /// Its row, and the stamp that was seen.
    pub(crate) fn row_and_seen(&self) -> [Value<'_>; 6] {
        let [payload, deadline, owner, stamp, id] = self.row();
        [payload, deadline, owner, stamp, id, Value::Bytes(&self.seen)]
    }

    /// Its row: payload, deadline, owner, stamp and id.
    pub(crate) fn row(&self) -> [Value<'_>; 5] {
        let owner = self.new.owner.as_deref().map(str::as_bytes);
        [
            Value::Bytes(&self.new.payload),
            moment(self.new.expires_at),
            Value::OptionalBytes(owner),
            Value::Bytes(&self.stamp),
            Value::Bytes(self.id.as_bytes()),
        ]
    }
}

/// What has come of one.
#[derive(Clone, Debug)]
pub(crate) enum Saving {
    Stored,
    /// Nothing was done: it is to be tried by itself.
    Alone,
    /// It may be stored or not, and why that is not known.
    Unknown(String),
}

/// A session that is asked for.
pub(crate) struct Load {
    pub(crate) id: SessionId,
    pub(crate) now: Timestamp,
}

/// What has come of one.
pub(crate) enum Loading {
    Found(Option<Stored>),
    /// It is to be tried by itself.
    Alone,
}

/// When calls that are made together are made: at the last one's time.
pub(crate) fn latest(times: impl Iterator<Item = Timestamp>) -> Value<'static> {
    moment(times.max().unwrap_or(Timestamp::MAX))
}

/// Where they are made.
pub(crate) struct Place {
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) statements: Arc<Stamped>,
}

pub(crate) struct Saves(pub(crate) Place);

pub(crate) struct Loads(pub(crate) Place);

impl Together for Saves {
    type Call = Save;
    type Answer = Saving;

    fn takes(&self, group: &[Save], call: &Save) -> bool {
        // Of two saves of one session the second one is to meet what the first one has stored.
        let beside = |other: &Save| other.id != call.id;
        group.len() < MOST
            && group.iter().all(beside)
            && group.iter().map(Save::size).sum::<usize>() + call.size() <= most(self.0.driver.room())
    }

    async fn make(&self, group: Vec<Save>) -> Vec<Saving> {
        let Place { driver, statements } = &self.0;
        driver.save_all(&statements.save_all, &group).await
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        here(work);
    }
}

impl Together for Loads {
    type Call = Load;
    type Answer = Loading;

    fn takes(&self, group: &[Load], _: &Load) -> bool {
        group.len() < MOST
    }

    async fn make(&self, group: Vec<Load>) -> Vec<Loading> {
        let Place { driver, statements } = &self.0;
        driver.load_all(&statements.load_all, &group).await
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        here(work);
    }
}

/// In a task on this runtime: any may drive any connection.
fn here(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        runtime.spawn(work);
    }
}
