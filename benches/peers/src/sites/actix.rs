//! actix-session on actix-web: the middleware as its documentation sets it up.

use actix_session::{Session, SessionMiddleware, storage::RedisSessionStore};
use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Result as Answer,
    cookie::Key,
    web::{self, Data, Json, Path},
};
use serde_json::{Map, Value};

use super::{Site, USER, names};
use crate::{Result, gate::Gate, races};

pub(crate) async fn on_redis(url: &str) -> Result<Site> {
    let store = RedisSessionStore::new(url).await.map_err(|error| format!("actix-session: {error}"))?;
    let (secret, gate) = (Key::generate(), Gate::default());
    let server = HttpServer::new(move || {
        let sessions = web::scope("")
            .wrap(SessionMiddleware::new(store.clone(), secret.clone()))
            .route("/login", web::post().to(login))
            .route("/logout", web::post().to(logout))
            .route("/set/{name}", web::put().to(set))
            .route("/count", web::post().to(count))
            .route("/all", web::get().to(all));
        App::new()
            .app_data(Data::new(gate.clone()))
            .route("/gate", web::post().to(open))
            .route("/gate/{number}", web::get().to(reached))
            .service(sessions)
    });
    let server = server.disable_signals().bind(("127.0.0.1", 0))?;
    let address = server.addrs().first().copied().ok_or("actix-web listens nowhere")?;
    tokio::spawn(server.run());
    Site::here("actix-session", "Redis", format!("http://{address}"))
}

async fn login(session: Session) -> Answer<HttpResponse> {
    session.renew();
    session.insert("user", USER)?;
    Ok(HttpResponse::Ok().finish())
}

async fn logout(session: Session) -> HttpResponse {
    session.purge();
    HttpResponse::Ok().finish()
}

async fn set(
    session: Session,
    gate: Data<Gate>,
    name: Path<String>,
    request: HttpRequest,
) -> Answer<HttpResponse> {
    session.get::<String>("user")?;
    gate.pass(Some(request.query_string())).await;
    session.insert(name.into_inner(), true)?;
    Ok(HttpResponse::Ok().finish())
}

async fn count(session: Session, gate: Data<Gate>, request: HttpRequest) -> Answer<HttpResponse> {
    session.get::<String>("user")?;
    gate.pass(Some(request.query_string())).await;
    let count: u64 = session.get(races::COUNT)?.unwrap_or_default();
    session.insert(races::COUNT, count + 1)?;
    Ok(HttpResponse::Ok().finish())
}

async fn all(session: Session) -> Answer<Json<Map<String, Value>>> {
    let mut all = Map::new();
    for name in names() {
        if let Some(value) = session.get(&name)? {
            all.insert(name, value);
        }
    }
    Ok(Json(all))
}

async fn reached(gate: Data<Gate>, number: Path<usize>) -> HttpResponse {
    if gate.is_reached_by(*number).await {
        HttpResponse::Ok().finish()
    } else {
        HttpResponse::RequestTimeout().finish()
    }
}

async fn open(gate: Data<Gate>) -> HttpResponse {
    gate.open();
    HttpResponse::Ok().finish()
}
