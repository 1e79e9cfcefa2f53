//! What the browser is told as the headers leave.

use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderValue, SET_COOKIE, VARY};
use cloakroom_http::{Headers, varies};

use crate::Visit;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// Adds the headers of a session that was looked at.
pub(crate) fn add(headers: Headers, map: &mut HeaderMap) {
    if let Some(cookie) = headers.set_cookie {
        set(map, cookie);
    }
    if headers.no_store && !map.contains_key(CACHE_CONTROL) {
        map.insert(CACHE_CONTROL, NO_STORE);
    }
    if headers.vary_cookie && !varies(map.get_all(VARY).map(HeaderValue::as_bytes)) {
        map.append(VARY, HeaderValue::from_static("Cookie"));
    }
}

/// Says again, in a response of this middleware's own, what those within it have told of sessions that they have stored.
pub(crate) fn repeat(visit: &Visit, map: &mut HeaderMap) {
    for cookie in visit.told_within() {
        set(map, cookie);
        map.insert(CACHE_CONTROL, NO_STORE);
    }
}

fn set(map: &mut HeaderMap, cookie: String) {
    if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
        // It holds the key: middlewares that log headers leave it out.
        cookie.set_sensitive(true);
        map.append(SET_COOKIE, cookie);
    }
}
