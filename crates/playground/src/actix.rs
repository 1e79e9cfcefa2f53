//! The site behind actix-web: which request asks what. Nothing here decides, it moves bytes.

mod extract;
mod render;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use actix_web::middleware::from_fn;
use actix_web::{App, FromRequest, Handler, HttpResponse, Resource, Responder, Scope, web};
use cloakroom::Engine;
use cloakroom::actix::SessionMiddleware;

use crate::api::{self, Outcome};
use crate::devices::Devices;
use crate::{Answer, Failure, forms, page};
use extract::{Filled, Name, Paused, Visitor, Whole};

/// Above what a session holds, so that it is the session that says what is too large.
const LARGEST_BODY: usize = 4 << 20;

/// The whole site, for one worker. `engine` is what it says of where its sessions are.
pub fn site(
    engine: Engine,
    sessions: SessionMiddleware,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(web::Data::new(engine))
        .app_data(web::FormConfig::default().limit(LARGEST_BODY))
        .service(got("/", home).wrap(sessions.clone()))
        .service(web::resource("/do/{action}").route(web::post().to(act)).wrap(sessions.clone()))
        .service(
            got("/visits", async |Visitor(session): Visitor| api::visits(&session).await)
                .wrap(sessions.clone()),
        )
        .service(for_programs().wrap(sessions))
        // What follows never looks at a session, not even to note the visit.
        .service(got("/ping", async |_: Paused| Answer::text("pong")))
        .service(got("/style.css", async || asset("text/css; charset=utf-8", page::STYLE)))
        .service(got("/icon.svg", async || asset("image/svg+xml", page::ICON)))
        .default_service(web::to(async || Err::<Answer, _>(Failure::new(404, "There is nothing here."))))
        .wrap(from_fn(render::failures))
        .wrap(render::guard())
}

fn for_programs() -> Scope {
    let posted = |path, route| web::resource(path).route(route);
    web::scope("/api")
        .service(got("/session", show))
        .service(
            got("/session/{name}", value).route(web::put().to(put)).route(
                web::delete()
                    .to(async |Visitor(session): Visitor, Name(name): Name| api::remove(&session, &name)),
            ),
        )
        .service(posted("/counter/{name}", web::post().to(count)))
        .service(posted("/login", web::post().to(login)))
        .service(posted("/logout", web::post().to(async |Visitor(session): Visitor| api::logout(&session))))
        .service(posted("/flush", web::post().to(async |Visitor(session): Visitor| api::flush(&session))))
        .service(posted(
            "/cycle-key",
            web::post().to(async |Visitor(session): Visitor| api::cycle_key(&session)),
        ))
        .service(posted("/expiry", web::post().to(expire)))
        .service(
            got("/test-cookie", async |Visitor(session): Visitor| api::test_cookie(&session))
                .route(web::post().to(async |Visitor(session): Visitor| api::set_test_cookie(&session))),
        )
        .service(got("/devices", async |Visitor(session): Visitor| api::devices(&session).await))
        .service(posted("/devices/{id}", web::delete().to(end_device)))
        .service(posted(
            "/logout-others",
            web::post().to(async |Visitor(session): Visitor| api::logout_others(&session).await),
        ))
        .service(posted(
            "/logout-everywhere",
            web::post().to(async |Visitor(session): Visitor| api::logout_everywhere(&session).await),
        ))
}

/// What answers GET, and HEAD as well.
fn got<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: Responder + 'static,
{
    web::resource(path).route(web::get().to(handler.clone())).route(web::head().to(handler))
}

async fn home(engine: web::Data<Engine>, Visitor(session): Visitor) -> Outcome {
    let devices = Devices::of(&session).await?;
    Ok(Answer::page(200, page::home(**engine, &session, &devices)))
}

async fn act(
    Visitor(session): Visitor,
    Name(action): Name,
    Filled(fields): Filled<forms::Fields>,
) -> Outcome {
    forms::act(&session, &action, &fields).await
}

async fn show(engine: web::Data<Engine>, Visitor(session): Visitor) -> Outcome {
    api::show(**engine, &session)
}

async fn value(Visitor(session): Visitor, Name(name): Name) -> Outcome {
    api::value(&session, &name)
}

async fn put(Visitor(session): Visitor, Name(name): Name, Whole(body): Whole) -> Outcome {
    api::put(&session, &name, &body)
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

fn asset(kind: &'static str, text: &'static str) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, kind))
        .insert_header((CACHE_CONTROL, "no-cache"))
        .body(text)
}
