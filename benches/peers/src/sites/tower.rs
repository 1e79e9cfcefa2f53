//! tower-sessions on axum: the layer as its documentation sets it up, which saves what was changed after the handler.

use std::path::Path as FilePath;

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    http::StatusCode,
    routing::{get, post, put},
};
use serde_json::{Map, Value};
use tower_sessions::{Session, SessionManagerLayer, SessionStore, session::Error};
use tower_sessions_redis_store::{
    RedisStore,
    fred::prelude::{ClientLike as _, Config, Pool},
};
use tower_sessions_sqlx_store::{SqliteStore, sqlx::SqlitePool};

use super::{Site, USER, names, serve};
use crate::{Result, gate::Gate, races};

/// As many connections as its example has.
const CONNECTIONS: usize = 6;

pub(crate) async fn on_sqlite(folder: &FilePath) -> Result<Site> {
    let file = folder.join("tower-sessions.sqlite3");
    let store = SqliteStore::new(SqlitePool::connect(&format!("sqlite:{}?mode=rwc", file.display())).await?);
    store.migrate().await?;
    site("SQLite", store).await
}

pub(crate) async fn on_redis(url: &str) -> Result<Site> {
    site("Redis", redis(url).await?).await
}

/// The library's store on that server.
pub(crate) async fn redis(url: &str) -> Result<impl SessionStore + Clone> {
    let pool = Pool::new(Config::from_url(url)?, None, None, None, CONNECTIONS)?;
    pool.init().await?;
    Ok(RedisStore::new(pool))
}

async fn site(engine: &'static str, store: impl SessionStore + Clone) -> Result<Site> {
    let gate = Gate::default();
    let site = Router::new()
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/set/{name}", put(set))
        .route("/count", post(count))
        .route("/all", get(all))
        .layer(SessionManagerLayer::new(store))
        .with_state(gate.clone());
    Site::here("tower-sessions", engine, serve(site, gate).await?)
}

type Answer<T> = std::result::Result<T, StatusCode>;

async fn login(session: Session) -> Answer<()> {
    session.cycle_id().await.map_err(failed)?;
    session.insert("user", USER).await.map_err(failed)
}

async fn logout(session: Session) -> Answer<()> {
    session.flush().await.map_err(failed)
}

async fn set(
    session: Session,
    State(gate): State<Gate>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer<()> {
    session.get::<String>("user").await.map_err(failed)?;
    gate.pass(query.as_deref()).await;
    session.insert(&name, true).await.map_err(failed)
}

async fn count(session: Session, State(gate): State<Gate>, RawQuery(query): RawQuery) -> Answer<()> {
    session.get::<String>("user").await.map_err(failed)?;
    gate.pass(query.as_deref()).await;
    let count: u64 = session.get(races::COUNT).await.map_err(failed)?.unwrap_or_default();
    session.insert(races::COUNT, count + 1).await.map_err(failed)
}

async fn all(session: Session) -> Answer<Json<Map<String, Value>>> {
    let mut all = Map::new();
    for name in names() {
        if let Some(value) = session.get_value(&name).await.map_err(failed)? {
            all.insert(name, value);
        }
    }
    Ok(Json(all))
}

/// The library leaves to its users how its errors are answered.
#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn failed(error: Error) -> StatusCode {
    eprintln!("tower-sessions: {error}");
    StatusCode::INTERNAL_SERVER_ERROR
}
