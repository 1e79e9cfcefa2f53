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

/// The snippets of the README and of the pages in docs are compiled with the tests.
#[cfg(all(doctest, feature = "axum", feature = "sqlite"))]
mod pages {
    #[doc = include_str!("../../../README.md")]
    struct Readme;

    #[doc = include_str!("../../../docs/coming-from-django.md")]
    struct ComingFromDjango;

    #[cfg(feature = "django")]
    #[doc = include_str!("../../../docs/beside-django.md")]
    struct BesideDjango;

    #[doc = include_str!("../../../docs/coming-from-tower-sessions.md")]
    struct ComingFromTowerSessions;

    #[doc = include_str!("../../../docs/coming-from-express.md")]
    struct ComingFromExpress;

    #[doc = include_str!("../../../docs/logins.md")]
    struct Logins;

    #[doc = include_str!("../../../docs/lifetimes.md")]
    struct Lifetimes;

    #[doc = include_str!("../../../docs/long-answers.md")]
    struct LongAnswers;

    #[doc = include_str!("../../../docs/operations.md")]
    struct Operations;
}
