//! actix-session on actix-web.

use actix_session::{
    Session, SessionMiddleware,
    storage::{CookieSessionStore, RedisSessionStore, SessionStore},
};
use actix_web::{
    App, HttpServer, Result as Answer,
    cookie::Key,
    web::{self, ServiceConfig},
};

use super::{COUNT, DONE, WORKERS, entries, say, server};
use crate::Result;

/// Serves the site on the engine that is called so.
pub(super) async fn serve(engine: &str) -> Result<()> {
    match engine {
        "redis" => {
            let store = RedisSessionStore::new(server("REDIS_URL")?).await;
            let store = store.map_err(|error| format!("actix-session: {error}"))?;
            on(move || store.clone()).await
        }
        "signed_cookies" => on(CookieSessionStore::default).await,
        _ => Err(format!("{engine:?} is no engine of actix-session").into()),
    }
}

async fn on<Store: SessionStore + 'static>(store: impl Fn() -> Store + Clone + Send + 'static) -> Result<()> {
    let secret = Key::generate();
    let site = move || {
        // As cloakroom's cookies are; by default this one's are sealed.
        let middleware = SessionMiddleware::builder(store(), secret.clone())
            .cookie_content_security(actix_session::config::CookieContentSecurity::Signed)
            .build();
        let sessions = web::scope("")
            .wrap(middleware)
            .route("/untouched", web::get().to(done))
            .route("/read", web::get().to(read))
            .route("/change", web::post().to(change))
            .route("/login", web::post().to(login));
        App::new().configure(bare).service(sessions)
    };
    let server = HttpServer::new(site).workers(WORKERS).disable_signals().bind("127.0.0.1:0")?;
    say("actix-session", *server.addrs().first().ok_or("actix-web listens nowhere")?)?;
    Ok(server.run().await?)
}

fn bare(app: &mut ServiceConfig) {
    app.route("/bare", web::get().to(done));
}

async fn done() -> &'static str {
    DONE
}

async fn read(session: Session) -> Answer<String> {
    let count: u64 = session.get(COUNT)?.unwrap_or_default();
    Ok(count.to_string())
}

async fn change(session: Session) -> Answer<String> {
    let count: u64 = session.get(COUNT)?.unwrap_or_default();
    session.insert(COUNT, count + 1)?;
    Ok((count + 1).to_string())
}

async fn login(session: Session) -> Answer<&'static str> {
    for (name, value) in entries() {
        session.insert(name, value)?;
    }
    Ok(DONE)
}
