//! The stores of other libraries, as their documentation sets them up, at the level where a session is a record and not yet a request's.

mod actix;
mod cookie;
mod tower;

use std::env;
use std::time::Duration;

use cloakroom_contest::{Contender, Entry, LeftOut, Result, version};
use tower_sessions::{CachingSessionStore, MemoryStore};
use tower_sessions_moka_store::MokaStore;
use tower_sessions_redis_store::{
    RedisStore,
    fred::{
        interfaces::ClientLike as _,
        prelude::{Config, Pool},
        types::CustomCommand,
    },
};
use tower_sessions_sqlx_store::{
    PostgresStore, SqliteStore,
    sqlx::{
        PgPool,
        postgres::PgPoolOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    },
};

use self::tower::{Place, Tower};

const LOCKFILE: &str = include_str!("../../Cargo.lock");
const TOWER: &str = "tower-sessions";
const ACTIX: &str = "actix-session";

const NOTHING: &str = "nothing";
const THE_PROCESS: &str = "the death of the process";
const A_POWER_CUT: &str = "a power cut";

/// As many as ours has.
const CONNECTIONS: u32 = 8;
/// As many as the example of its documentation has.
const REDIS_CONNECTIONS: usize = 6;

/// Everybody, and who lacks a server.
///
/// # Errors
///
/// For a package that is not in the lockfile.
pub(crate) fn list() -> Result<(Vec<Entry>, Vec<LeftOut>)> {
    let tower = version(LOCKFILE, TOWER).ok_or("tower-sessions is not in Cargo.lock")?;
    let actix = version(LOCKFILE, ACTIX).ok_or("actix-session is not in Cargo.lock")?;
    let mut entries = vec![
        Entry::new("memory", TOWER, tower, NOTHING, |size| async move {
            Ok(Tower::new(MemoryStore::default(), Place::Nowhere, size))
        }),
        Entry::new("moka", TOWER, tower, NOTHING, |size| async move {
            Ok(Tower::new(MokaStore::new(None), Place::Nowhere, size))
        }),
        Entry::new("sqlite", TOWER, tower, THE_PROCESS, sqlite),
        Entry::new("sqlite, moka", TOWER, tower, THE_PROCESS, cached_sqlite),
        Entry::new("cookie", ACTIX, actix, "what the browser survives", |_| async {
            Ok(cookie::Cookie::default())
        }),
    ];
    let mut left_out = Vec::new();
    let mut server = |engine, variable| {
        let url = env::var(variable).ok();
        if url.is_none() {
            left_out.push(LeftOut { engine, why: format!("{variable} names no server") });
        }
        url
    };
    if let Some(url) = server("postgres", "POSTGRES_URL") {
        entries.push(Entry::new("postgres", TOWER, tower, A_POWER_CUT, move |size| {
            postgres(url.clone(), "tower_sessions", size)
        }));
    }
    if let Some(url) = server("redis", "REDIS_URL") {
        let (with, by) = (at(&url, 8), at(&url, 9));
        entries.push(Entry::new("redis", TOWER, tower, THE_PROCESS, move |size| redis(with.clone(), size)));
        entries.push(Entry::new("redis", ACTIX, actix, THE_PROCESS, move |size| {
            actix::Actix::open(by.clone(), size)
        }));
    }
    if let (Some(url), Some(cache)) =
        (server("postgres, redis", "POSTGRES_URL"), env::var("REDIS_URL").ok().map(|url| at(&url, 10)))
    {
        entries.push(Entry::new("postgres, redis", TOWER, tower, A_POWER_CUT, move |size| {
            cached_postgres(url.clone(), cache.clone(), size)
        }));
    }
    Ok((entries, left_out))
}

async fn sqlite(size: usize) -> Result<impl Contender> {
    let (store, place) = store_of_sqlite().await?;
    Ok(Tower::new(store, place, size).sweeping(|store| Box::pin(tower::sweep(store))))
}

async fn cached_sqlite(size: usize) -> Result<impl Contender> {
    let (store, place) = store_of_sqlite().await?;
    Ok(Tower::new(CachingSessionStore::new(MokaStore::new(None), store), place, size))
}

async fn store_of_sqlite() -> Result<(SqliteStore, Place)> {
    let folder = tempfile::tempdir()?;
    let options = SqliteConnectOptions::new()
        .filename(folder.path().join("sessions.sqlite3"))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(Duration::from_mins(1));
    let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS + 1).connect_with(options).await?;
    let store = SqliteStore::new(pool.clone());
    store.migrate().await?;
    Ok((store, Place::Sqlite(pool, folder)))
}

async fn postgres(url: String, table: &'static str, size: usize) -> Result<impl Contender> {
    let (store, pool) = store_of_postgres(&url, table, size).await?;
    let place = Place::Postgres(pool, format!("{table}.of_{size}"));
    Ok(Tower::new(store, place, size).sweeping(|store| Box::pin(tower::sweep(store))))
}

async fn cached_postgres(url: String, cache: String, size: usize) -> Result<impl Contender> {
    let (store, _) = store_of_postgres(&url, "tower_sessions_cached", size).await?;
    let (cache, _) = store_of_redis(&cache).await?;
    Ok(Tower::new(CachingSessionStore::new(cache, store), Place::Nowhere, size))
}

async fn store_of_postgres(url: &str, schema: &str, size: usize) -> Result<(PostgresStore, PgPool)> {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await?;
    let table = format!("of_{size}");
    tower::drop_table(&pool, &format!("{schema}.{table}")).await?;
    let store = PostgresStore::new(pool.clone()).with_schema_name(schema)?.with_table_name(table)?;
    store.migrate().await?;
    Ok((store, pool))
}

async fn redis(url: String, size: usize) -> Result<impl Contender> {
    let (store, pool) = store_of_redis(&url).await?;
    Ok(Tower::new(store, Place::Redis(pool), size))
}

async fn store_of_redis(url: &str) -> Result<(RedisStore<Pool>, Pool)> {
    let pool = emptied(url, REDIS_CONNECTIONS).await?;
    Ok((RedisStore::new(pool.clone()), pool))
}

/// Connections to one of a server's databases, in which nothing is left.
async fn emptied(url: &str, connections: usize) -> Result<Pool> {
    let pool = Pool::new(Config::from_url(url)?, None, None, None, connections)?;
    pool.init().await?;
    pool.custom::<(), String>(command("FLUSHDB"), Vec::new()).await?;
    Ok(pool)
}

fn command(name: &'static str) -> CustomCommand {
    CustomCommand::new_static(name, None, false)
}

/// How much a server keeps for a key, on average of some that are drawn by lot.
async fn memory(pool: &Pool) -> Result<f64> {
    const DRAWS: u32 = 100;
    let mut all = 0.0;
    for _ in 0..DRAWS {
        let key: String = pool.custom(command("RANDOMKEY"), Vec::<String>::new()).await?;
        let bytes: u64 = pool.custom(command("MEMORY"), vec!["USAGE".to_owned(), key]).await?;
        all += f64::from(u32::try_from(bytes)?);
    }
    Ok(all / f64::from(DRAWS))
}

/// One of a server's databases.
fn at(url: &str, database: usize) -> String {
    let server = url.trim_end_matches(|last: char| last.is_ascii_digit());
    let server = if server.ends_with('/') { server.trim_end_matches('/') } else { url };
    format!("{server}/{database}")
}
