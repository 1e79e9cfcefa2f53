//! The engine's own script for a save, sent by the driver alone.

use cloakroom_contest::{Contender, Operation, Result};
use cloakroom_core::{Clock as _, SystemClock};
use redis::aio::MultiplexedConnection;

use super::{LIFE, id};
use crate::raw::redis::key;
use crate::shelf::Shelf;

const SAVE: &str = include_str!("../../../crates/cloakroom-cache/src/redis/scripts/save.lua");
/// What a record begins with, before its payload; `redis/value.rs` says what is in it.
const HEAD: usize = 33;

/// Records as the engine writes them.
pub(crate) struct Script {
    connection: MultiplexedConnection,
    shelf: Shelf,
    hash: String,
}

/// Where a record is, and which one it is.
pub(crate) struct Seen {
    key: String,
    stamp: [u8; 16],
}

impl Script {
    pub(crate) async fn new(connection: MultiplexedConnection) -> Result<Self> {
        let hash: String =
            redis::cmd("SCRIPT").arg("LOAD").arg(SAVE).query_async(&mut connection.clone()).await?;
        Ok(Self { shelf: Shelf::Redis(connection.clone()), connection, hash })
    }
}

impl Contender for Script {
    type Session = Seen;

    async fn create(&self, text: String) -> Result<Seen> {
        let (key, (record, stamp)) = (key(&id()?), record(&text));
        let mut set = redis::cmd("SET");
        set.arg(&key).arg(record).arg("PX").arg(LIFE);
        set.query_async::<()>(&mut self.connection.clone()).await?;
        Ok(Seen { key, stamp })
    }

    async fn load(&self, session: &Seen) -> Result<usize> {
        let mut get = redis::cmd("GET");
        get.arg(&session.key);
        let record: Vec<u8> = get.query_async(&mut self.connection.clone()).await?;
        Ok(record.len() - HEAD)
    }

    async fn save(&self, session: &mut Seen, text: String) -> Result {
        let (record, stamp) = record(&text);
        let mut run = redis::cmd("EVALSHA");
        run.arg(&self.hash).arg(1).arg(&session.key);
        run.arg(SystemClock.now().millis()).arg(&session.stamp).arg(record).arg(LIFE);
        let (answer,): (i64,) = run.query_async(&mut self.connection.clone()).await?;
        session.stamp = stamp;
        if answer == 1 { Ok(()) } else { Err(format!("the script has answered {answer}").into()) }
    }

    async fn touch(&self, _: &mut Seen) -> Result {
        Err("only saves are by script".into())
    }

    async fn rotate(&self, _: &mut Seen, _: String) -> Result {
        Err("only saves are by script".into())
    }

    async fn delete(&self, session: Seen) -> Result {
        let mut delete = redis::cmd("DEL");
        delete.arg(session.key);
        Ok(delete.query_async(&mut self.connection.clone()).await?)
    }

    async fn update(&self, _: &Seen) -> Result {
        Err("only saves are by script".into())
    }

    async fn counted(&self, _: &Seen) -> Result<u64> {
        Err("only saves are by script".into())
    }

    async fn bytes(&self, live: u64) -> Result<Option<f64>> {
        self.shelf.bytes(live).await
    }

    fn lacks(&self) -> &'static [Operation] {
        &[
            Operation::Load,
            Operation::Create,
            Operation::Touch,
            Operation::Rotate,
            Operation::Delete,
            Operation::Update,
            Operation::Sweep,
        ]
    }
}

/// A record of nobody's that ends in an hour, and its stamp.
fn record(text: &str) -> (Vec<u8>, [u8; 16]) {
    let mut stamp = [0; 16];
    stamp.copy_from_slice(&text.as_bytes()[..16]);
    let ends = (SystemClock.now().millis() + LIFE).to_be_bytes();
    let record = [&[193], &ends[2..], &[0; 6], &stamp, &[0; 4], text.as_bytes()].concat();
    (record, stamp)
}
