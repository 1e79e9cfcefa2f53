//! SQLite: its dialect, and how its connections are set up.

use std::fs::OpenOptions;
use std::str::FromStr;
use std::time::Duration;

use cloakroom_core::{Durability, Error, ErrorKind, Result};
use sqlx::Sqlite;
use sqlx::error::DatabaseError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteQueryResult, SqliteSynchronous};
use tokio::time::{Instant, sleep};

use crate::Config;
use crate::config::{not_a_url, redacted};
use crate::dialect::{Dialect, Django};
use crate::driver::{Database, Driver, Pools};
use crate::error::{NO_RIGHT, NO_TABLE, OTHER_TABLE, STALE, Verdict};
use crate::pool::Pool;

/// For another process's lock: less than a statement's answer is waited for, so that it is a sure no.
const LOCK_WAIT: Duration = Duration::from_secs(2);
/// Before a file that was locked is opened again.
const PAUSE: Duration = Duration::from_millis(10);

pub(crate) const DIALECT: Dialect = Dialect {
    parameter: |_| "?".into(),
    literal: None,
    unless_taken: "ON CONFLICT DO NOTHING",
    // It has one writer at a time, and no locks of rows.
    save_all: Some(
        "WITH asked (new_payload, new_end, new_owner, new_stamp, which, seen) AS (VALUES {each}) \
         UPDATE {table} SET payload = new_payload, expires_at = new_end, owner = new_owner, stamp = new_stamp \
         FROM asked WHERE id = which AND stamp = seen AND {its_end} > ? RETURNING id",
    ),
    leaders: (2, 1),
    its_end: "expires_at",
    sweep: "DELETE FROM {table} WHERE {id} IN \
            (SELECT {id} FROM {table} WHERE {end} <= {moment} ORDER BY {end} LIMIT ?) AND {end} <= {moment}",
    schema: "CREATE TABLE IF NOT EXISTS {table} (id BLOB NOT NULL PRIMARY KEY, payload BLOB NOT NULL, \
             expires_at INTEGER NOT NULL, owner BLOB, stamp BLOB NOT NULL); \
             CREATE INDEX IF NOT EXISTS {table}_expires_at ON {table} (expires_at); \
             CREATE INDEX IF NOT EXISTS {table}_owner ON {table} (owner, id) WHERE owner IS NOT NULL",
    django: Django {
        // As Django writes it: without a fraction where that is zero, else with six digits.
        moment: "(SELECT strftime('%Y-%m-%d %H:%M:%S', ms / 1000, 'unixepoch') || \
                 CASE ms % 1000 WHEN 0 THEN '' ELSE printf('.%03d000', ms % 1000) END FROM (SELECT ? AS ms))",
        its_end: "expire_date",
        ends: "unixepoch(substr(expire_date, 1, 19)) * 1000 + CAST(substr(expire_date || '000', 21, 3) AS INTEGER)",
        data: "session_data",
        key: "session_key",
        nobodys: "NULL, zeroblob(16)",
        same: "session_data = ?",
        schema: "CREATE TABLE IF NOT EXISTS {table} (session_key varchar(40) NOT NULL PRIMARY KEY, \
                 session_data text NOT NULL, expire_date datetime NOT NULL); \
                 CREATE INDEX IF NOT EXISTS {table}_expire_date_a5c62663 ON {table} (expire_date)",
    },
    set_up: None,
    facts: None,
    verdict,
};

impl Database for Sqlite {
    fn rows_affected(result: &SqliteQueryResult) -> u64 {
        result.rows_affected()
    }
}

/// By <https://sqlite.org/rescode.html>.
fn verdict(refusal: &dyn DatabaseError) -> Verdict {
    let code: u32 = refusal.code().and_then(|code| code.parse().ok()).unwrap_or(0);
    let message = refusal.message();
    match (code & 0xff, code) {
        // SQLITE_CONSTRAINT_PRIMARYKEY
        (_, 1555) => Verdict::Taken,
        // SQLITE_CONSTRAINT_CHECK, SQLITE_CONSTRAINT_NOTNULL
        (_, 275 | 1299) => Verdict::Misconfigured(OTHER_TABLE),
        (1, _) if message.starts_with("no such table") => Verdict::Misconfigured(NO_TABLE),
        (1, _) if message.contains("column") => Verdict::Misconfigured(OTHER_TABLE),
        // SQLITE_PERM, SQLITE_AUTH
        (3 | 23, _) => Verdict::Misconfigured(NO_RIGHT),
        // SQLITE_SCHEMA
        (17, _) => Verdict::Stale(STALE),
        // SQLITE_IOERR: it may have failed after the write had reached the log.
        (10, _) => Verdict::Unsure,
        // SQLITE_CANTOPEN, SQLITE_NOTADB
        (14, _) => Verdict::Misconfigured("its file can't be opened"),
        (26, _) => Verdict::Misconfigured("its file is no database"),
        // SQLITE_TOOBIG
        (18, _) => Verdict::TooLarge("SQLite does not take a session of this size"),
        _ => Verdict::Refused,
    }
}

/// With the file made if it is missing: a new one is nobody else's on this host to read. What SQLite keeps beside it has its mode.
fn made(options: SqliteConnectOptions) -> SqliteConnectOptions {
    let mut new = OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    // Where it is there, or can't be made, SQLite sees that, too.
    let _ = new.open(options.get_filename());
    options.create_if_missing(true)
}

pub(crate) async fn connect(config: &Config) -> Result<(Box<dyn Driver>, &'static Dialect)> {
    let shown = redacted(&config.url);
    let (file, mode) = config.url.split_once('?').unwrap_or((&config.url, ""));
    if file.contains(":memory:") || mode.contains("mode=memory") || file.trim_end_matches('/') == "sqlite:" {
        // Each connection would have a database of its own, which goes when it goes.
        let message =
            format!("the database URL {shown:?} names no file; sessions in memory have their own engine");
        return Err(Error::new(ErrorKind::Misconfigured, message));
    }
    let (synchronous, durability) = if config.power_safe {
        (SqliteSynchronous::Full, Durability::PowerCut)
    } else {
        (SqliteSynchronous::Normal, Durability::Crash)
    };
    let options = SqliteConnectOptions::from_str(&config.url)
        .map_err(|source| not_a_url(&config.url, source))?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(synchronous)
        .busy_timeout(LOCK_WAIT);
    let options = if mode.contains("mode=") { options } else { made(options) };
    // SQLite has one writer at a time. In line for one connection writers wait their turn; on several
    // they would wake and find the file locked, again and again.
    let by = Instant::now() + LOCK_WAIT;
    loop {
        let write = Pool::new(options.clone(), 1, false, DIALECT.set_up);
        let read = Pool::<Sqlite>::new(options.clone(), config.connections, false, DIALECT.set_up);
        match Pools::open(read, write, &DIALECT, shown.clone(), durability).await {
            // Of processes that start at once on a new file one makes it a log, and SQLite tells the others at once
            // that it is locked: for that it does not wait.
            Err(error) if error.kind() == ErrorKind::Unavailable && Instant::now() < by => sleep(PAUSE).await,
            opened => return Ok((Box::new(opened?), &DIALECT)),
        }
    }
}
