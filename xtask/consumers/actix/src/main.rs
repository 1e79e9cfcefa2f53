//! A page that counts its visits, on actix-web.

use actix_web::{App, test, web};
use cloakroom_actix::{Error, Session, SessionMiddleware};
use cloakroom_core::Memory;

async fn visits(session: Session) -> Result<String, Error> {
    let n = session.update("visits", |n: &mut u64| *n += 1).await?;
    Ok(format!("You have visited this page {n} times."))
}

#[actix_web::main]
async fn main() {
    // Before the factory: all workers share it.
    let sessions = SessionMiddleware::new(Memory::new());
    let app = App::new().wrap(sessions.clone()).route("/", web::get().to(visits));

    let site = test::init_service(app).await;
    let answer = test::call_service(&site, test::TestRequest::get().uri("/").to_request()).await;
    assert!(answer.headers().contains_key("set-cookie"));
    assert_eq!(test::read_body(answer).await, "You have visited this page 1 times.");
}
