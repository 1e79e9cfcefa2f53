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

/// For a turn on a connection, and then for another process's lock: together below core's own limit, so
/// that the answer is a sure no.
const TURN_WAIT: Duration = Duration::from_millis(2_500);
const LOCK_WAIT: Duration = Duration::from_secs(2);

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
    let (file, mode) = config.url.split_once('?').unwrap_or((&config.url, ""));
    if file.contains(":memory:") || mode.contains("mode=memory") || file.trim_end_matches('/') == "sqlite:" {
        // Each connection would have a database of its own, which goes when it goes.
        let message =
            format!("the database URL {shown:?} names no file; sessions in memory have their own engine");
        return Err(Error::new(ErrorKind::Misconfigured, message));
    }
    let options = SqliteConnectOptions::from_str(&config.url)
        .map_err(|source| {
            let message = format!("the database URL {shown:?} is no SQLite URL");
            Error::caused(ErrorKind::Misconfigured, message, source)
        })?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(if config.power_safe { SqliteSynchronous::Full } else { SqliteSynchronous::Normal })
        .busy_timeout(LOCK_WAIT);
    let options = if mode.contains("mode=") { options } else { options.create_if_missing(true) };
    let pool = |connections: u32| {
        SqlitePoolOptions::new()
            .max_connections(connections)
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
    let read = pool(config.connections).connect_lazy_with(options);
    Ok((Box::new(Pools { read, write }), DIALECT))
}
