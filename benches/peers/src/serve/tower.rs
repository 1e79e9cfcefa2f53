//! tower-sessions on axum.

use axum::{
    Router,
    http::StatusCode,
    routing::{get, post},
};
use tower_sessions::{MemoryStore, Session, SessionManagerLayer, SessionStore};
use tower_sessions_moka_store::MokaStore;
use tower_sessions_sqlx_store::{
    PostgresStore, SqliteStore,
    sqlx::{
        PgPool, SqlitePool,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use super::{COUNT, DONE, entries, server};
use crate::{
    Result,
    sites::tower::{failed, redis},
};

/// The site on the engine that is called so.
pub(super) async fn site(engine: &str) -> Result<Router> {
    match engine {
        "memory" => Ok(on(MemoryStore::default())),
        "moka" => Ok(on(MokaStore::new(None))),
        "redis" => Ok(on(redis(&server("REDIS_URL")?).await?)),
        "sqlite" => {
            // As durable as cloakroom's.
            let options =
                SqliteConnectOptions::new().filename("tower-sessions.sqlite3").create_if_missing(true);
            let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Normal);
            let store = SqliteStore::new(SqlitePool::connect_with(options).await?);
            store.migrate().await?;
            Ok(on(store))
        }
        "postgres" => {
            let store = PostgresStore::new(PgPool::connect(&server("POSTGRES_URL")?).await?);
            store.migrate().await?;
            Ok(on(store))
        }
        _ => Err(format!("{engine:?} is no engine of tower-sessions").into()),
    }
}

fn on(store: impl SessionStore + Clone) -> Router {
    Router::new()
        .route("/untouched", get(done))
        .route("/read", get(read))
        .route("/change", post(change))
        .route("/login", post(login))
        .layer(SessionManagerLayer::new(store))
        .route("/bare", get(done))
}

type Answer<T> = std::result::Result<T, StatusCode>;

async fn done() -> &'static str {
    DONE
}

async fn read(session: Session) -> Answer<String> {
    let count: u64 = session.get(COUNT).await.map_err(failed)?.unwrap_or_default();
    Ok(count.to_string())
}

async fn change(session: Session) -> Answer<String> {
    let count: u64 = session.get(COUNT).await.map_err(failed)?.unwrap_or_default();
    session.insert(COUNT, count + 1).await.map_err(failed)?;
    Ok((count + 1).to_string())
}

async fn login(session: Session) -> Answer<()> {
    for (name, value) in entries() {
        session.insert(&name, value).await.map_err(failed)?;
    }
    Ok(())
}
