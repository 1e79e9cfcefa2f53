//! The site behind axum: which request asks what. Nothing here decides, it moves bytes.

mod extract;
mod render;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::routing::{delete, get, post};
use axum::{Router, middleware};
use cloakroom::Engine;
use cloakroom::axum::SessionLayer;

use crate::api::{self, Outcome};
use crate::devices::Devices;
use crate::{Answer, Failure, forms, page};
use extract::{Filled, Name, Paused, Visitor, Whole};

/// Above what a session holds, so that it is the session that says what is too large.
const LARGEST_BODY: usize = 4 << 20;

/// The whole site. `engine` is what it says of where its sessions are.
pub fn site(engine: Engine, layer: SessionLayer) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/do/{action}", post(act))
        .route("/visits", get(async |Visitor(session)| api::visits(&session).await))
        .nest("/api", for_programs())
        .layer(layer)
        // What follows never looks at a session, not even to note the visit.
        .route("/ping", get(async |_: Paused| Answer::text("pong")))
        .route("/style.css", get(async || asset("text/css; charset=utf-8", page::STYLE)))
        .route("/icon.svg", get(async || asset("image/svg+xml", page::ICON)))
        .fallback(async || Failure::new(404, "There is nothing here."))
        .method_not_allowed_fallback(async || Failure::new(405, "This address does not take that method."))
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(render::failures))
        .layer(middleware::map_response(render::guard))
        .with_state(engine)
}

fn for_programs() -> Router<Engine> {
    Router::new()
        .route("/session", get(show))
        .route("/session/{name}", get(value).put(put).delete(remove))
        .route("/counter/{name}", post(count))
        .route("/login", post(login))
        .route("/logout", post(async |Visitor(session)| api::logout(&session)))
        .route("/flush", post(async |Visitor(session)| api::flush(&session)))
        .route("/cycle-key", post(async |Visitor(session)| api::cycle_key(&session)))
        .route("/expiry", post(expire))
        .route("/test-cookie", get(test_cookie).post(set_test_cookie))
        .route("/devices", get(async |Visitor(session)| api::devices(&session).await))
        .route("/devices/{id}", delete(end_device))
        .route("/logout-others", post(async |Visitor(session)| api::logout_others(&session).await))
        .route("/logout-everywhere", post(async |Visitor(session)| api::logout_everywhere(&session).await))
}

async fn home(State(engine): State<Engine>, Visitor(session): Visitor) -> Outcome {
    let devices = Devices::of(&session).await?;
    Ok(Answer::page(200, page::home(engine, &session, &devices)))
}

async fn act(
    Visitor(session): Visitor,
    Name(action): Name,
    Filled(fields): Filled<forms::Fields>,
) -> Outcome {
    forms::act(&session, &action, &fields).await
}

async fn show(State(engine): State<Engine>, Visitor(session): Visitor) -> Outcome {
    api::show(engine, &session)
}

async fn value(Visitor(session): Visitor, Name(name): Name) -> Outcome {
    api::value(&session, &name)
}

async fn put(Visitor(session): Visitor, Name(name): Name, Whole(body): Whole) -> Outcome {
    api::put(&session, &name, &body)
}

async fn remove(Visitor(session): Visitor, Name(name): Name) -> Outcome {
    api::remove(&session, &name)
}

async fn end_device(Visitor(session): Visitor, Name(id): Name) -> Outcome {
    api::end_device(&session, &id).await
}

async fn count(Visitor(session): Visitor, Name(name): Name) -> Outcome {
    api::count(&session, &name).await
}

async fn login(Visitor(session): Visitor, Whole(body): Whole) -> Outcome {
    api::login(&session, &body)
}

async fn expire(Visitor(session): Visitor, Whole(body): Whole) -> Outcome {
    api::expire(&session, &body)
}

async fn set_test_cookie(Visitor(session): Visitor) -> Outcome {
    api::set_test_cookie(&session)
}

async fn test_cookie(Visitor(session): Visitor) -> Outcome {
    api::test_cookie(&session)
}

fn asset(kind: &'static str, text: &'static str) -> impl axum::response::IntoResponse {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], text)
}
