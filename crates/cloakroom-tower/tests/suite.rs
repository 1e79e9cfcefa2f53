//! The HTTP scripts, through the layer and axum's extractor, on each engine.

#![cfg(feature = "axum")]
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod tower {
    cloakroom_conformance::http_tests!(async |setting| super::served(setting));
}

mod tower_signed_cookies {
    use cloakroom_cookie::Config;

    cloakroom_conformance::http_tests!(
        on async |clock| {
            let secret_key = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";
            Config::new(secret_key).clock(clock).open().unwrap()
        };
        async |setting| super::served(setting)
    );
}

mod tower_sqlite {
    use cloakroom_conformance::Setup;
    use cloakroom_db::Config;

    cloakroom_conformance::http_tests!(
        on async |clock| {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
            let engine = Config::new(url).clock(clock).open().await.unwrap();
            engine.migrate().await.unwrap();
            Setup::keeping(engine, folder)
        };
        async |setting| super::served(setting)
    );
}

mod tower_sqlite_cached {
    use std::sync::Arc;

    use cloakroom_cache::memory;
    use cloakroom_conformance::Setup;
    use cloakroom_core::Cached;
    use cloakroom_db::Config;

    cloakroom_conformance::http_tests!(
        on async |clock| {
            let folder = tempfile::tempdir().unwrap();
            let url = format!("sqlite:{}/sessions.sqlite3", folder.path().display());
            let engine = Config::new(url).clock(Arc::clone(&clock)).open().await.unwrap();
            engine.migrate().await.unwrap();
            let cache = memory::Config::new().clock(Arc::clone(&clock)).open_cache();
            Setup::keeping(Cached::with_clock(engine, cache, clock), folder)
        };
        async |setting| super::served(setting)
    );
}

mod tower_files {
    use cloakroom_conformance::Setup;
    use cloakroom_file::Config;

    cloakroom_conformance::http_tests!(
        on async |clock| {
            let folder = tempfile::tempdir().unwrap();
            let engine = Config::new(folder.path().join("sessions")).clock(clock).open().await.unwrap();
            Setup::keeping(engine, folder)
        };
        async |setting| super::served(setting)
    );
}

mod tower_moka {
    use cloakroom_cache::memory::Config;

    cloakroom_conformance::http_tests!(
        on async |clock| Config::new().clock(clock).open();
        async |setting| super::served(setting)
    );
}

mod tower_postgres {
    cloakroom_conformance::http_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        on async |clock| super::database("POSTGRES_URL", clock).await;
        async |setting| super::served(setting)
    );
}

mod tower_mariadb {
    cloakroom_conformance::http_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        on async |clock| super::database("MARIADB_URL", clock).await;
        async |setting| super::served(setting)
    );
}

mod tower_redis {
    cloakroom_conformance::http_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        on async |clock| {
            let config = cloakroom_cache::redis::Config::new(super::server("REDIS_URL"));
            let prefix = format!("scripts:{}:", super::name().expose());
            config.prefix(prefix).clock(clock).open().await.unwrap()
        };
        async |setting| super::served(setting)
    );
}

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use axum::routing::{any, get};
use cloakroom_conformance::http::{Answer, Setting, Site, act};
use cloakroom_core::{Addressing, Clock, SessionKey};
use cloakroom_tower::{Error, Session, SessionLayer};

fn server(variable: &str) -> String {
    std::env::var(variable).unwrap_or_else(|_| {
        panic!("{variable} is not set: `cargo xtask servers` starts a server and prints it")
    })
}

/// No two scripts share one.
fn name() -> SessionKey {
    SessionKey::generate(Addressing::Hashed).unwrap()
}

async fn database(variable: &str, clock: Arc<dyn Clock>) -> cloakroom_db::Backend {
    let config = cloakroom_db::Config::new(server(variable)).table(format!("scripts_{}", name().expose()));
    let engine = config.connections(3).clock(clock).open().await.unwrap();
    engine.migrate().await.unwrap();
    engine
}

fn served(setting: Setting) -> Axum {
    let layer = SessionLayer::with(setting.sessions, setting.cookie);
    let layer = layer.save_every_request(setting.save_every_request);
    let router = Router::new()
        .route("/untouched", get(async || "ok"))
        .route("/perhaps", get(async |_: Result<Session, Error>| "ok"))
        .route("/do/{*steps}", any(steps));
    Axum(router.layer(layer))
}

async fn steps(
    session: Session,
    Path(steps): Path<String>,
) -> Result<(StatusCode, HeaderMap, String), Error> {
    let reply = act(&session, &steps).await?;
    let mut headers = HeaderMap::new();
    for (name, value) in reply.headers {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::try_from(value).unwrap());
    }
    Ok((StatusCode::from_u16(reply.status).unwrap(), headers, reply.body))
}

struct Axum(Router);

#[async_trait::async_trait(?Send)]
impl Site for Axum {
    async fn ask(&self, method: &str, path: &str, cookies: &[&str]) -> Answer {
        let request = Request::builder().method(method).uri(path);
        let request = cookies.iter().fold(request, |request, cookie| request.header("cookie", *cookie));
        let request = request.body(Body::empty()).unwrap();
        let response = ::tower::ServiceExt::oneshot(self.0.clone(), request).await.unwrap();
        let (parts, body) = response.into_parts();
        let header = |(name, value): (&HeaderName, &HeaderValue)| {
            (name.as_str().to_owned(), value.to_str().unwrap().to_owned())
        };
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers.iter().map(header).collect(),
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }
}
