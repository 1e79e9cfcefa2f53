//! A table of sessions, without an engine: statements as anybody would write them.

use std::sync::Arc;

use cloakroom_contest::Result;
use cloakroom_core::{Clock as _, SystemClock};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Encode, MySqlPool, PgPool, Row as _, SqlitePool, Type};

/// Connections to one of the databases.
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    MySql(MySqlPool),
}

/// A value in a statement.
#[derive(Clone, Copy)]
pub(crate) enum Value<'v> {
    Bytes(&'v [u8]),
    Number(i64),
}

/// The table of this name.
pub(crate) struct Table {
    pub(crate) pool: Pool,
    pub(crate) name: String,
    pub(crate) size: usize,
}

/// One statement, as its database reads it.
pub(crate) type Sql = Arc<str>;

impl Table {
    /// A statement in which `?` stands for a value and `{table}` for the table.
    pub(crate) fn statement(&self, text: &str) -> Sql {
        let named = text.replace("{table}", &self.name);
        let Pool::Postgres(_) = self.pool else { return named.into() };
        let mut parts = named.split('?');
        let first = parts.next().unwrap_or_default().to_owned();
        parts.enumerate().fold(first, |sql, (number, part)| format!("{sql}${}{part}", number + 1)).into()
    }

    /// How many rows it has changed.
    pub(crate) async fn execute(&self, sql: &Sql, values: &[Value<'_>]) -> Result<u64> {
        Ok(match &self.pool {
            Pool::Sqlite(pool) => bound(sql, values).execute(pool).await?.rows_affected(),
            Pool::Postgres(pool) => bound(sql, values).execute(pool).await?.rows_affected(),
            Pool::MySql(pool) => bound(sql, values).execute(pool).await?.rows_affected(),
        })
    }

    /// The first column of the row that it finds.
    pub(crate) async fn payload(&self, sql: &Sql, values: &[Value<'_>]) -> Result<Vec<u8>> {
        Ok(match &self.pool {
            Pool::Sqlite(pool) => bound(sql, values).fetch_one(pool).await?.try_get(0)?,
            Pool::Postgres(pool) => bound(sql, values).fetch_one(pool).await?.try_get(0)?,
            Pool::MySql(pool) => bound(sql, values).fetch_one(pool).await?.try_get(0)?,
        })
    }

    async fn number(&self, text: &str) -> Result<i64> {
        let sql = self.statement(text);
        Ok(match &self.pool {
            Pool::Sqlite(pool) => bound(&sql, &[]).fetch_one(pool).await?.try_get(0)?,
            Pool::Postgres(pool) => bound(&sql, &[]).fetch_one(pool).await?.try_get(0)?,
            Pool::MySql(pool) => bound(&sql, &[]).fetch_one(pool).await?.try_get(0)?,
        })
    }

    /// How much it takes, with its indexes.
    #[expect(clippy::cast_precision_loss, reason = "nobody stores that much")]
    pub(crate) async fn bytes(&self) -> Result<f64> {
        let bytes = match &self.pool {
            Pool::Sqlite(pool) => {
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(pool).await?;
                let pages =
                    self.number("PRAGMA page_count").await? - self.number("PRAGMA freelist_count").await?;
                pages * self.number("PRAGMA page_size").await?
            }
            Pool::Postgres(pool) => {
                // Connections that wait for each other take several pages at once, of which many stay empty.
                sqlx::raw_sql(AssertSqlSafe(self.statement("VACUUM (FULL, ANALYZE) {table}")))
                    .execute(pool)
                    .await?;
                self.number("SELECT pg_total_relation_size('{table}')").await?
            }
            Pool::MySql(pool) => {
                let analyze = self.statement("ANALYZE TABLE {table}");
                sqlx::raw_sql(AssertSqlSafe(analyze)).execute(pool).await?;
                self.number(
                    "SELECT CAST(data_length + index_length AS SIGNED) FROM information_schema.tables \
                     WHERE table_schema = DATABASE() AND table_name = '{table}'",
                )
                .await?
            }
        };
        Ok(bytes as f64)
    }

    /// Puts rows of the first numbers there, to end at `ends` in milliseconds.
    pub(crate) async fn grow(&self, number: u64, ends: u64) -> Result {
        self.give_room().await?;
        for first in (0..number).step_by(usize::try_from(STRETCH)?) {
            self.fill(first, STRETCH.min(number - first), ends).await?;
        }
        Ok(())
    }

    /// Gives a server the memory that its owner would give it for so many: MariaDB's, which ours begin with 32 MB of. PostgreSQL reads
    /// through the system's cache, and can't be given more while it runs.
    async fn give_room(&self) -> Result {
        const POOL: u64 = 4 << 30;
        const LOG: u64 = 1 << 30;
        if let Pool::MySql(_) = self.pool {
            for (room, bytes) in [("innodb_buffer_pool_size", POOL), ("innodb_log_file_size", LOG)] {
                self.execute(&format!("SET GLOBAL {room} = {bytes}").into(), &[]).await?;
            }
        }
        Ok(())
    }

    /// Puts the rows of these numbers there, in an order that is none, to end at `ends` in milliseconds.
    async fn fill(&self, first: u64, number: u64, ends: u64) -> Result {
        let last = first + number - 1;
        let size = self.size;
        let from = match &self.pool {
            Pool::Sqlite(_) => format!(
                "WITH RECURSIVE n(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM n WHERE i < {last}) \
                 SELECT zeroblob({size}), {ends}, NULL, zeroblob(16), \
                 CAST(printf('%08x%017x', (i * {SPREAD}) % 4294967296, i) AS BLOB) FROM n"
            ),
            Pool::Postgres(_) => format!(
                "SELECT convert_to(repeat('x', {size}), 'UTF8'), {ends}, NULL, decode(repeat('00', 16), 'hex'), \
                 convert_to(lpad(to_hex((i * {SPREAD}) % 4294967296), 8, '0') || lpad(to_hex(i), 17, '0'), 'UTF8') \
                 FROM generate_series({first}::BIGINT, {last}) AS n(i)"
            ),
            Pool::MySql(_) => format!(
                "SELECT REPEAT('x', {size}), {ends}, NULL, REPEAT(CHAR(0), 16), \
                 CONCAT(LPAD(LOWER(HEX((seq * {SPREAD}) % 4294967296)), 8, '0'), LPAD(LOWER(HEX(seq)), 17, '0')) \
                 FROM seq_{first}_to_{last}"
            ),
        };
        let insert = format!("INSERT INTO {{table}} (payload, expires_at, owner, stamp, id) {from}");
        let filled = self.execute(&self.statement(&insert), &[]).await?;
        if filled == number { Ok(()) } else { Err(format!("{filled} rows of {number} are there").into()) }
    }

    /// Puts rows there that have expired two hours ago, and others that live as long.
    pub(crate) async fn crowd(&self, expired: u64, living: u64) -> Result {
        const FIRST: u64 = 1 << 31;
        let (now, span) = (SystemClock.now().millis(), 2 * 3_600_000);
        self.fill(FIRST, expired, now - span).await?;
        self.fill(FIRST + expired, living, now + span).await
    }
}

/// How many rows are put there by one statement.
const STRETCH: u64 = 250_000;

/// Odd, so that no two numbers below 2³² meet when they are multiplied by it.
const SPREAD: u64 = 2_654_435_761;

/// The id of a row that was filled in.
pub(crate) fn filled_id(number: u64) -> String {
    format!("{:08x}{number:017x}", number.wrapping_mul(SPREAD) % (1 << 32))
}

fn bound<DB: sqlx::Database>(sql: &Sql, values: &[Value<'_>]) -> Query<'static, DB, DB::Arguments>
where
    for<'v> &'v [u8]: Encode<'v, DB> + Type<DB>,
    for<'r> i64: Encode<'r, DB> + Type<DB>,
{
    let query = sqlx::query(AssertSqlSafe(sql.clone()));
    values.iter().fold(query, |query, value| match *value {
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Number(number) => query.bind(number),
    })
}
