//! SQLite: its dialect, and how its connections are set up.

use std::str::FromStr;
use std::time::Duration;

use cloakroom_core::{Error, ErrorKind, Result};
use sqlx::Sqlite;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteQueryResult, SqliteSynchronous,
};

use crate::Config;
use crate::config::redacted;
use crate::dialect::Dialect;
use crate::driver::{Database, Driver, Pools};
use crate::error::while_opening;

/// For another process's lock. Below core's own limit, so that the answer is a sure no.
const LOCK_WAIT: Duration = Duration::from_secs(3);
/// For a turn on a connection. Nothing was sent by then: a sure no as well.
const TURN_WAIT: Duration = Duration::from_secs(4);

const DIALECT: Dialect = Dialect {
    parameter: |_| "?".into(),
    unless_taken: "ON CONFLICT DO NOTHING",
    sweep: "DELETE FROM {table} WHERE id IN \
            (SELECT id FROM {table} WHERE expires_at <= ? ORDER BY expires_at LIMIT ?) AND expires_at <= ?",
    schema: &[
        "CREATE TABLE IF NOT EXISTS {table} (id BLOB NOT NULL PRIMARY KEY, payload BLOB NOT NULL, \
         expires_at INTEGER NOT NULL, owner BLOB, stamp BLOB NOT NULL)",
        "CREATE INDEX IF NOT EXISTS {table}_expires_at ON {table} (expires_at)",
        "CREATE INDEX IF NOT EXISTS {table}_owner ON {table} (owner, id) WHERE owner IS NOT NULL",
    ],
};

impl Database for Sqlite {
    fn rows_affected(result: &SqliteQueryResult) -> u64 {
        result.rows_affected()
    }
}

pub(crate) async fn connect(config: &Config) -> Result<(Box<dyn Driver>, Dialect)> {
    let shown = redacted(&config.url);
    let options = SqliteConnectOptions::from_str(&config.url)
        .map_err(|source| {
            let message = format!("the database URL {shown:?} is no SQLite URL");
            Error::caused(ErrorKind::Misconfigured, message, source)
        })?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(if config.power_safe { SqliteSynchronous::Full } else { SqliteSynchronous::Normal })
        .busy_timeout(LOCK_WAIT);
    // A database in memory lives in its one connection, and as long as that.
    let in_memory = config.url.contains(":memory:") || config.url.contains("mode=memory");
    let pool = |connections: u32| {
        SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(u32::from(in_memory))
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(TURN_WAIT)
            // A connection to a file does not go away: asking it first would double each call.
            .test_before_acquire(false)
    };
    // SQLite has one writer at a time. In line for one connection writers wait their turn; on several
    // they would wake and find the file locked, again and again.
    let write =
        pool(1).connect_with(options.clone()).await.map_err(|source| while_opening(&shown, source))?;
    let read = if in_memory { write.clone() } else { pool(config.connections).connect_lazy_with(options) };
    Ok((Box::new(Pools { read, write }), DIALECT))
}
