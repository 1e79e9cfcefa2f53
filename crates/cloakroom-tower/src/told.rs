//! What the browser is told as the headers leave.

use cloakroom_http::varies;
use http::header::{CACHE_CONTROL, SET_COOKIE, VARY};
use http::{HeaderMap, HeaderValue};

use crate::Visit;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The headers leave: adds those of a session that was looked at.
pub(crate) fn tell(visit: &Visit, map: &mut HeaderMap) {
    let headers = visit.tell();
    if let Some(cookie) = headers.set_cookie {
        set(map, cookie);
    }
    if headers.no_store {
        map.entry(CACHE_CONTROL).or_insert(NO_STORE);
    }
    if headers.vary_cookie && !varies(map.get_all(VARY).iter().map(HeaderValue::as_bytes)) {
        map.append(VARY, HeaderValue::from_static("Cookie"));
    }
}

/// Says again, in a response of this layer's own, what layers within it have told of sessions that they have stored.
pub(crate) fn repeat(visit: &Visit, map: &mut HeaderMap) {
    for cookie in visit.told_within() {
        set(map, cookie);
        map.insert(CACHE_CONTROL, NO_STORE);
    }
}

fn set(map: &mut HeaderMap, cookie: String) {
    if let Ok(mut cookie) = HeaderValue::try_from(cookie) {
        // It holds the key: layers that log headers leave it out.
        cookie.set_sensitive(true);
        map.append(SET_COOKIE, cookie);
    }
}
