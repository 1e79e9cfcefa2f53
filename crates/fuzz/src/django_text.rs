//! What somebody writes to Django's table or files; also what somebody has signed who has the key.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use cloakroom_django::Signed;

use crate::django::{read, signed, site};

const SALT: &str = "django.contrib.sessions.SessionStore";

/// A text; or, behind a byte that says so, a payload (1) or JSON (2) that is signed as Django does it.
pub fn django_text(data: &[u8]) -> bool {
    let format = Signed::new(site());
    match data.split_first() {
        Some((1, payload)) => read(&format, &signed(payload, SALT)),
        Some((2, json)) => read(&format, &signed(base64(json).as_bytes(), SALT)),
        _ => read(&format, data),
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
