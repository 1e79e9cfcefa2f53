//! MySQL and MariaDB: their dialect, and how their connections are set up.

use std::str::FromStr;

use cloakroom_core::{Durability, Result};
use sqlx::MySql;
use sqlx::error::DatabaseError;
use sqlx::mysql::{MySqlConnectOptions, MySqlDatabaseError, MySqlQueryResult};

use crate::Config;
use crate::config::{not_a_url, only_known_options, redacted};
use crate::dialect::{Dialect, Django};
use crate::driver::{Database, Driver, Pools};
use crate::error::{NO_RIGHT, NO_TABLE, OTHER_TABLE, STALE, Verdict};
use crate::pool::Pool;

pub(crate) const DIALECT: Dialect = Dialect {
    parameter: |_| "?".into(),
    literal: None,
    // ON DUPLICATE KEY UPDATE answers 1 both ways, and IGNORE cuts what is too long. So a taken id is
    // an error, and read as that.
    unless_taken: "",
    save_all: None,
    leaders: (3, 3),
    // In a small table an index of deadlines looks as good as the primary key, and a row whose deadline another writer is moving
    // would be missed there.
    its_end: "expires_at + 0",
    // A row that somebody is writing is passed over: a sweep that waited for it could hold what its writer
    // wants next. The inner query comes first and the primary key then, or others' rows would be waited for.
    sweep: "DELETE {table} FROM (SELECT {id} FROM {table} WHERE {end} <= {moment} ORDER BY {end} LIMIT ? \
            FOR UPDATE SKIP LOCKED) AS due STRAIGHT_JOIN {table} FORCE INDEX (PRIMARY) \
            ON {table}.{id} = due.{id} WHERE {table}.{end} <= {moment}",
    schema: "CREATE TABLE IF NOT EXISTS {table} (id VARBINARY(255) NOT NULL PRIMARY KEY, \
             payload LONGBLOB NOT NULL, expires_at BIGINT NOT NULL, owner VARBINARY(255), \
             stamp VARBINARY(16) NOT NULL, INDEX {table}_expires_at (expires_at), \
             INDEX {table}_owner (owner, id)) ENGINE=InnoDB",
    django: Django {
        moment: "(TIMESTAMP'1970-01-01 00:00:00' + INTERVAL ? * 1000 MICROSECOND)",
        its_end: "expire_date + INTERVAL 0 SECOND",
        ends: "CAST(TIMESTAMPDIFF(MICROSECOND, TIMESTAMP'1970-01-01 00:00:00', expire_date) DIV 1000 AS SIGNED)",
        data: "CAST(session_data AS BINARY)",
        key: "CAST(session_key AS BINARY)",
        nobodys: "NULL, CAST(REPEAT(CHAR(0), 16) AS BINARY(16))",
        // By the column's collation letters of either case would be the same.
        same: "CAST(session_data AS BINARY) = ?",
        schema: "CREATE TABLE IF NOT EXISTS {table} (session_key varchar(40) NOT NULL PRIMARY KEY, \
                 session_data longtext NOT NULL, expire_date datetime(6) NOT NULL, \
                 INDEX {table}_expire_date_a5c62663 (expire_date)) ENGINE=InnoDB",
    },
    // What a server may have been told otherwise: to cut what is too long, to take another kind of table,
    // to wait for a COMMIT that never comes. READ COMMITTED locks no gaps between rows. For a lock, less is
    // waited than for a statement's answer, so that it is a sure no.
    set_up: Some(
        "SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'), \
         SESSION autocommit = 1, SESSION wait_timeout = 240, \
         SESSION innodb_lock_wait_timeout = 2, SESSION lock_wait_timeout = 2; \
         SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    ),
    // Some of a packet is not values.
    facts: Some(
        "SELECT CAST(@@innodb_flush_log_at_trx_commit = 1 AS SIGNED), \
         CAST(@@max_allowed_packet AS SIGNED) - 1024",
    ),
    verdict,
};

/// What a URL may ask for.
const OPTIONS: [&str; 9] =
    ["sslmode", "ssl-mode", "sslca", "ssl-ca", "sslcert", "ssl-cert", "sslkey", "ssl-key", "socket"];
const TOO_LONG: &str = "MySQL and MariaDB keep ids and owners of up to 255 bytes";
const TOO_LARGE: &str = "the session database does not take a session of this size: see max_allowed_packet";
const TOO_OLD: &str = "its server is too old: it must be MySQL 8.0, MariaDB 10.6 or newer";
const BINLOG: &str = "its server's binlog_format is STATEMENT: it must be MIXED or ROW";

impl Database for MySql {
    fn rows_affected(result: &MySqlQueryResult) -> u64 {
        result.rows_affected()
    }
}

/// By <https://dev.mysql.com/doc/mysql-errors/8.0/en/server-error-reference.html> and
/// <https://mariadb.com/kb/en/mariadb-error-code-reference/>.
fn verdict(refusal: &dyn DatabaseError) -> Verdict {
    let Some(refusal) = refusal.try_downcast_ref::<MySqlDatabaseError>() else { return Verdict::Unsure };
    match refusal.number() {
        1062 => Verdict::Taken,
        1146 => Verdict::Misconfigured(NO_TABLE),
        // No such column, one that must have a value, one of another type.
        1048 | 1054 | 1264 | 1265 | 1292 | 1364 | 1366 | 4025 | 3819 => Verdict::Misconfigured(OTHER_TABLE),
        1142 | 1143 | 1227 => Verdict::Misconfigured(NO_RIGHT),
        1045 | 1130 | 1698 => Verdict::Misconfigured("its server refuses this user or password"),
        // Only SKIP LOCKED is newer than SQL.
        1064 => Verdict::Misconfigured(TOO_OLD),
        1044 | 1049 => Verdict::Misconfigured("its server has no such database for this user"),
        1665 => Verdict::Misconfigured(BINLOG),
        1406 => Verdict::TooLarge(TOO_LONG),
        1118 | 1153 | 1301 => Verdict::TooLarge(TOO_LARGE),
        // Unknown statement, or one that must be prepared anew; the server has hung up on a silent client.
        1243 | 1615 | 4031 => Verdict::Stale(STALE),
        // The server is going down, the connection was killed or broke, a commit has failed.
        1053 | 1077..=1079 | 1152 | 1158..=1161 | 1180 | 1184 | 1317 | 1927 | 3169 => Verdict::Unsure,
        // Among them: no room (1021, 1114), a deadlock or a lock held too long (1213, 1205), a read-only
        // server (1290, 1836).
        _ => Verdict::Refused,
    }
}

pub(crate) async fn connect(config: &Config) -> Result<(Box<dyn Driver>, &'static Dialect)> {
    only_known_options(&config.url, &OPTIONS)?;
    let options =
        MySqlConnectOptions::from_str(&config.url).map_err(|source| not_a_url(&config.url, source))?;
    // sqlx's own set-up is for types and texts that are not used here.
    let options =
        options.pipes_as_concat(false).no_engine_substitution(false).timezone(None).set_names(false);
    // The driver would look the brackets of an IPv6 address up as a part of its name.
    let host = options.get_host().trim_matches(['[', ']']).to_owned();
    let options = if options.get_socket().is_none() { options.host(&host) } else { options };
    let pool = Pool::<MySql>::new(options, config.connections, true, DIALECT.set_up);
    let shown = redacted(&config.url);
    let pools = Pools::open(pool.clone(), pool, &DIALECT, shown, Durability::Crash).await?;
    Ok((Box::new(pools), &DIALECT))
}
