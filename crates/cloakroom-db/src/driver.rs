//! Runs statements on any database that sqlx knows: the one place that is generic over it.

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use cloakroom_core::{Durability, Error, ErrorKind, Result, Revision, SessionId, Stored, Timestamp};
use sqlx::{ColumnIndex, Decode, Encode, Executor, IntoArguments, Row, Type};
use tokio::time::timeout_at;

use crate::detached::to_its_end;
use crate::dialect::Dialect;
use crate::error::{Verdict, while_connecting, while_opening, while_reading, while_writing};
use crate::group::{Load, Loading, Save, Saving, latest};
use crate::pool::Pool;
use crate::question::{Answer, Failure, Question};
use crate::row;
use crate::saving::Work;
use crate::several::{SaveAll, Several, padded};
use crate::statements::Sql;

pub(crate) use tokio::time::Instant;

/// A call of a backend ends within this: before core's own limit, so that what it answers is heard.
const CALL: Duration = Duration::from_millis(4_800);
/// For a turn, then for a connection that is alive, and then for a statement's answer.
const TURN: Duration = Duration::from_millis(2_400);
const ANSWER: Duration = Duration::from_millis(2_400);
/// For connecting at the start, and what is asked then.
const OPENING: Duration = Duration::from_secs(3);
/// For making the table, behind others that are at it.
const MIGRATION: Duration = Duration::from_secs(30);

/// When a call that begins now must be over.
pub(crate) fn deadline() -> Instant {
    Instant::now() + CALL
}

/// When a call that begins now has waited long enough for its turn.
pub(crate) fn turn() -> Instant {
    Instant::now() + TURN
}

/// A parameter.
#[derive(Clone, Copy)]
pub(crate) enum Value<'v> {
    Bytes(&'v [u8]),
    Text(&'v str),
    OptionalBytes(Option<&'v [u8]>),
    Number(i64),
}

impl Value<'_> {
    fn len(&self) -> usize {
        match self {
            Value::Bytes(bytes) | Value::OptionalBytes(Some(bytes)) => bytes.len(),
            Value::Text(text) => text.len(),
            Value::OptionalBytes(None) => 0,
            Value::Number(_) => size_of::<i64>(),
        }
    }
}

/// A database, whichever it is. Calls are over `by` then.
#[async_trait]
pub(crate) trait Driver: Send + Sync {
    /// What a commit survives.
    fn durability(&self) -> Durability;

    /// Runs statements that are divided by semicolons.
    async fn migrate(&self, script: &Sql) -> Result<()>;

    /// Runs a statement that changes something, and says how many rows it changed: none, if it would
    /// have changed an id to one that is taken.
    async fn execute(&self, sql: &Sql, values: &[Value<'_>], by: Instant) -> Result<u64>;

    /// The record that a query of payload, deadline, owner and stamp finds.
    async fn one(&self, sql: &Sql, values: &[Value<'_>], by: Instant) -> Result<Option<Stored>>;

    /// The revision and the deadline that a query of deadline and stamp finds.
    async fn revision(
        &self,
        sql: &Sql,
        values: &[Value<'_>],
        by: Instant,
    ) -> Result<Option<(Revision, Timestamp)>>;

    /// The records that such a query finds, each with its id behind the rest. A row that this library
    /// has not written is left out: it is nobody's session, and must not hide the others.
    async fn page(&self, sql: &Sql, values: &[Value<'_>], by: Instant) -> Result<Rows>;

    /// Stores several rows, each if it is as it was seen, and says in their order what came of it.
    async fn save_all(&self, sql: &SaveAll, saves: &[Save]) -> Vec<Saving>;

    /// The records under several ids, in their order.
    async fn load_all(&self, sql: &Several, loads: &[Load]) -> Vec<Loading>;

    /// How many bytes the values of a statement may have.
    fn room(&self) -> usize;

    /// Waits for what is under way, then closes every connection.
    async fn close(&self) -> Result<()>;
}

/// What a query for several records comes to.
pub(crate) struct Rows {
    pub(crate) found: Vec<(SessionId, Stored)>,
    /// How many rows there were.
    pub(crate) count: usize,
    /// What the last of them has for an id.
    pub(crate) last: Option<Vec<u8>>,
}

/// What sqlx has no trait for.
pub(crate) trait Database: sqlx::Database {
    fn rows_affected(result: &Self::QueryResult) -> u64;
}

/// Connections for reading and for writing; the same ones, where a database needs no difference.
pub(crate) struct Pools<DB: sqlx::Database> {
    read: Pool<DB>,
    write: Pool<DB>,
    dialect: &'static Dialect,
    /// The URL, as it may be shown.
    shown: String,
    durability: Durability,
    /// How many bytes the values of a statement may have.
    room: usize,
}

impl<DB: Database> Pools<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'v> &'v [u8]: Encode<'v, DB> + Type<DB>,
    for<'v> &'v str: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v [u8]>: Encode<'v, DB>,
    for<'r> i64: Encode<'r, DB> + Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    /// Connects, and asks what to expect of the database; where it can't be asked, `durability` tells.
    ///
    /// # Errors
    ///
    /// `Misconfigured` or `Unavailable`, with `shown` in the text.
    pub(crate) async fn open(
        read: Pool<DB>,
        write: Pool<DB>,
        dialect: &'static Dialect,
        shown: String,
        durability: Durability,
    ) -> Result<Self> {
        let mut pools = Self { read, write, dialect, shown, durability, room: usize::MAX };
        let failed = |error: sqlx::Error| while_opening(&pools.shown, dialect.judge(&error), error);
        let by = Instant::now() + OPENING;
        let mut lease = pools.write.lease(true, by).await.map_err(failed)?;
        if let Some(facts) = dialect.facts {
            // All: what is left of an answer would be the next one's.
            let rows = timeout_at(by, lease.connection.fetch_all(sqlx::raw_sql(facts))).await;
            let rows = rows.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(failed)?;
            let row = rows.first().ok_or(sqlx::Error::RowNotFound).map_err(failed)?;
            let safe: i64 = row.try_get(0).map_err(failed)?;
            let room: i64 = row.try_get(1).map_err(failed)?;
            pools.durability = if safe == 1 { Durability::PowerCut } else { Durability::Crash };
            pools.room = usize::try_from(room).unwrap_or(usize::MAX);
        }
        lease.give_back();
        Ok(pools)
    }

    /// Sends a statement, once. The outer error: surely not sent.
    async fn ask(
        &self,
        question: Question<DB>,
        by: Instant,
        limit: Duration,
    ) -> Result<Result<Answer<DB>, Failure>> {
        let pool = if question.reads { &self.read } else { &self.write };
        let turn = by.min(Instant::now() + TURN);
        // What may not be known is not begun without the time that the database takes to say no.
        let turn = if question.reads { turn } else { turn.min(by.checked_sub(ANSWER).unwrap_or(turn)) };
        let lease = pool.lease(!question.reads, turn).await;
        let lease = lease.map_err(|error| while_connecting(&self.shown, error))?;
        let until = by.min(Instant::now() + limit);
        Ok(to_its_end(question.ask(lease, until, self.dialect)).await)
    }

    async fn rows(&self, sql: &Sql, values: &[Value<'_>], by: Instant) -> Result<Vec<DB::Row>> {
        let mut asked_again = false;
        loop {
            match self.ask(Question::new(sql, values, self.dialect, true), by, ANSWER).await? {
                Ok(answer) => return Ok(answer.rows),
                // No connection from before is left: the next one is new.
                Err(failure) if failure.was_dead && !asked_again => asked_again = true,
                Err(failure) => return Err(while_reading(failure.verdict, failure.error)),
            }
        }
    }
}

#[async_trait]
impl<DB: Database> Driver for Pools<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'v> &'v [u8]: Encode<'v, DB> + Type<DB>,
    for<'v> &'v str: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v [u8]>: Encode<'v, DB>,
    for<'r> Vec<u8>: Decode<'r, DB> + Type<DB>,
    for<'r> i64: Encode<'r, DB> + Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    fn durability(&self) -> Durability {
        self.durability
    }

    async fn migrate(&self, script: &Sql) -> Result<()> {
        let answer = self.ask(Question::script(script), Instant::now() + MIGRATION, MIGRATION).await?;
        answer.map(drop).map_err(|failure| while_writing(failure.verdict, failure.error))
    }

    async fn execute(&self, sql: &Sql, values: &[Value<'_>], by: Instant) -> Result<u64> {
        if values.iter().map(Value::len).sum::<usize>() > self.room {
            let message = format!("the session database takes {} bytes at once, and this is more", self.room);
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        match self.ask(Question::new(sql, values, self.dialect, false), by, ANSWER).await? {
            Ok(answer) => Ok(answer.changed),
            Err(Failure { verdict: Verdict::Taken, .. }) => Ok(0),
            Err(failure) => Err(while_writing(failure.verdict, failure.error)),
        }
    }

    async fn one(&self, sql: &Sql, values: &[Value<'_>], by: Instant) -> Result<Option<Stored>> {
        self.rows(sql, values, by).await?.first().map(row::stored::<DB>).transpose()
    }

    async fn revision(
        &self,
        sql: &Sql,
        values: &[Value<'_>],
        by: Instant,
    ) -> Result<Option<(Revision, Timestamp)>> {
        let rows = self.rows(sql, values, by).await?;
        rows.first()
            .map(|row| Ok((row::stamp::<DB>(row, 1)?.into(), row::deadline::<DB>(row, 0)?)))
            .transpose()
    }

    async fn page(&self, sql: &Sql, values: &[Value<'_>], by: Instant) -> Result<Rows> {
        let rows = self.rows(sql, values, by).await?;
        let found = |row| Some((row::id::<DB>(row)?, row::stored::<DB>(row).ok()?));
        Ok(Rows {
            last: rows.last().and_then(row::raw_id::<DB>),
            count: rows.len(),
            found: rows.iter().filter_map(found).collect(),
        })
    }

    async fn save_all(&self, sql: &SaveAll, saves: &[Save]) -> Vec<Saving> {
        // Who is in the group has waited for his turn.
        let Ok(lease) = self.write.lease(true, Instant::now() + TURN / 2).await else {
            return vec![Saving::Alone; saves.len()];
        };
        let work = Work { lease, dialect: self.dialect, until: Instant::now() + ANSWER };
        match sql {
            SaveAll::AtOnce(sql) => work.at_once(sql, saves).await,
            SaveAll::InTransaction(sql) => work.in_transaction(sql, saves).await,
        }
    }

    async fn load_all(&self, sql: &Several, loads: &[Load]) -> Vec<Loading> {
        let rows = padded(loads.iter(), |_| 0);
        let sql = sql.of(rows.len());
        let mut values: Vec<_> = rows.into_iter().map(|load| Value::Bytes(load.id.as_bytes())).collect();
        values.push(latest(loads.iter().map(|load| load.now)));
        let Ok(rows) = self.rows(&sql, &values, deadline()).await else {
            return loads.iter().map(|_| Loading::Alone).collect();
        };
        let found: HashMap<_, _> =
            rows.iter().filter_map(|row| Some((row::raw_id::<DB>(row)?, row::stored::<DB>(row)))).collect();
        let one = |load: &Load| match found.get(load.id.as_bytes()) {
            None => Loading::Found(None),
            Some(Ok(stored)) => Loading::Found(Some(stored.clone())),
            // By itself it has an error of its own.
            Some(Err(_)) => Loading::Alone,
        };
        loads.iter().map(one).collect()
    }

    fn room(&self) -> usize {
        self.room
    }

    async fn close(&self) -> Result<()> {
        let (read, write) = (self.read.close().await, self.write.close().await);
        if read && write {
            return Ok(());
        }
        let message = "the session database was closed while it still owed an answer";
        Err(Error::new(ErrorKind::Unknown, message))
    }
}
