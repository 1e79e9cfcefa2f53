//! The HTTP scripts, through the middleware and the extractor, on each engine.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod actix {
    cloakroom_conformance::http_tests!(async |setting| super::served(setting).await);
}

mod actix_signed_cookies {
    use cloakroom_cookie::Config;

    cloakroom_conformance::http_tests!(
        on async |clock| {
            let secret_key = "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz";
            Config::new(secret_key).clock(clock).open().unwrap()
        };
        async |setting| super::served(setting).await
    );
}

mod actix_sqlite {
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
        async |setting| super::served(setting).await
    );
}

mod actix_sqlite_cached {
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
        async |setting| super::served(setting).await
    );
}

mod actix_files {
    use cloakroom_conformance::Setup;
    use cloakroom_file::Config;

    cloakroom_conformance::http_tests!(
        on async |clock| {
            let folder = tempfile::tempdir().unwrap();
            let engine = Config::new(folder.path().join("sessions")).clock(clock).open().await.unwrap();
            Setup::keeping(engine, folder)
        };
        async |setting| super::served(setting).await
    );
}

mod actix_moka {
    use cloakroom_cache::memory::Config;

    cloakroom_conformance::http_tests!(
        on async |clock| Config::new().clock(clock).open();
        async |setting| super::served(setting).await
    );
}

mod actix_postgres {
    cloakroom_conformance::http_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        on async |clock| super::database("POSTGRES_URL", clock).await;
        async |setting| super::served(setting).await
    );
}

mod actix_mariadb {
    cloakroom_conformance::http_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        on async |clock| super::database("MARIADB_URL", clock).await;
        async |setting| super::served(setting).await
    );
}

mod actix_redis {
    cloakroom_conformance::http_tests!(
        ignore = "needs a server: cargo xtask test starts one";
        on async |clock| {
            let config = cloakroom_cache::redis::Config::new(super::server("REDIS_URL"));
            let prefix = format!("scripts:{}:", super::name().expose());
            config.prefix(prefix).clock(clock).open().await.unwrap()
        };
        async |setting| super::served(setting).await
    );
}

use std::sync::Arc;

use actix_http::Request;
use actix_web::body::{MessageBody, to_bytes};
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::header::HeaderValue;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, HttpResponse, web};
use cloakroom_actix::{Error, Session, SessionMiddleware};
use cloakroom_conformance::http::{Answer, Setting, Site, act};
use cloakroom_core::{Addressing, Clock, SessionKey};

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

async fn served(setting: Setting) -> impl Site {
    let middleware = SessionMiddleware::with(setting.sessions, setting.cookie);
    let app = App::new()
        .route("/untouched", web::get().to(async || "ok"))
        .route("/perhaps", web::get().to(async |_: Result<Session, Error>| "ok"))
        .route("/do/{steps:.*}", web::to(steps))
        .wrap(middleware.save_every_request(setting.save_every_request));
    Actix(init_service(app).await)
}

async fn steps(session: Session, steps: web::Path<String>) -> Result<HttpResponse, Error> {
    let reply = act(&session, &steps).await?;
    let mut response = HttpResponse::build(StatusCode::from_u16(reply.status).unwrap());
    for header in reply.headers {
        response.append_header(header);
    }
    Ok(response.body(reply.body))
}

struct Actix<S>(S);

#[async_trait::async_trait(?Send)]
impl<S, B> Site for Actix<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = actix_web::Error>,
    B: MessageBody,
{
    async fn ask(&self, method: &str, path: &str, cookies: &[&str]) -> Answer {
        let request = TestRequest::with_uri(path).method(Method::from_bytes(method.as_bytes()).unwrap());
        let request =
            cookies.iter().fold(request, |request, cookie| request.append_header(("cookie", *cookie)));
        let response = self.0.call(request.to_request()).await.unwrap();
        let headers = response.headers().iter();
        let header = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        Answer {
            status: response.status().as_u16(),
            headers: headers.map(|(name, value)| (name.as_str().to_owned(), header(value))).collect(),
            body: String::from_utf8(to_bytes(response.into_body()).await.ok().unwrap().to_vec()).unwrap(),
        }
    }
}
