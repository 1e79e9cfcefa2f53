//! cloakroom on axum.

use std::path::Path as FilePath;

use axum::{
    Json, Router,
    extract::{Path, RawQuery, State},
    routing::{get, post, put},
};
use cloakroom::{
    Engine, Settings,
    axum::{Error, Session},
};
use serde_json::{Map, Value};

use super::{Site, USER, serve};
use crate::{Result, gate::Gate, races};

pub(crate) const NAME: &str = "cloakroom";

pub(crate) async fn on_sqlite(folder: &FilePath) -> Result<Site> {
    let mut settings = Settings::default();
    settings.db_url = format!("sqlite:{}", folder.join("cloakroom.sqlite3").display());
    site("SQLite", settings).await
}

pub(crate) async fn on_redis(url: &str) -> Result<Site> {
    let mut settings = Settings::default();
    settings.engine = Engine::Cache;
    url.clone_into(&mut settings.cache_url);
    site("Redis", settings).await
}

async fn site(engine: &'static str, settings: Settings) -> Result<Site> {
    settings.migrate().await?;
    let gate = Gate::default();
    let site = Router::new()
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/set/{name}", put(set))
        .route("/count", post(count))
        .route("/all", get(all))
        .layer(settings.layer().await?)
        .with_state(gate.clone());
    Site::here(NAME, engine, serve(site, gate).await?)
}

async fn login(session: Session) -> std::result::Result<(), Error> {
    Ok(session.login(USER)?)
}

async fn logout(session: Session) {
    session.logout();
}

async fn set(
    session: Session,
    State(gate): State<Gate>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
) -> std::result::Result<(), Error> {
    session.user();
    gate.pass(query.as_deref()).await;
    Ok(session.insert(&name, true)?)
}

async fn count(
    session: Session,
    State(gate): State<Gate>,
    RawQuery(query): RawQuery,
) -> std::result::Result<(), Error> {
    session.user();
    gate.pass(query.as_deref()).await;
    session.update(races::COUNT, |count: &mut u64| *count += 1).await?;
    Ok(())
}

async fn all(session: Session) -> std::result::Result<Json<Map<String, Value>>, Error> {
    let mut all = Map::new();
    for name in session.names() {
        let value = session.get(&name)?.unwrap_or_default();
        all.insert(name, value);
    }
    all.extend(session.user().map(|user| ("user".to_owned(), user.into())));
    Ok(Json(all))
}
