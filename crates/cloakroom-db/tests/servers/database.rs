//! A database, a server of one's own, and what is stored there.

use std::time::Duration;

use bytes::Bytes;
use cloakroom_core::{
    Addressing, Clock, Record, Revision, Saved, SessionBackend, SessionId, SessionKey, Stamp, SystemClock,
};
use cloakroom_db::{Backend, Config};
use cloakroom_servers::{MariaDb, Postgres};
use sqlx::{AssertSqlSafe, Connection, Executor, MySqlConnection, PgConnection, Row};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Database {
    Postgres,
    MariaDb,
}

impl Database {
    /// The server that all tests share.
    pub(crate) fn url(self) -> String {
        let variable = match self {
            Self::Postgres => "POSTGRES_URL",
            Self::MariaDb => "MARIADB_URL",
        };
        std::env::var(variable).unwrap_or_else(|_| {
            panic!("{variable} is not set: `cargo xtask servers` starts a server and prints it")
        })
    }

    /// For tests that change or end it.
    pub(crate) fn start(self) -> Server {
        match self {
            Self::Postgres => Server::Postgres(Postgres::start().unwrap()),
            Self::MariaDb => Server::MariaDb(MariaDb::start().unwrap()),
        }
    }
}

pub(crate) enum Server {
    Postgres(Postgres),
    MariaDb(MariaDb),
}

impl Server {
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Postgres(server) => server.url(),
            Self::MariaDb(server) => server.url(),
        }
    }

    pub(crate) fn kill(&mut self) {
        match self {
            Self::Postgres(server) => server.kill().unwrap(),
            Self::MariaDb(server) => server.kill().unwrap(),
        }
    }

    pub(crate) fn restart(&mut self) {
        match self {
            Self::Postgres(server) => server.restart().unwrap(),
            Self::MariaDb(server) => server.restart().unwrap(),
        }
    }

    pub(crate) fn pause(&mut self) {
        match self {
            Self::Postgres(server) => server.pause().unwrap(),
            Self::MariaDb(server) => server.pause().unwrap(),
        }
    }

    pub(crate) fn resume(&mut self) {
        match self {
            Self::Postgres(server) => server.resume().unwrap(),
            Self::MariaDb(server) => server.resume().unwrap(),
        }
    }
}

/// A connection of somebody else's.
pub(crate) enum Stranger {
    Postgres(PgConnection),
    MariaDb(MySqlConnection),
}

impl Stranger {
    pub(crate) async fn at(url: &str) -> Self {
        if url.starts_with("postgres") {
            Self::Postgres(PgConnection::connect(url).await.unwrap())
        } else {
            Self::MariaDb(MySqlConnection::connect(url).await.unwrap())
        }
    }

    pub(crate) async fn run(&mut self, sql: impl Into<String>) {
        self.try_run(sql).await.unwrap();
    }

    pub(crate) async fn try_run(&mut self, sql: impl Into<String>) -> sqlx::Result<()> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.into()));
        match self {
            Self::Postgres(connection) => connection.execute(sql).await.map(drop),
            Self::MariaDb(connection) => connection.execute(sql).await.map(drop),
        }
    }

    /// The first column of what is found, as text.
    pub(crate) async fn texts(&mut self, sql: impl Into<String>) -> Vec<String> {
        let sql = sqlx::raw_sql(AssertSqlSafe(sql.into()));
        match self {
            Self::Postgres(connection) => {
                connection.fetch_all(sql).await.unwrap().iter().map(|row| row.get(0)).collect()
            }
            Self::MariaDb(connection) => {
                connection.fetch_all(sql).await.unwrap().iter().map(|row| row.get(0)).collect()
            }
        }
    }
}

/// A table's name that nobody else has.
pub(crate) fn table() -> String {
    format!("t_{}", SessionKey::generate(Addressing::Hashed).unwrap().expose())
}

/// An engine over a table of its own.
pub(crate) async fn open(url: &str) -> Backend {
    migrated(Config::new(url).table(table()).connections(4)).await
}

pub(crate) async fn migrated(config: Config) -> Backend {
    let backend = config.open().await.unwrap();
    backend.migrate().await.unwrap();
    backend
}

pub(crate) fn id() -> SessionId {
    SessionKey::generate(Addressing::Hashed).unwrap().id()
}

/// A record that lives for an hour.
pub(crate) fn record(payload: impl Into<Vec<u8>>, sequence: u64) -> Record {
    let end = SystemClock.now().plus(Duration::from_hours(1));
    let stamp = Stamp { sequence, nonce: 7 };
    Record::new(Bytes::from(payload.into()), end, Some("alice".into()), stamp)
}

/// Stores a record under an id that is free.
pub(crate) async fn put(backend: &Backend, id: &SessionId, record: &Record) -> Revision {
    written(backend.create(id, record).await.unwrap())
}

pub(crate) fn written(saved: Saved) -> Revision {
    match saved {
        Saved::Written(written) => written.revision,
        other => panic!("not written: {other:?}"),
    }
}
