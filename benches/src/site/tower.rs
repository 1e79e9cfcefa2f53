//! The site on axum.

use axum::Router;
use axum::routing::{get, post};
use cloakroom::axum::{Error, Session, SessionLayer};

use super::{COUNT, DONE, entries};

/// The site, with sessions.
pub fn site(layer: SessionLayer) -> Router {
    Router::new()
        .route("/untouched", get(done))
        .route("/read", get(read))
        .route("/change", post(change))
        .route("/login", post(login))
        .layer(layer)
        .merge(bare())
}

/// The route that knows no session.
pub fn bare() -> Router {
    Router::new().route("/bare", get(done))
}

async fn done() -> &'static str {
    DONE
}

async fn read(session: Session) -> Result<String, Error> {
    Ok(session.get::<u64>(COUNT)?.unwrap_or_default().to_string())
}

async fn change(session: Session) -> Result<String, Error> {
    let count = session.update(COUNT, |count: &mut u64| *count += 1).await?;
    Ok(count.to_string())
}

async fn login(session: Session) -> Result<(), Error> {
    for (name, value) in entries() {
        session.insert(&name, value)?;
    }
    Ok(())
}
