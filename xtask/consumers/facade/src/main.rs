//! The facade as it comes: axum, SQLite, settings.

use axum::{Router, body::Body, http::Request, routing::get};
use cloakroom::Settings;
use cloakroom::axum::{Error, Session};
use tower::ServiceExt;

async fn visits(session: Session) -> Result<String, Error> {
    let n = session.update("visits", |n: &mut u64| *n += 1).await?;
    Ok(format!("visit {n}"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
    let mut settings = Settings::default();
    settings.set("SESSION_DB_URL", &url)?;
    settings.migrate().await?;
    let site = Router::new().route("/", get(visits)).layer(settings.layer().await?);
    let response = site.clone().oneshot(Request::new(Body::empty())).await?;
    let cookie = response.headers()["set-cookie"].to_str()?;
    let pair = cookie.split(';').next().unwrap_or_default();
    let again = Request::builder().header("cookie", pair).body(Body::empty())?;
    let body = axum::body::to_bytes(site.oneshot(again).await?.into_body(), 100).await?;
    assert_eq!(body, "visit 2");
    Ok(())
}
