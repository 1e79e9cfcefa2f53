//! `cargo run -p cloakroom-actix --example visits`, then http://127.0.0.1:8000 in a browser.

use actix_web::{App, HttpServer, web};
use cloakroom_actix::{Error, Session, SessionMiddleware};
use cloakroom_core::{Memory, Sessions};
use cloakroom_http::{CookieOptions, CookiePolicy};

async fn visits(session: Session) -> Result<String, Error> {
    let n = session.update("visits", |n: &mut u64| *n += 1).await?;
    Ok(format!("You have visited this page {n} times."))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut cookie = CookieOptions::default();
    // This page is served without https.
    cookie.secure = false;
    // Once, for all workers.
    let sessions = SessionMiddleware::with(Sessions::new(Memory::new()), CookiePolicy::new(cookie)?);
    let server = HttpServer::new(move || App::new().wrap(sessions.clone()).route("/", web::get().to(visits)));
    Ok(server.bind("127.0.0.1:8000")?.run().await?)
}
