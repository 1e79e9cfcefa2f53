#![cfg_attr(any(not(doctest), feature = "axum"), doc = include_str!("../README.md"))]
//!
//! # Sweeping
//!
//! An expired session is absent at once; its record stays until it is swept. Have a task run
//! [`ClearExpired`] on the layer's own `sessions()`: [`Settings::sessions`] opens the engine a second time.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod check;
mod copy;
mod engine;
mod migrating;
mod open;
mod settings;
#[cfg(feature = "django")]
mod shared;
mod site;
mod values;
mod weakness;

/// The model: [`core::Session`] and [`core::Error`] are what the adapters' own build upon, and
/// [`core::SessionBackend`] is what an engine of your own implements.
pub use cloakroom_core as core;
pub use cloakroom_core::{
    ClearExpired, ErrorKind, Expiry, Lifetime, LoginLimit, LoginPolicy, Memory, SessionId, SessionInfo,
    SessionOptions, Sessions, Timestamp,
};
/// Cookie policy and request lifecycle, for adapters.
pub use cloakroom_http as http;
pub use cloakroom_http::{CookieOptions, CookiePolicy, SameSite};
pub use copy::{Copied, copy};
pub use engine::Engine;
pub use migrating::Migrating;
pub use settings::Settings;
pub use site::{CacheSerializer, DjangoSite, Format};
pub use weakness::{Severity, Weakness};

/// Sessions in a cache: Redis, or this process's memory.
#[cfg(feature = "cache")]
pub use cloakroom_cache as cache;
/// Sessions in the cookie itself, signed or sealed.
#[cfg(feature = "signed-cookies")]
pub use cloakroom_cookie as cookie;
/// Sessions in a SQL database.
#[cfg(feature = "db")]
pub use cloakroom_db as db;
/// Django's formats, to share sessions with a Django site.
#[cfg(feature = "django")]
pub use cloakroom_django as django;
/// Sessions in files.
#[cfg(feature = "file")]
pub use cloakroom_file as file;

/// For tower services: the layer, and the session of a request's extensions.
#[cfg(feature = "tower")]
pub use cloakroom_tower as tower;

/// For axum: the layer, and the session as an argument of handlers.
///
/// # Your own page for failures
///
/// Whatever fails, the response has the status that fits it, and its [`Error`](axum::Error) in its
/// extensions: where the session could not be loaded, where a handler has returned the error, where the commit
/// failed after the handler (the response is empty then), and where a route has no layer. One function around
/// all layers finds it there and writes your page, or JSON:
///
/// ```
/// use axum::body::Body;
/// use axum::http::header::{CONTENT_TYPE, HeaderValue};
/// use axum::middleware::map_response;
/// use axum::response::Response;
/// use axum::{Router, routing::get};
/// use cloakroom::Memory;
/// use cloakroom::axum::{Error, Session, SessionLayer};
///
/// async fn failures(mut response: Response) -> Response {
///     if let Some(error) = response.extensions().get::<Error>() {
///         let page = format!("<h1>{}</h1><p>{}</p>", error.status(), error.sentence());
///         *response.body_mut() = Body::from(page);
///         response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
///     }
///     response
/// }
///
/// async fn handler(session: Session) -> Result<(), Error> {
///     Ok(session.insert("seen", true)?)
/// }
///
/// let site: Router = Router::new()
///     .route("/", get(handler))
///     .layer(SessionLayer::new(Memory::new()))
///     .layer(map_response(failures)); // outside: a commit fails on the way out
/// ```
///
/// Change the body, and leave the headers as they are: `Set-Cookie` tells what was stored before the failure.
/// [`sentence`](axum::Error::sentence) is for visitors, the error itself and its `source` for your log. An error
/// type of your own that wraps this one returns `error.into_response()` for it, and is answered like all others.
#[cfg(feature = "axum")]
pub mod axum {
    pub use cloakroom_tower::{Error, Session, SessionLayer};
}

/// For actix-web: the middleware, and the session as an argument of handlers.
///
/// ```no_run
/// use actix_web::{App, HttpServer, web};
/// use cloakroom::Settings;
/// use cloakroom::actix::{Error, Session};
///
/// async fn visits(session: Session) -> Result<String, Error> {
///     let n = session.update("visits", |n: &mut u64| *n += 1).await?;
///     Ok(format!("You have visited this page {n} times."))
/// }
///
/// #[actix_web::main]
/// async fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let settings = Settings::from_env()?;
///     settings.migrate().await?;
///     // Before the factory: all workers share it.
///     let sessions = settings.middleware().await?;
///     let site = move || App::new().wrap(sessions.clone()).route("/", web::get().to(visits));
///     Ok(HttpServer::new(site).bind("127.0.0.1:8000")?.run().await?)
/// }
/// ```
///
/// # Your own page for failures
///
/// As with axum, whatever fails is a response with the status that fits it, and its [`Error`](actix::Error) in its extensions. One
/// function around the middleware finds it there:
///
/// ```
/// use actix_web::body::{BoxBody, MessageBody};
/// use actix_web::dev::{ServiceRequest, ServiceResponse};
/// use actix_web::middleware::{Next, from_fn};
/// use actix_web::{App, web};
/// use cloakroom::Memory;
/// use cloakroom::actix::{Error, Session, SessionMiddleware};
///
/// async fn failures(
///     request: ServiceRequest,
///     next: Next<impl MessageBody + 'static>,
/// ) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
///     let response = next.call(request).await?.map_into_boxed_body();
///     let error = response.response().extensions().get::<Error>().cloned();
///     let Some(error) = error else { return Ok(response) };
///     let page = format!("{}: {}", error.status(), error.sentence());
///     Ok(response.map_body(|_, _| BoxBody::new(page)))
/// }
///
/// async fn handler(session: Session) -> Result<&'static str, Error> {
///     session.insert("seen", true)?;
///     Ok("seen")
/// }
///
/// let site = App::new()
///     .wrap(SessionMiddleware::new(Memory::new()))
///     .wrap(from_fn(failures)) // outside: a commit fails on the way out
///     .route("/", web::get().to(handler));
/// ```
#[cfg(feature = "actix")]
pub mod actix {
    pub use cloakroom_actix::{Error, Session, SessionMiddleware};
}

/// The snippets of the README and of the pages in docs are compiled with the tests.
#[cfg(all(doctest, feature = "axum", feature = "sqlite"))]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/introduction.md")]
    struct Introduction;

    #[doc = include_str!("../../../docs/first-session.md")]
    struct FirstSession;

    #[doc = include_str!("../../../docs/choosing-an-engine.md")]
    struct ChoosingAnEngine;

    #[doc = include_str!("../../../docs/settings.md")]
    struct Settings;

    #[doc = include_str!("../../../docs/concurrency.md")]
    struct Concurrency;

    #[doc = include_str!("../../../docs/security.md")]
    struct Security;

    #[doc = include_str!("../../../docs/coming-from-django.md")]
    struct ComingFromDjango;

    #[cfg(feature = "django")]
    #[doc = include_str!("../../../docs/beside-django.md")]
    struct BesideDjango;

    #[doc = include_str!("../../../docs/coming-from-tower-sessions.md")]
    struct ComingFromTowerSessions;

    #[cfg(feature = "actix")]
    #[doc = include_str!("../../../docs/coming-from-actix-session.md")]
    struct ComingFromActixSession;

    #[doc = include_str!("../../../docs/coming-from-express.md")]
    struct ComingFromExpress;

    #[doc = include_str!("../../../docs/logins.md")]
    struct Logins;

    #[doc = include_str!("../../../docs/lifetimes.md")]
    struct Lifetimes;

    #[doc = include_str!("../../../docs/long-answers.md")]
    struct LongAnswers;

    #[cfg(feature = "metrics")]
    #[doc = include_str!("../../../docs/observability.md")]
    struct Observability;

    #[doc = include_str!("../../../docs/operations.md")]
    struct Operations;
}
