//! What the browser is told as the headers leave.

use cloakroom_http::{headers, varies};
use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue, Response};

use crate::visit::Visit;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The headers leave: adds those of a session that was looked at.
pub(crate) fn tell<Answer>(visit: &Visit, response: &mut Response<Answer>) {
    visit.headers_left();
    let rules = visit.rules();
    let Some(session) = visit.loaded() else {
        if visit.asked() {
            vary(response.headers_mut());
        }
        return;
    };
    let headers = headers(&session.activity().cookie, &rules.cookie, rules.sessions.options().clock.now());
    if let Some(mut cookie) = headers.set_cookie.and_then(|cookie| HeaderValue::try_from(cookie).ok()) {
        // It holds the key: layers that log headers leave it out.
        cookie.set_sensitive(true);
        if visit.is_nested() {
            response.extensions_mut().get_or_insert_default::<Told>().0.push(cookie.clone());
        }
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    if headers.no_store {
        response.headers_mut().entry(CACHE_CONTROL).or_insert(NO_STORE);
    }
    if headers.vary_cookie {
        vary(response.headers_mut());
    }
}

fn vary(map: &mut HeaderMap) {
    if !varies(map.get_all(VARY).iter().map(HeaderValue::as_bytes)) {
        map.append(VARY, HeaderValue::from_static("Cookie"));
    }
}

/// What layers within this one have told the browser of sessions that they have stored. It stays, should this
/// one's commit fail.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told(Vec<HeaderValue>);

impl Told {
    /// What this response says already.
    pub(crate) fn taken_from<Answer>(response: &mut Response<Answer>) -> Self {
        response.extensions_mut().remove().unwrap_or_default()
    }

    /// Says it again, in another response.
    pub(crate) fn repeat_in<Answer>(self, response: &mut Response<Answer>) {
        if self.0.is_empty() {
            return;
        }
        for cookie in &self.0 {
            response.headers_mut().append(SET_COOKIE, cookie.clone());
        }
        response.headers_mut().insert(CACHE_CONTROL, NO_STORE);
        response.extensions_mut().insert(self);
    }
}
