//! The site on actix-web.

use actix_web::web::{self, ServiceConfig};
use cloakroom::actix::{Error, Session, SessionMiddleware};

use super::{COUNT, DONE, entries};

/// The site, with sessions: for an `App` to be configured with.
pub fn site(middleware: SessionMiddleware) -> impl FnOnce(&mut ServiceConfig) {
    let sessions = web::scope("")
        .wrap(middleware)
        .route("/untouched", web::get().to(done))
        .route("/read", web::get().to(read))
        .route("/change", web::post().to(change))
        .route("/login", web::post().to(login));
    move |app| {
        bare(app);
        app.service(sessions);
    }
}

/// The route that knows no session.
pub fn bare(app: &mut ServiceConfig) {
    app.route("/bare", web::get().to(done));
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

async fn login(session: Session) -> Result<&'static str, Error> {
    for (name, value) in entries() {
        session.insert(&name, value)?;
    }
    Ok(DONE)
}
