#![doc = include_str!("../README.md")]
//!
//! All SQL is written once, in `statements`; what databases do differently is in a `dialect` each; one
//! generic `driver` runs it on connections to any of them, which a `pool` keeps. `tests/statements.txt`
//! shows what is sent, side by side.
//!
//! # What it promises
//!
//! - A load, a create, a save that nobody else has been faster than, a touch, a rotation and a delete are
//!   one flight to the server and back each, once their statement has been prepared on the connection. Who
//!   was too late asks what is there: one more, two for a rotation.
//! - Saves and loads that arrive while others are under way are made together, up to 64 at once; one that comes
//!   alone is sent at once. A row that somebody else is writing is passed over by a group, and what a group has surely not
//!   stored is tried by itself. If nobody knows, each save in question is `Unknown`, and is not sent again.
//! - A call ends within 4.8 seconds: up to 2.4 for its turn, up to 2.4 for a connection, and what is left, up to
//!   2.4, for an answer. A lock that somebody
//!   else holds is waited for, for 2 seconds, and is a sure no then.
//! - An error is `Unavailable` only if surely nothing was written: the database said so, or nothing had been
//!   sent. A write whose answer got lost is `Unknown`; sent again, it is recognised.
//! - A server that was restarted is found again. A read that meets a dead connection asks again on a new one;
//!   a write asks first if a connection has been silent for a second, and is never repeated.
//! - A call that is dropped is finished behind the scenes: no connection gives the next one the wrong answer.
//! - No statement, error or log shows an id, an owner or a payload. (PostgreSQL's own log shows the id that
//!   a rotation found taken.)
//!
//! # SQLite
//!
//! The file is put into WAL mode: readers never wait for a writer. Writers of one process take turns
//! on one connection; writers of other processes are waited for, for 2 seconds. An acknowledged write
//! survives the death of the process, and with [`Config::power_safe`] a power cut.
//!
//! # PostgreSQL
//!
//! Version 13 or newer. What an acknowledged write survives is up to the server, which by its defaults
//! (`fsync`, `synchronous_commit`) is a power cut; a replica that takes over may lack what it had not been
//! sent. Behind PgBouncer in transaction mode set [`Config::pooler`]; `bytea_output` must be `hex` there,
//! its default. Without it a connection is set to READ COMMITTED and a `statement_timeout` of 2 seconds.
//!
//! # MySQL and MariaDB
//!
//! MySQL 8.0, MariaDB 10.6 or newer. What an acknowledged write survives is up to the server, which by its
//! defaults (`innodb_flush_log_at_trx_commit`) is a power cut. Each connection is set to strict mode,
//! autocommit and READ COMMITTED, so `binlog_format` must not be STATEMENT. If this process is cut off in the middle of a
//! group's transaction, the up to 64 sessions of it can be read, but not saved or ended, until the server gives the connection
//! up, after 5 seconds. Ids and owners have up to 255
//! bytes, a session what `max_allowed_packet` allows: anything longer is `TooLarge`, and nothing is ever cut.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
    expect(
        dead_code,
        clippy::unused_async,
        reason = "without a database there is nothing to run statements on"
    )
)]

mod backend;
mod config;
mod detached;
mod dialect;
mod driver;
mod error;
mod group;
mod layout;
#[cfg(feature = "mysql")]
mod mysql;
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
mod question;
mod row;
mod saving;
mod several;
#[cfg(feature = "sqlite")]
mod sqlite;
mod statements;

pub use backend::Backend;
pub use config::Config;
