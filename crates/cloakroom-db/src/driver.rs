//! Runs statements on a pool of any database that sqlx knows: the one place that is generic over it.

use async_trait::async_trait;
use bytes::Bytes;
use cloakroom_core::{Record, Result, Revision, SessionId, Stamp, Stored, Timestamp};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, Encode, Executor, IntoArguments, Pool, Row, Type};

use crate::error::{foreign, while_reading, while_writing};
use crate::statements::Sql;

/// A parameter.
#[derive(Clone, Copy)]
pub(crate) enum Value<'v> {
    Bytes(&'v [u8]),
    OptionalBytes(Option<&'v [u8]>),
    Number(i64),
}

/// A database, whichever it is.
#[async_trait]
pub(crate) trait Driver: Send + Sync {
    /// Runs a statement that changes something, and says how many rows it changed.
    async fn execute(&self, sql: &Sql, values: &[Value<'_>]) -> Result<u64>;

    /// The record that a query of payload, deadline, owner and stamp finds.
    async fn one(&self, sql: &Sql, values: &[Value<'_>]) -> Result<Option<Stored>>;

    /// The revision and the deadline that a query of deadline and stamp finds.
    async fn revision(&self, sql: &Sql, values: &[Value<'_>]) -> Result<Option<(Revision, Timestamp)>>;

    /// The records that such a query finds, each with its id behind the rest. A row that this library
    /// has not written is left out: it is nobody's session, and must not hide the others.
    async fn page(&self, sql: &Sql, values: &[Value<'_>]) -> Result<Vec<(SessionId, Stored)>>;

    async fn close(&self);
}

/// What sqlx has no trait for.
pub(crate) trait Database: sqlx::Database {
    fn rows_affected(result: &Self::QueryResult) -> u64;
}

/// Connections for reading and for writing; the same ones, where a database needs no difference.
pub(crate) struct Pools<DB: sqlx::Database> {
    pub(crate) read: Pool<DB>,
    pub(crate) write: Pool<DB>,
}

#[async_trait]
impl<DB: Database> Driver for Pools<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
    for<'v> &'v [u8]: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v [u8]>: Encode<'v, DB>,
    for<'r> Vec<u8>: Encode<'r, DB> + Decode<'r, DB> + Type<DB>,
    for<'r> i64: Encode<'r, DB> + Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    async fn execute(&self, sql: &Sql, values: &[Value<'_>]) -> Result<u64> {
        let done = bound::<DB>(sql, values).execute(&self.write).await;
        done.map(|result| DB::rows_affected(&result)).map_err(while_writing)
    }

    async fn one(&self, sql: &Sql, values: &[Value<'_>]) -> Result<Option<Stored>> {
        let row = bound::<DB>(sql, values).fetch_optional(&self.read).await.map_err(while_reading)?;
        row.as_ref().map(stored::<DB>).transpose()
    }

    async fn revision(&self, sql: &Sql, values: &[Value<'_>]) -> Result<Option<(Revision, Timestamp)>> {
        let row = bound::<DB>(sql, values).fetch_optional(&self.read).await.map_err(while_reading)?;
        row.map(|row| Ok((stamp::<DB>(&row, 1)?.into(), deadline::<DB>(&row, 0)?))).transpose()
    }

    async fn page(&self, sql: &Sql, values: &[Value<'_>]) -> Result<Vec<(SessionId, Stored)>> {
        let rows = bound::<DB>(sql, values).fetch_all(&self.read).await.map_err(while_reading)?;
        Ok(rows.iter().filter_map(|row| Some((id::<DB>(row)?, stored::<DB>(row).ok()?))).collect())
    }

    async fn close(&self) {
        self.read.close().await;
        self.write.close().await;
    }
}

fn bound<'q, DB: Database>(sql: &Sql, values: &[Value<'q>]) -> Query<'q, DB, DB::Arguments>
where
    for<'v> &'v [u8]: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v [u8]>: Encode<'v, DB>,
    for<'r> i64: Encode<'r, DB> + Type<DB>,
{
    // Made of this crate's own text and a table name that was checked.
    let query = sqlx::query(AssertSqlSafe(sql.clone()));
    values.iter().fold(query, |query, value| match *value {
        Value::Bytes(bytes) => query.bind(bytes),
        Value::OptionalBytes(bytes) => query.bind(bytes),
        Value::Number(number) => query.bind(number),
    })
}

/// A row of payload, deadline, owner and stamp.
fn stored<DB: Database>(row: &DB::Row) -> Result<Stored>
where
    for<'r> Vec<u8>: Decode<'r, DB> + Type<DB>,
    for<'r> i64: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let payload: Vec<u8> = row.try_get(0).map_err(while_reading)?;
    let owner: Option<Vec<u8>> = row.try_get(2).map_err(while_reading)?;
    let record = Record::new(
        Bytes::from(payload),
        deadline::<DB>(row, 1)?,
        owner.map(String::from_utf8).transpose().map_err(|_| foreign())?,
        stamp::<DB>(row, 3)?,
    );
    Ok(Stored::stamped(record))
}

fn deadline<DB: Database>(row: &DB::Row, column: usize) -> Result<Timestamp>
where
    for<'r> i64: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let millis: i64 = row.try_get(column).map_err(while_reading)?;
    Ok(Timestamp::from_millis(u64::try_from(millis).map_err(|_| foreign())?))
}

fn stamp<DB: Database>(row: &DB::Row, column: usize) -> Result<Stamp>
where
    for<'r> Vec<u8>: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let stamp: Vec<u8> = row.try_get(column).map_err(while_reading)?;
    Ok(Stamp::from_bytes(stamp.try_into().map_err(|_| foreign())?))
}

/// The id behind them.
fn id<DB: Database>(row: &DB::Row) -> Option<SessionId>
where
    for<'r> Vec<u8>: Decode<'r, DB> + Type<DB>,
    usize: ColumnIndex<DB::Row>,
{
    let id: Vec<u8> = row.try_get(4).ok()?;
    SessionId::parse(std::str::from_utf8(&id).ok()?)
}
