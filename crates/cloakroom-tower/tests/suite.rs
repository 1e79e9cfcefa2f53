//! The HTTP scripts, through the layer and axum's extractor: on a store, and on cookies that are the session.

#![cfg(feature = "axum")]
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test fails by panicking")]

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

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use axum::routing::{any, get};
use cloakroom_conformance::http::{Answer, Setting, Site, act};
use cloakroom_tower::{Error, Session, SessionLayer};

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

#[async_trait::async_trait]
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
