//! The way to what Django still serves.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONNECTION, HeaderName, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER};
use axum::http::header::{TRANSFER_ENCODING, UPGRADE};
use axum::http::{HeaderMap, StatusCode, Uri, Version};
use axum::response::{IntoResponse, Response};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// What is about one connection and not about what is asked: RFC 9110, section 7.6.1.
const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Passes requests on to Django, and its answers back. Cookies go through as they are, and so does Host: Django compares it with what
/// forms say of their origin.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    client: Client<HttpConnector, Body>,
    django: SocketAddr,
}

impl Proxy {
    /// To the Django that listens there.
    pub(crate) fn to(django: SocketAddr) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), django }
    }

    /// What Django answers, or 502.
    pub(crate) async fn pass_on(self, mut request: Request) -> Response {
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let Ok(uri) = format!("http://{}{path}", self.django).parse::<Uri>() else {
            return StatusCode::BAD_REQUEST.into_response();
        };
        *request.uri_mut() = uri;
        leave_out(request.headers_mut());
        match self.client.request(request).await {
            Ok(mut response) => {
                leave_out(response.headers_mut());
                // Which one Django speaks is between it and this service.
                *response.version_mut() = Version::HTTP_11;
                response.map(Body::new)
            }
            Err(_) => (StatusCode::BAD_GATEWAY, "Django does not answer.").into_response(),
        }
    }
}

fn leave_out(headers: &mut HeaderMap) {
    let connection = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named = connection.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok());
    for name in named.chain(HOP_BY_HOP).collect::<Vec<HeaderName>>() {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_about_one_connection_is_left_out() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("cookie", "a=b"),
            ("host", "h"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        leave_out(&mut headers);
        let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["cookie", "host"]);
    }
}
