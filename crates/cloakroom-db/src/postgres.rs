//! PostgreSQL: its dialect, and how its connections are set up.

use std::fmt::Write;
use std::str::FromStr;

use cloakroom_core::{Durability, Result};
use sqlx::Postgres;
use sqlx::error::DatabaseError;
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgQueryResult, PgSeverity};

use crate::Config;
use crate::config::{not_a_url, only_known_options, redacted};
use crate::dialect::{Dialect, Django};
use crate::driver::{Database, Driver, Pools, Value};
use crate::error::{NO_RIGHT, NO_TABLE, OTHER_TABLE, STALE, Verdict};
use crate::pool::Pool;

pub(crate) const DIALECT: Dialect = Dialect {
    parameter: |n| format!("${n}"),
    literal: None,
    unless_taken: "ON CONFLICT DO NOTHING",
    save_all: Some(
        "WITH asked (new_payload, new_end, new_owner, new_stamp, which, seen) AS (VALUES {each}), \
         mine AS (SELECT asked.* FROM asked JOIN {table} ON id = which AND stamp = seen \
         FOR UPDATE OF {table} SKIP LOCKED) \
         UPDATE {table} SET payload = new_payload, expires_at = new_end, owner = new_owner, stamp = new_stamp \
         FROM mine WHERE id = which AND stamp = seen AND {its_end} > ? RETURNING id",
    ),
    leaders: (3, 2),
    its_end: "expires_at",
    // A row that somebody is writing is passed over, so that sweeps neither wait nor meet in a deadlock.
    // The array makes the inner query run once: in a join it may run again and find others.
    sweep: "DELETE FROM {table} WHERE {id} = ANY (ARRAY(\
            SELECT {id} FROM {table} WHERE {end} <= {moment} ORDER BY {end} LIMIT ? FOR UPDATE SKIP LOCKED\
            )) AND {end} <= {moment}",
    // One message is one transaction, whose turn may take a while. IF NOT EXISTS alone fails when two make the table at once, and wants
    // the right to make tables even where there is nothing to make.
    schema: "SET LOCAL statement_timeout = '25s'; SELECT pg_advisory_xact_lock(1128222017); \
             DO $$ BEGIN IF to_regclass('{table}') IS NULL THEN \
             CREATE TABLE {table} (id BYTEA NOT NULL PRIMARY KEY, payload BYTEA NOT NULL, \
             expires_at BIGINT NOT NULL, owner BYTEA, stamp BYTEA NOT NULL); \
             CREATE INDEX {table}_expires_at ON {table} (expires_at); \
             CREATE INDEX {table}_owner ON {table} (owner, id) WHERE owner IS NOT NULL; \
             END IF; END $$",
    django: Django {
        moment: "(TIMESTAMPTZ '1970-01-01 00:00:00+00' + ?::BIGINT * INTERVAL '1 millisecond')",
        its_end: "expire_date",
        // A date can be infinity.
        ends: "FLOOR(EXTRACT(EPOCH FROM LEAST(expire_date, TIMESTAMPTZ '9999-12-31 23:59:59.999+00')) * 1000)::BIGINT",
        data: "convert_to(session_data, 'UTF8')",
        key: "convert_to(session_key, 'UTF8')",
        nobodys: "NULL::BYTEA, decode(repeat('00', 16), 'hex')",
        same: "session_data = ?",
        schema: "SET LOCAL statement_timeout = '25s'; SELECT pg_advisory_xact_lock(1128222017); \
                 DO $$ BEGIN IF to_regclass('{table}') IS NULL THEN \
                 CREATE TABLE {table} (session_key varchar(40) NOT NULL PRIMARY KEY, session_data text NOT NULL, \
                 expire_date timestamp with time zone NOT NULL); \
                 CREATE INDEX {table}_session_key_c0390e0f_like ON {table} (session_key varchar_pattern_ops); \
                 CREATE INDEX {table}_expire_date_a5c62663 ON {table} (expire_date); \
                 END IF; END $$",
    },
    // What a server may have been told otherwise. A statement is given up there before its answer is given up
    // here, so that it is a sure no.
    set_up: Some("SET default_transaction_isolation = 'read committed'; SET statement_timeout = '2s'"),
    // A value may have a gigabyte, and is written in hexadecimal behind a pooler.
    facts: Some(
        "SELECT CASE WHEN current_setting('fsync') = 'on' AND current_setting('synchronous_commit') <> 'off' \
         THEN 1 ELSE 0 END::BIGINT, 400000000::BIGINT",
    ),
    verdict,
};

/// Behind a pooler that gives each transaction another connection, a statement that was prepared on one
/// would be run on another, where that name may be somebody else's statement. So nothing is prepared:
/// values are part of the text. Nor is anything set that somebody else would get.
const POOLED: Dialect =
    Dialect { parameter: |_| "?".into(), literal: Some(literal), set_up: None, ..DIALECT };

/// What a URL may ask for.
const OPTIONS: [&str; 17] = [
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];
const TOO_LARGE: &str = "PostgreSQL does not take an id, an owner or a session of this size";
const NO_STATEMENT: &str =
    "a prepared statement is gone: if there is a pooler in transaction mode, set Config::pooler";

impl Database for Postgres {
    fn rows_affected(result: &PgQueryResult) -> u64 {
        result.rows_affected()
    }
}

/// Without quotes, backslashes or anything else that a setting of the server could read otherwise.
fn literal(value: Value<'_>) -> String {
    match value {
        Value::Bytes(bytes) | Value::OptionalBytes(Some(bytes)) => {
            let mut text = String::with_capacity(2 * bytes.len() + 16);
            text += "decode('";
            for byte in bytes {
                // A String takes everything.
                let _ = write!(text, "{byte:02x}");
            }
            text + "', 'hex')"
        }
        Value::Text(text) => format!("convert_from({}, 'UTF8')", literal(Value::Bytes(text.as_bytes()))),
        // Among values of a table it has a type of its own.
        Value::OptionalBytes(None) => "NULL::BYTEA".into(),
        Value::Number(number) => number.to_string(),
    }
}

/// By <https://www.postgresql.org/docs/current/errcodes-appendix.html>. What ends a statement alone has
/// rolled it back; what ends the connection may come when the commit has been done.
fn verdict(refusal: &dyn DatabaseError) -> Verdict {
    let Some(refusal) = refusal.try_downcast_ref::<PgDatabaseError>() else { return Verdict::Unsure };
    match refusal.code() {
        "23505" => Verdict::Taken,
        "42P01" | "3F000" => Verdict::Misconfigured(NO_TABLE),
        // No such column or comparison, other types, no table but a view; a constraint of somebody else's.
        "42703" | "42883" | "42804" | "42809" | "23502" | "23514" => Verdict::Misconfigured(OTHER_TABLE),
        "42501" => Verdict::Misconfigured(NO_RIGHT),
        "28000" | "28P01" => Verdict::Misconfigured("its server refuses this user or password"),
        "3D000" => Verdict::Misconfigured("its server has no such database"),
        // Or a value that does not fit.
        code if code.starts_with("22") => Verdict::Misconfigured(OTHER_TABLE),
        code if code.starts_with("54") => Verdict::TooLarge(TOO_LARGE),
        "0A000" => Verdict::Stale(STALE),
        // Somebody else has this connection in turns with us.
        "26000" | "42P05" => Verdict::Stale(NO_STATEMENT),
        "40003" => Verdict::Unsure,
        code if code.starts_with("08") => Verdict::Unsure,
        _ if matches!(refusal.severity(), PgSeverity::Fatal | PgSeverity::Panic) => Verdict::Unsure,
        // Among them: no room (53), a deadlock or a conflict of transactions (40), a read-only server (25).
        _ => Verdict::Refused,
    }
}

pub(crate) async fn connect(config: &Config) -> Result<(Box<dyn Driver>, &'static Dialect)> {
    let dialect = if config.pooler { &POOLED } else { &DIALECT };
    only_known_options(&config.url, &OPTIONS)?;
    let options = PgConnectOptions::from_str(&config.url).map_err(|source| not_a_url(&config.url, source))?;
    // Poolers refuse settings that they do not know.
    let options = options.extra_float_digits(None);
    // The driver would look the brackets of an IPv6 address up as a part of its name.
    let host = options.get_host().trim_matches(['[', ']']).to_owned();
    let options = if options.get_socket().is_none() { options.host(&host) } else { options };
    let pool = Pool::<Postgres>::new(options, config.connections, true, dialect.set_up);
    let shown = redacted(&config.url);
    let pools = Pools::open(pool.clone(), pool, dialect, shown, Durability::Crash).await?;
    Ok((Box::new(pools), dialect))
}
