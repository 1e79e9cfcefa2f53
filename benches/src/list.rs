//! Who is timed. A newcomer's engine joins with a line here.

use std::env;
use std::future::Future;
use std::str::FromStr as _;
use std::time::Duration;

use cloakroom_cache::{memory, redis};
use cloakroom_contest::{Contender, Entry, LeftOut, Operation, Result, version};
use cloakroom_core::{Cached, Memory, SessionBackend};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use tempfile::TempDir;

use crate::Engine;
use crate::raw::{self, Rows};
use crate::shelf::Shelf;
use crate::table::{Pool, Table};

const LOCKFILE: &str = include_str!("../../Cargo.lock");
const OURS: &str = "cloakroom";
const RAW: &str = "raw";

const NOTHING: &str = "nothing";
const THE_PROCESS: &str = "the death of the process";
const A_POWER_CUT: &str = "a power cut";

/// Visitors share no session, and there is nothing to end or to sweep.
pub(crate) const OF_COOKIES: &[Operation] = &[Operation::Delete, Operation::Update, Operation::Sweep];

/// As many as an engine has, unless it is told otherwise; on SQLite there is one more, which writes.
const CONNECTIONS: u32 = 8;
/// So much that nothing is dropped while it is timed, however many there are.
const ROOM: u64 = 16 << 30;
const SECRET: &str = "a secret of fifty characters, that nobody will guess";

/// Everybody, and who lacks a server.
///
/// # Errors
///
/// For a package that is not in the lockfile.
pub fn list() -> Result<(Vec<Entry>, Vec<LeftOut>)> {
    let mut list = List::default();
    list.ours("memory", NOTHING, |_| async { Ok(Engine::new(Memory::new())) });
    list.raw("memory", "std", NOTHING, |size| async move { Ok(raw::Memory::new(size)) });
    list.ours("moka", NOTHING, |_| async { Ok(Engine::new(memory::Config::new().capacity(ROOM).open())) });
    list.raw("moka", "std", NOTHING, |size| async move { Ok(raw::Memory::new(size)) });
    list.ours("sqlite", THE_PROCESS, sqlite);
    list.raw("sqlite", "sqlx", THE_PROCESS, rows_of_sqlite);
    list.ours("file", THE_PROCESS, |_| file());
    list.raw(
        "file",
        "std",
        THE_PROCESS,
        |size| async move { Ok(raw::Files::new(tempfile::tempdir()?, size)) },
    );
    list.ours("cookie", "what the browser survives", |_| async { cookie() });
    list.raw("cookie", "ring", "what the browser survives", |_| async {
        Ok(raw::Cookie::new(SECRET.as_bytes()))
    });
    list.ours("sqlite, moka", THE_PROCESS, cached_sqlite);
    list.raw("sqlite, moka", "sqlx", THE_PROCESS, rows_of_sqlite);
    for (engine, variable) in [("postgres", "POSTGRES_URL"), ("mariadb", "MARIADB_URL")] {
        let Some(url) = list.server(engine, variable) else { continue };
        let raw = url.clone();
        list.ours(engine, A_POWER_CUT, move |size| database(url.clone(), format!("ours_{size}"), size));
        list.raw(engine, "sqlx", A_POWER_CUT, move |size| rows(raw.clone(), format!("raw_{size}"), size));
    }
    if let Some(url) = list.server("redis", "REDIS_URL") {
        let (raw, script) = (url.clone(), url.clone());
        list.ours("redis", THE_PROCESS, move |size| server(at(&url, size, 0)));
        list.raw("redis", "redis", THE_PROCESS, move |size| get_and_set(at(&raw, size, 1), size));
        list.beside("redis", "raw script", "redis", THE_PROCESS, move |size| by_script(at(&script, size, 2)));
    }
    if let Some(url) = list.server("cluster", "REDIS_CLUSTER_URL") {
        let raw = url.clone();
        list.ours("cluster", THE_PROCESS, move |size| cluster(url.clone(), size));
        list.raw("cluster", "redis", THE_PROCESS, move |size| get_and_set_in_cluster(raw.clone(), size));
    }
    let both = list.server("postgres, redis", "POSTGRES_URL").zip(env::var("REDIS_URL").ok());
    if let Some((url, cache)) = both {
        let raw = url.clone();
        list.ours("postgres, redis", A_POWER_CUT, move |size| {
            cached_postgres(url.clone(), at(&cache, size, 3), size)
        });
        list.raw("postgres, redis", "sqlx", A_POWER_CUT, move |size| {
            rows(raw.clone(), format!("uncached_{size}"), size)
        });
    }
    Ok((list.entries, list.left_out))
}

/// The version of a package that these benches are built with.
pub fn built(package: &str) -> Option<&'static str> {
    version(LOCKFILE, package)
}

#[derive(Default)]
struct List {
    entries: Vec<Entry>,
    left_out: Vec<LeftOut>,
}

impl List {
    fn ours<F>(
        &mut self,
        engine: &'static str,
        durable: &'static str,
        open: impl Fn(usize) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<Engine>> + Send + 'static,
    {
        self.entries.push(Entry::new(engine, OURS, env!("CARGO_PKG_VERSION"), durable, open));
    }

    /// Its driver alone, of that package.
    fn raw<C: Contender, F>(
        &mut self,
        engine: &'static str,
        driver: &str,
        durable: &'static str,
        open: impl Fn(usize) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<C>> + Send + 'static,
    {
        self.beside(engine, RAW, driver, durable, open);
    }

    fn beside<C: Contender, F>(
        &mut self,
        engine: &'static str,
        contender: &'static str,
        driver: &str,
        durable: &'static str,
        open: impl Fn(usize) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Result<C>> + Send + 'static,
    {
        let driver = match version(LOCKFILE, driver) {
            Some(version) => format!("{driver} {version}"),
            None => driver.to_owned(),
        };
        self.entries.push(Entry::new(engine, contender, driver, durable, open));
    }

    /// The URL of its server, without which it is left out.
    fn server(&mut self, engine: &'static str, variable: &str) -> Option<String> {
        let url = env::var(variable).ok();
        if url.is_none() {
            let why = format!("{variable} names no server: `cargo xtask servers` has one");
            self.left_out.push(LeftOut { engine, why });
        }
        url
    }
}

async fn sqlite(size: usize) -> Result<Engine> {
    let (backend, table, folder) = database_of_sqlite(size).await?;
    Ok(Engine::new(backend).on(Shelf::Table(table)).within(folder))
}

async fn cached_sqlite(size: usize) -> Result<Engine> {
    let (backend, table, folder) = database_of_sqlite(size).await?;
    let cached = Cached::new(backend, memory::Config::new().capacity(ROOM).open_cache());
    Ok(Engine::new(cached).on(Shelf::Table(table)).within(folder))
}

async fn rows_of_sqlite(size: usize) -> Result<Rows> {
    let (backend, table, folder) = database_of_sqlite(size).await?;
    backend.close().await?;
    Ok(Rows::new(table, Some(folder)))
}

async fn database_of_sqlite(size: usize) -> Result<(cloakroom_db::Backend, Table, TempDir)> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
    let table = "sessions".to_owned();
    let backend = cloakroom_db::Config::new(&url).table(&table).connections(CONNECTIONS).open().await?;
    backend.migrate().await?;
    let options = SqliteConnectOptions::from_str(&url)?
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_mins(1));
    let pool = SqlitePoolOptions::new().test_before_acquire(false).max_connections(CONNECTIONS + 1);
    let pool = Pool::Sqlite(pool.connect_with(options).await?);
    Ok((backend, Table { pool, name: table, size }, folder))
}

async fn database(url: String, name: String, size: usize) -> Result<Engine> {
    let (backend, table) = database_of_server(url, name, size).await?;
    Ok(Engine::new(backend).on(Shelf::Table(table)))
}

async fn rows(url: String, name: String, size: usize) -> Result<Rows> {
    let (backend, table) = database_of_server(url, name, size).await?;
    backend.close().await?;
    Ok(Rows::new(table, None))
}

async fn database_of_server(
    url: String,
    name: String,
    size: usize,
) -> Result<(cloakroom_db::Backend, Table)> {
    let pool = if url.starts_with("postgres") {
        let pool = PgPoolOptions::new().test_before_acquire(false).max_connections(CONNECTIONS);
        Pool::Postgres(pool.connect_with(PgConnectOptions::from_str(&url)?).await?)
    } else {
        let pool = MySqlPoolOptions::new().test_before_acquire(false).max_connections(CONNECTIONS);
        Pool::MySql(pool.connect_with(MySqlConnectOptions::from_str(&url)?).await?)
    };
    let table = Table { pool, name, size };
    // What an earlier run has left, or the same run before it was closed.
    table.execute(&table.statement("DROP TABLE IF EXISTS {table}"), &[]).await?;
    let backend = cloakroom_db::Config::new(url).table(&table.name).connections(CONNECTIONS).open().await?;
    backend.migrate().await?;
    Ok((backend, table))
}

async fn cached_postgres(url: String, cache: String, size: usize) -> Result<Engine> {
    let (backend, table) = database_of_server(url, format!("cached_{size}"), size).await?;
    let cache = redis::Config::new(cache).open_cache().await?;
    Ok(Engine::new(Cached::new(backend, cache)).on(Shelf::Table(table)))
}

async fn file() -> Result<Engine> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("sessions");
    let backend = cloakroom_file::Config::new(&path).open().await?;
    Ok(Engine::new(backend).on(Shelf::Folder(path)).within(folder))
}

fn cookie() -> Result<Engine> {
    Ok(Engine::new(cloakroom_cookie::Config::new(SECRET).open()?).lacking(OF_COOKIES))
}

async fn server(url: String) -> Result<Engine> {
    let shelf = Shelf::Redis(emptied(&url).await?);
    Ok(Engine::new(redis::Config::new(url).open().await?).on(shelf))
}

async fn get_and_set(url: String, size: usize) -> Result<impl Contender> {
    let connection = emptied(&url).await?;
    Ok(raw::Redis::new(connection.clone(), Shelf::Redis(connection), size))
}

async fn by_script(url: String) -> Result<raw::Script> {
    raw::Script::new(emptied(&url).await?).await
}

async fn cluster(url: String, size: usize) -> Result<Engine> {
    Ok(Engine::new(redis::Config::new(url).prefix(format!("ours:{size}:")).open().await?))
}

async fn get_and_set_in_cluster(url: String, size: usize) -> Result<impl Contender> {
    let nodes = url.trim_start_matches("redis+cluster://").split(',').map(|node| format!("redis://{node}"));
    let client = ::redis::cluster::ClusterClient::new(nodes)?;
    Ok(raw::Redis::new(client.get_async_connection().await?, Shelf::Nowhere, size))
}

/// A server has 16 databases: each contender has one for each size.
fn at(url: &str, size: usize, contender: usize) -> String {
    let large = usize::from(size > 1_000);
    let server = url.trim_end_matches(|last: char| last.is_ascii_digit());
    let server = if server.ends_with('/') { server.trim_end_matches('/') } else { url };
    format!("{server}/{}", contender * 2 + large)
}

async fn emptied(url: &str) -> Result<::redis::aio::MultiplexedConnection> {
    let mut connection = raw::connect(url).await?;
    ::redis::cmd("FLUSHDB").query_async::<()>(&mut connection).await?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_of_a_server_is_named_behind_its_address_and_not_in_its_port() {
        assert_eq!(at("redis://127.0.0.1:6379", 300, 1), "redis://127.0.0.1:6379/2");
        assert_eq!(at("redis://127.0.0.1:6379/0", 4_096, 1), "redis://127.0.0.1:6379/3");
    }
}
