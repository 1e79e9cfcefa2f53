//! One statement, asked on one connection, and its answer.

use std::io;

use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Encode, Execute, Executor, IntoArguments, RawSql, Type};
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};

use crate::dialect::Dialect;
use crate::driver::{Database, Value};
use crate::error::Verdict;
use crate::pool::Lease;
use crate::statements::Sql;

/// A statement, and whether its rows are wanted or their number.
pub(crate) struct Question<DB: sqlx::Database> {
    statement: Statement<DB>,
    pub(crate) reads: bool,
}

enum Statement<DB: sqlx::Database> {
    Prepared(Query<'static, DB, DB::Arguments>),
    Plain(RawSql),
}

pub(crate) struct Answer<DB: sqlx::Database> {
    pub(crate) changed: u64,
    pub(crate) rows: Vec<DB::Row>,
}

/// Why there is no answer to what was sent.
pub(crate) struct Failure {
    pub(crate) error: sqlx::Error,
    pub(crate) verdict: Verdict,
    /// Perhaps only because the connection had died before.
    pub(crate) was_dead: bool,
}

impl<DB: Database> Question<DB>
where
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    DB::Arguments: IntoArguments<DB>,
{
    /// Made of this crate's own text, a table name that was checked, and literals as a dialect writes them.
    pub(crate) fn new(sql: &Sql, values: &[Value<'_>], dialect: &Dialect, reads: bool) -> Self
    where
        for<'v> &'v [u8]: Encode<'v, DB> + Type<DB>,
        for<'v> &'v str: Encode<'v, DB> + Type<DB>,
        for<'v> Option<&'v [u8]>: Encode<'v, DB>,
        for<'r> i64: Encode<'r, DB> + Type<DB>,
    {
        let statement = match dialect.literal {
            None => Statement::Prepared(bound(sql, values)),
            Some(literal) => Statement::Plain(sqlx::raw_sql(AssertSqlSafe(written(sql, values, literal)))),
        };
        Self { statement, reads }
    }

    /// Several statements without values, divided by semicolons.
    pub(crate) fn script(sql: &Sql) -> Self {
        Self { statement: Statement::Plain(sqlx::raw_sql(AssertSqlSafe(sql.clone()))), reads: false }
    }

    /// Asks. The connection is given back only if it is as good as before.
    pub(crate) async fn ask(
        self,
        mut lease: Lease<DB>,
        until: Instant,
        dialect: &'static Dialect,
    ) -> Result<Answer<DB>, Failure> {
        let error = match self.put_to(&mut lease.connection, until).await {
            Ok(Ok(answer)) => {
                lease.give_back();
                return Ok(answer);
            }
            Ok(Err(error)) => error,
            // Its answer may still come: the connection is of no more use.
            Err(_) => return Err(Failure { error: late(), verdict: Verdict::Unsure, was_dead: false }),
        };
        let verdict = dialect.judge(&error);
        let was_dead = verdict.ends_connection() && lease.reused;
        if verdict.ends_connection() {
            lease.bury();
        } else {
            lease.give_back();
        }
        Err(Failure { error, verdict, was_dead })
    }

    /// Asks on a connection, and waits for the answer until `until`.
    pub(crate) async fn put_to(
        self,
        connection: &mut DB::Connection,
        until: Instant,
    ) -> Result<sqlx::Result<Answer<DB>>, Elapsed> {
        match self.statement {
            Statement::Prepared(query) => timeout_at(until, run(connection, query, self.reads)).await,
            Statement::Plain(script) => timeout_at(until, run(connection, script, self.reads)).await,
        }
    }
}

pub(crate) fn late() -> sqlx::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the database did not answer in time").into()
}

async fn run<'c, DB: Database>(
    connection: &'c mut DB::Connection,
    statement: impl Execute<'static, DB> + 'static,
    reads: bool,
) -> sqlx::Result<Answer<DB>>
where
    &'c mut DB::Connection: Executor<'c, Database = DB>,
{
    if reads {
        return Ok(Answer { changed: 0, rows: connection.fetch_all(statement).await? });
    }
    let done = connection.execute(statement).await?;
    Ok(Answer { changed: DB::rows_affected(&done), rows: Vec::new() })
}

fn bound<DB: Database>(sql: &Sql, values: &[Value<'_>]) -> Query<'static, DB, DB::Arguments>
where
    for<'v> &'v [u8]: Encode<'v, DB> + Type<DB>,
    for<'v> &'v str: Encode<'v, DB> + Type<DB>,
    for<'v> Option<&'v [u8]>: Encode<'v, DB>,
    for<'r> i64: Encode<'r, DB> + Type<DB>,
{
    let query = sqlx::query(AssertSqlSafe(sql.clone()));
    values.iter().fold(query, |query, value| match *value {
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Text(text) => query.bind(text),
        Value::OptionalBytes(bytes) => query.bind(bytes),
        Value::Number(number) => query.bind(number),
    })
}

/// The statement with its values in it.
fn written(sql: &str, values: &[Value<'_>], literal: fn(Value<'_>) -> String) -> String {
    let mut parts = sql.split('?');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for (part, value) in parts.zip(values) {
        text += &literal(*value);
        text += part;
    }
    text
}
